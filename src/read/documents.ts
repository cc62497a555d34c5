/**
 * How to translate between a document client's form of items and DynamoDB's. `DynamoDBDocumentClient` adds two
 * middlewares to each command for that, configured by the caller's translate options; they are used as they are.
 */
export interface Documents {
  toRequest(input: unknown): Promise<unknown>;
  fromResponse(output: unknown): Promise<unknown>;
}

/** The names under which `@aws-sdk/lib-dynamodb` adds its middlewares. */
export const MARSHALL = 'DocumentMarshall';
export const UNMARSHALL = 'DocumentUnmarshall';

type Handler = (args: { input: unknown }) => Promise<{ output: unknown }>;
type Middleware = (next: Handler, context: object) => Handler;

/** A command, as far as it can be asked which middlewares it brings along. */
export interface CommandLike {
  readonly middlewareStack: { applyToStack(stack: object): void };
}

/** The translation of a command of a document client; `undefined` for a command that speaks DynamoDB's form. */
export function documentsOf(command: CommandLike, context: object): Documents | undefined {
  const found = new Map<string, Middleware>();
  command.middlewareStack.applyToStack({
    add() {},
    addRelativeTo(middleware: Middleware, { name = '' }: { name?: string }) {
      found.set(name, middleware);
    },
  });
  const marshall = found.get(MARSHALL);
  const unmarshall = found.get(UNMARSHALL);
  if (marshall === undefined || unmarshall === undefined) return undefined;
  return {
    async toRequest(input) {
      let request: unknown;
      const keep: Handler = async (args) => {
        request = args.input;
        return { output: undefined };
      };
      await marshall(keep, context)({ input });
      return request;
    },
    async fromResponse(output) {
      const answer: Handler = async () => ({ output });
      return (await unmarshall(answer, context)({ input: undefined })).output;
    },
  };
}
