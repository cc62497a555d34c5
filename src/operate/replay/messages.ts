import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Parcels } from './parcels.js';

/** For how long what is received is hidden from others, in seconds: for as long as a run may take. */
const HIDDEN_SECONDS = 3_600;
/** What one call takes. */
const AT_ONCE = 10;

/**
 * The messages of a queue, each once. Those that are not removed are given back at the end, and count as received once more: a queue that moves
 * messages on after some receipts may do so.
 */
export function messageParcels(client: SQSClient, QueueUrl: string): Parcels {
  const held = new Map<string, string>();
  return {
    async *list() {
      for (;;) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: AT_ONCE,
            VisibilityTimeout: HIDDEN_SECONDS,
            WaitTimeSeconds: 1,
          }),
        );
        if (Messages.length === 0) return;
        for (const { MessageId = '', ReceiptHandle = '' } of Messages) held.set(MessageId, ReceiptHandle);
        for (const { MessageId = '', ReceiptHandle = '', Body = '' } of Messages) {
          yield {
            name: `message ${MessageId}`,
            read: async () => Body,
            async remove() {
              await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
              held.delete(MessageId);
            },
          };
        }
      }
    },
    async close() {
      const left = [...held.values()];
      for (let at = 0; at < left.length; at += AT_ONCE) {
        const Entries = left.slice(at, at + AT_ONCE).map((ReceiptHandle, index) => ({
          Id: String(index),
          ReceiptHandle,
          VisibilityTimeout: 0,
        }));
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
      }
      client.destroy();
    },
  };
}
