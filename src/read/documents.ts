import type { Entry } from './stack.js';

/**
 * How to translate between a document client's form of items and DynamoDB's. `DynamoDBDocumentClient` adds two
 * middlewares to each command for that, configured by the caller's translate options; they are used as they are.
 */
export interface Documents {
  /** The request as it is now: every version so far translates at once, and a later one may take its time. */
  toRequest(input: unknown): unknown;
  fromResponse(output: unknown): Promise<unknown>;
}

/** The names under which `@aws-sdk/lib-dynamodb` adds its middlewares. */
export const MARSHALL = 'DocumentMarshall';
export const UNMARSHALL = 'DocumentUnmarshall';

type Handler = (args: { input: unknown }) => Promise<{ output: unknown }>;
type Middleware = (next: Handler, context: object) => Handler;

/** The translation of a command of a document client, of its middlewares; `undefined` for one that speaks DynamoDB's form. */
export function documentsOf(ofCommand: readonly Entry[], context: object): Documents | undefined {
  const named = (wanted: string) =>
    ofCommand.find(({ name }) => name === wanted)?.middleware as Middleware | undefined;
  const marshall = named(MARSHALL);
  const unmarshall = named(UNMARSHALL);
  if (marshall === undefined || unmarshall === undefined) return undefined;
  return {
    toRequest(input) {
      let request: unknown;
      const keep: Handler = async (args) => {
        request = args.input;
        return { output: undefined };
      };
      const done = marshall(keep, context)({ input });
      if (request === undefined) return done.then(() => request);
      done.catch(() => {});
      return request;
    },
    async fromResponse(output) {
      const answer: Handler = async () => ({ output });
      return (await unmarshall(answer, context)({ input: undefined })).output;
    },
  };
}
