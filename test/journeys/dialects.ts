import {
  type AttributeValue,
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  QueryCommand as DocumentQueryCommand,
  ScanCommand as DocumentScanCommand,
  DynamoDBDocumentClient,
  GetCommand,
  type TranslateConfig,
} from '@aws-sdk/lib-dynamodb';

/** One way to speak with DynamoDB: whatever is asked and answered has values in the form of one client. */
export interface Dialect {
  readonly name: string;
  /** Strings, which keys are here, in this form. */
  string(text: string): unknown;
  speaker(client: DynamoDBClient): Speaker;
}

export type Speaker = Record<Operation, (input: object) => Promise<object>>;
export type Operation = 'getItem' | 'batchGetItem' | 'query' | 'scan';

export const DIALECTS: readonly Dialect[] = [
  {
    name: 'DynamoDBClient',
    string: (S): AttributeValue => ({ S }),
    speaker: (client) => ({
      getItem: (input) => client.send(new GetItemCommand(input as never)),
      batchGetItem: (input) => client.send(new BatchGetItemCommand(input as never)),
      query: (input) => client.send(new QueryCommand(input as never)),
      scan: (input) => client.send(new ScanCommand(input as never)),
    }),
  },
  documentDialect('DynamoDBDocumentClient'),
  documentDialect('DynamoDBDocumentClient with wrapped numbers', {
    unmarshallOptions: { wrapNumbers: true },
  }),
  documentDialect('DynamoDBDocumentClient with numbers of its own', {
    unmarshallOptions: { wrapNumbers: (text) => `number ${text}` },
  }),
];

function documentDialect(name: string, translation: TranslateConfig = {}): Dialect {
  return {
    name,
    string: (text) => text,
    speaker(client) {
      const documents = DynamoDBDocumentClient.from(client, translation);
      return {
        getItem: (input) => documents.send(new GetCommand(input as never)),
        batchGetItem: (input) => documents.send(new BatchGetCommand(input as never)),
        query: (input) => documents.send(new DocumentQueryCommand(input as never)),
        scan: (input) => documents.send(new DocumentScanCommand(input as never)),
      };
    },
  };
}
