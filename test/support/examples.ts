import diagnostics from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as clientDynamodb from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { transform } from 'esbuild';
import { expect } from 'vitest';
import { restamp } from '../../src/cli/restamp.js';
import * as dynamodbStreamCache from '../../src/index.js';
import { ROOT } from './pages.js';

/** Runs an example of a page, and returns what it exports. */
export async function run(example: string, modules: Record<string, unknown> = {}) {
  const { code: script } = await transform(example, { loader: 'ts', format: 'cjs' });
  const known: Record<string, unknown> = { 'dynamodb-stream-cache': dynamodbStreamCache, ...modules };
  const module = { exports: {} };
  const require = (name: string) => known[name] ?? expect.unreachable(`the example imports ${name}`);
  new Function('require', 'module', 'exports', script)(require, module, module.exports);
  // biome-ignore lint/suspicious/noExplicitAny: test/docs/compile.test.ts has checked the example's types.
  return module.exports as Record<string, any>;
}

/** A file of `events/` as if it had just happened. */
export function recorded(file: string): DynamoDBStreamEvent {
  return restamp(JSON.parse(readFileSync(join(ROOT, 'events', file), 'utf8')), Date.now());
}

/** The module of the SDK with a client that answers with one item, or with none, and notes what it is asked. */
export function tableOf(item?: dynamodbStreamCache.AttributeMap) {
  const requests: string[] = [];
  async function handle({ headers }: { headers: Record<string, string> }) {
    const operation = headers['x-amz-target']?.split('.')[1] ?? '';
    requests.push(operation);
    const answers: Record<string, object> = {
      GetItem: { Item: item },
      BatchGetItem: { Responses: { users: [item] } },
    };
    const body = new TextEncoder().encode(JSON.stringify(answers[operation] ?? {}));
    return { response: { statusCode: 200, headers: {}, body } };
  }
  class DynamoDBClient extends clientDynamodb.DynamoDBClient {
    constructor() {
      super({
        region: 'eu-west-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        requestHandler: { handle } as never, // all that the SDK needs of one
      });
    }
  }
  return { ...clientDynamodb, DynamoDBClient, requests };
}

export function cachingClient(
  { DynamoDBClient }: ReturnType<typeof tableOf>,
  config: dynamodbStreamCache.StreamCacheConfig,
) {
  const client = new DynamoDBClient();
  client.middlewareStack.use(dynamodbStreamCache.NewCachingMiddleware({ readTimeoutMs: 5_000, ...config }));
  return client;
}

/** What is reported from now on, until it is stopped. */
export function subscribed() {
  const reports: dynamodbStreamCache.Report[] = [];
  const listen = (report: unknown) => reports.push(report as dynamodbStreamCache.Report);
  diagnostics.subscribe(dynamodbStreamCache.REPORT_CHANNEL, listen);
  return {
    of: <T extends string>(type: T) =>
      reports.filter(
        (report): report is Extract<dynamodbStreamCache.Report, { type: T }> => report.type === type,
      ),
    stop: () => diagnostics.unsubscribe(dynamodbStreamCache.REPORT_CHANNEL, listen),
  };
}
