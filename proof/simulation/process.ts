import type { AttributeMap } from '../../src/attributes.js';
import type { Next, System } from './system.js';
import {
  type Batch,
  type Input,
  keyOf,
  nameOf,
  type Output,
  PARTITION,
  skOf,
  TABLE,
  type Table,
} from './table.js';
import type { Began, Watch } from './watch.js';
import type { World } from './world.js';

/** One process of the application. The watch is told what it reads from the cache, and what it has written. */
export interface Process {
  get(sk: string): Promise<void>;
  batchGet(names: readonly string[]): Promise<void>;
  /** Returns what the cache answered, by item; `undefined` when DynamoDB did. */
  query(): Promise<ReadonlyMap<string, AttributeMap> | undefined>;
  /** Writes items; nobody knows what became of it when that fails. */
  write(command: string, input: Input, names: readonly string[]): Promise<void>;
}

export function newProcess(by: number, world: World, table: Table, system: System, watch: Watch): Process {
  const client = system.newClient();

  /** Calls an operation. DynamoDB was asked nothing when the cache answered, and a batch possibly twice. */
  async function send(
    command: string,
    input: object,
  ): Promise<{ output: Output; asked: Input[]; began: Began }> {
    const began = { moment: watch.moment(), at: world.time.now() };
    const asked: Input[] = [];
    const next: Next = (name, sent) => {
      asked.push(sent);
      return table.send(name, sent);
    };
    const output = await client.send(command, input as Input, next);
    return { output, began, asked };
  }

  function saw(
    entry: string,
    sk: string,
    image: AttributeMap | undefined,
    isHit: boolean,
    began: Began,
  ): void {
    world.tell(
      () =>
        `process ${by}: ${entry === 'item' ? '' : `${entry}: `}${sk} is ${nameOf(image)}${isHit ? ', a hit' : ''}`,
    );
    if (isHit) watch.served(entry, sk, image, by, began);
    else if (entry === 'item') watch.missed();
  }

  return {
    async get(sk) {
      const { output, asked, began } = await send('GetItemCommand', { TableName: TABLE, Key: keyOf(sk) });
      saw('item', sk, output.Item as AttributeMap | undefined, asked.length === 0, began);
    },

    async batchGet(names) {
      const input = { RequestItems: { [TABLE]: { Keys: names.map(keyOf) } } };
      const { output, asked, began } = await send('BatchGetItemCommand', input);
      const read = new Set(
        asked.flatMap(
          ({ RequestItems }) => (RequestItems?.[TABLE] as Batch | undefined)?.Keys.map(skOf) ?? [],
        ),
      );
      const items = (output.Responses as { items: AttributeMap[] }).items;
      for (const sk of names) {
        saw(
          'item',
          sk,
          items.find((item) => skOf(item) === sk),
          !read.has(sk),
          began,
        );
      }
    },

    async query() {
      const { output, asked, began } = await send('QueryCommand', {
        TableName: TABLE,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': PARTITION },
      });
      const items = new Map((output.Items as AttributeMap[]).map((item) => [skOf(item), item]));
      for (const sk of table.items.keys()) saw('query', sk, items.get(sk), asked.length === 0, began);
      return asked.length === 0 ? items : undefined;
    },

    async write(command, input, names) {
      const unconfirmed = client.unconfirmedWrites;
      const countOf = (sk: string) => table.items.get(sk)?.states.length ?? 0;
      const floors = names.map(countOf);
      world.tell(() => `process ${by}: ${command} of ${names.join(', ')}`);
      try {
        await send(command, input);
      } catch {
        return;
      }
      // It made a state after those that there were when it began, unless it deleted what was not there.
      names.forEach((sk, index) => {
        const position = Math.min(floors[index] as number, countOf(sk) - 1);
        watch.wrote(sk, position, by, client.unconfirmedWrites === unconfirmed);
      });
    },
  };
}
