import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/**
 * A stand-in for SQS, which cannot be had here: one queue in this process, with the three calls that replays make, by its JSON protocol. The real
 * SDK is at the other end.
 */
export interface SqsStandIn {
  readonly queueUrl: string;
  /** What is in the queue, hidden or not. */
  bodies(): string[];
  /** How many messages nobody has hidden. */
  visible(): number;
  send(body: string): void;
  clear(): void;
  stop(): Promise<void>;
}

interface Message {
  readonly id: string;
  readonly body: string;
  hiddenUntil: number;
}

export async function startSqs(): Promise<SqsStandIn> {
  let messages: Message[] = [];
  let count = 0;

  const calls: Record<string, (input: { [name: string]: unknown }) => object> = {
    ReceiveMessage({ MaxNumberOfMessages, VisibilityTimeout }) {
      const now = Date.now();
      const received = messages
        .filter(({ hiddenUntil }) => hiddenUntil <= now)
        .slice(0, Number(MaxNumberOfMessages));
      for (const message of received) message.hiddenUntil = now + Number(VisibilityTimeout) * 1_000;
      return {
        Messages: received.map(({ id, body }) => ({
          ...{ MessageId: id, ReceiptHandle: id, Body: body },
          MD5OfBody: createHash('md5').update(body).digest('hex'),
        })),
      };
    },
    DeleteMessage({ ReceiptHandle }) {
      messages = messages.filter(({ id }) => id !== ReceiptHandle);
      return {};
    },
    ChangeMessageVisibilityBatch({ Entries }) {
      for (const { ReceiptHandle, VisibilityTimeout } of Entries as {
        ReceiptHandle: string;
        VisibilityTimeout: number;
      }[]) {
        const message = messages.find(({ id }) => id === ReceiptHandle);
        if (message) message.hiddenUntil = Date.now() + VisibilityTimeout * 1_000;
      }
      return { Successful: [], Failed: [] };
    },
  };

  const server = createServer(async (request: IncomingMessage, response) => {
    const name = String(request.headers['x-amz-target']).replace('AmazonSQS.', '');
    const answer = calls[name]?.(JSON.parse(await text(request)));
    response.writeHead(answer ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(
      JSON.stringify(answer ?? { __type: 'com.amazonaws.sqs#UnsupportedOperation', message: name }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    queueUrl: `${url}/123456789012/given-up`,
    bodies: () => messages.map(({ body }) => body),
    visible: () => messages.filter(({ hiddenUntil }) => hiddenUntil <= Date.now()).length,
    send(body) {
      count += 1;
      messages.push({ id: `m${count}`, body, hiddenUntil: 0 });
    },
    clear() {
      messages = [];
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
