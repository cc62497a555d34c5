import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** Stands before a server on loopback and replaces one text in all that clients send by another of the same length. */
export async function startRewritingFront(
  targetPort: number,
  text: string,
  by: string,
): Promise<{ port: number; close(): void }> {
  if (text.length !== by.length) throw new Error('A command tells its length before its text.');
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    client.pipe(rewriting(text, by)).pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function rewriting(text: string, by: string): Transform {
  let held = '';
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const all = (held + chunk.toString('latin1')).replaceAll(text, by);
      let length = Math.min(text.length - 1, all.length);
      while (!all.endsWith(text.slice(0, length))) length -= 1; // what may go on in the next chunk
      held = all.slice(all.length - length);
      done(null, Buffer.from(all.slice(0, all.length - length), 'latin1'));
    },
  });
}
