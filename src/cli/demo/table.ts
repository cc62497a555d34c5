import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { DynamoDBRecord } from 'aws-lambda';
import type { AttributeMap } from '../../attributes.js';
import { toError } from '../../errors.js';
import { isBefore, sequenceNumberOf } from '../../local/records.js';
import type { StreamSource } from '../../local/source.js';

/**
 * A table and its stream in this process, for who has no DynamoDB at hand. It is none: it has one key attribute, a text, and takes
 * the few requests below; what it does not understand it refuses, so that nothing seems to work that does not.
 */
export interface DemoTable {
  readonly tableName: string;
  /** Where any client of this machine finds it, as it finds a DynamoDB Local. */
  readonly endpoint: string;
  readonly source: StreamSource;
  close(): Promise<void>;
}

export const DEMO_TABLE = 'users';
const KEY = 'id';

/** What requests may say, besides what is asked of any. All else would change what they mean. */
const MEMBERS = ['TableName', 'Key', 'Item', 'RequestItems', 'ConsistentRead', 'ReturnConsumedCapacity'];

interface Request {
  readonly TableName?: string;
  readonly Key?: AttributeMap;
  readonly Item?: AttributeMap;
  readonly RequestItems?: Record<string, { readonly Keys: AttributeMap[] }>;
}

export async function openDemoTable(): Promise<DemoTable> {
  const items = new Map<string, AttributeMap>();
  const stream = newStream();

  function change(id: string, newImage: AttributeMap | undefined): object {
    const oldImage = items.get(id);
    if (newImage === undefined) items.delete(id);
    else items.set(id, newImage);
    if (newImage !== undefined || oldImage !== undefined) stream.add(id, oldImage, newImage);
    return {};
  }

  const operations: Readonly<Record<string, (request: Request) => object>> = {
    DescribeTable: () => ({
      Table: {
        TableName: DEMO_TABLE,
        TableStatus: 'ACTIVE',
        ItemCount: items.size,
        KeySchema: [{ AttributeName: KEY, KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: KEY, AttributeType: 'S' }],
      },
    }),
    GetItem: ({ Key }) => {
      const Item = items.get(idOf(Key));
      return Item === undefined ? {} : { Item };
    },
    BatchGetItem: ({ RequestItems }) => {
      const keys = RequestItems?.[DEMO_TABLE]?.Keys ?? refuse('It has no keys of the table.');
      const found = keys.map((key) => items.get(idOf(key)));
      return { Responses: { [DEMO_TABLE]: found.filter((item) => item !== undefined) } };
    },
    PutItem: ({ Item }) => change(idOf(Item), Item),
    DeleteItem: ({ Key }) => change(idOf(Key), undefined),
  };

  async function answer(message: IncomingMessage): Promise<object> {
    const name = String(message.headers['x-amz-target']).split('.')[1] ?? '';
    const request = (await json(message)) as Request;
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (operation === undefined) {
      return refuse(`The table of the demo knows ${Object.keys(operations).join(', ')}, and not ${name}.`);
    }
    const unknown = Object.keys(request).find((member) => !MEMBERS.includes(member));
    if (unknown !== undefined) refuse(`The table of the demo does not know ${unknown}.`);
    const { TableName = DEMO_TABLE } = request;
    if (TableName !== DEMO_TABLE) refuse(`The demo has the table ${DEMO_TABLE} alone.`);
    return operation(request);
  }

  const server = createServer((message, response) => {
    const send = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
    answer(message).then(
      (body) => send(200, body),
      (thrown) =>
        send(400, {
          __type: 'com.amazonaws.dynamodb.v20120810#ValidationException',
          message: toError(thrown).message,
        }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    tableName: DEMO_TABLE,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    source: stream.source,
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function idOf(keyOrItem: AttributeMap = {}): string {
  const id = keyOrItem[KEY];
  if (id === undefined || !('S' in id) || id.S === '')
    return refuse(`An item has the key ${KEY}, which is a text.`);
  return id.S;
}

function refuse(why: string): never {
  throw new Error(why);
}

const STREAM_ARN = `arn:aws:dynamodb:us-east-1:000000000000:table/${DEMO_TABLE}/stream/2026-01-01T00:00:00.000`;

/** One shard that never ends. */
function newStream() {
  const records: DynamoDBRecord[] = [];
  const source: StreamSource = {
    describe: async () => ({ streamArn: STREAM_ARN, shards: [{ shardId: 'shard', open: true }] }),
    async iterator(_shard, position) {
      if (!('sequenceNumber' in position)) return String(position.type === 'LATEST' ? records.length : 0);
      const { sequenceNumber, type } = position;
      const first = records.findIndex((record) => !isBefore(sequenceNumberOf(record), sequenceNumber));
      return String(type === 'AT_SEQUENCE_NUMBER' ? first : first + 1);
    },
    async read(iterator, limit) {
      const page = records.slice(Number(iterator), Number(iterator) + limit);
      return { records: page, nextIterator: String(Number(iterator) + page.length) };
    },
    close() {},
  };
  function add(id: string, oldImage: AttributeMap | undefined, newImage: AttributeMap | undefined): void {
    const number = String(records.length + 1);
    records.push({
      eventID: number,
      eventName: newImage === undefined ? 'REMOVE' : oldImage === undefined ? 'INSERT' : 'MODIFY',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
        Keys: { [KEY]: { S: id } },
        ...(newImage && { NewImage: newImage as never }),
        ...(oldImage && { OldImage: oldImage as never }),
        SequenceNumber: number.padStart(21, '0'),
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
      eventSourceARN: STREAM_ARN,
    });
  }
  return { source, add };
}
