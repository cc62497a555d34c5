import { Logger } from '@aws-lambda-powertools/logger';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { environmentService } from '../environment.js';
import { CacheError, StreamCacheError, toError } from '../errors.js';
import type { StreamsClient } from '../local/source.js';
import type { StreamCacheHandler } from '../stream/handler.js';
import { batchResponse, countFailed } from '../stream/response.js';
import { batchesIn, isPlace, parseDocuments } from './replay/batches-in.js';
import { recordsAt } from './replay/records-at.js';

export interface ReplayerConfig {
  /** A DynamoDB Local to read the stream of. Default: AWS. */
  readonly endpoint?: string | undefined;
  /** A `DynamoDBStreamsClient`. Default: one for the Region and credentials of the environment. */
  readonly client?: StreamsClient | undefined;
}

/**
 * A Lambda handler for the queue that is the on-failure destination of a table's event source mapping: its messages say where the batches are
 * that Lambda gave up on. It reads them from the stream, which has them for 24 hours, and hands them to the handler. What the handler does not
 * do in full, and what is no longer in the stream, stays in the queue, or goes where its redrive policy says. Use it with
 * `FunctionResponseTypes: [ReportBatchItemFailures]`. Needs `@aws-sdk/client-dynamodb-streams`.
 *
 * @example export const handler = NewReplayHandler(NewStreamCacheHandler());
 */
export function NewReplayHandler(
  handler: StreamCacheHandler,
  config: ReplayerConfig = {},
): (event: SQSEvent, context?: Context) => Promise<SQSBatchResponse> {
  const logger = new Logger({ serviceName: environmentService() });

  async function replay(body: string, context: Context | undefined): Promise<void> {
    for (const batch of parseDocuments(body).flatMap(batchesIn)) {
      const event = isPlace(batch) ? await recordsAt(batch, config) : batch;
      const failed = countFailed(await handler(event, context));
      if (failed > 0) throw new CacheError(`The handler reported ${failed} records as failed.`);
    }
  }

  return async ({ Records }, context) => {
    const failures = new Map<number, Error>();
    for (const [position, { messageId, body }] of Records.entries()) {
      try {
        await replay(body, context);
      } catch (thrown) {
        const error = toError(thrown);
        failures.set(position, error);
        // Messages of others may quote an item.
        const why = error instanceof StreamCacheError ? `${error.name}: ${error.message}` : error.name;
        logger.error('Batch was not replayed', { messageId, error: why });
      }
    }
    const identifiers = Records.map(({ messageId }) => messageId);
    return batchResponse(identifiers, failures);
  };
}
