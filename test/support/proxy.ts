import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './machine.js';

/** A TCP proxy on loopback that goes wrong on demand. */
export interface TcpProxy {
  readonly port: number;
  readonly url: string;
  /** Client connections open now. */
  readonly connections: number;
  /** Bytes forwarded so far. */
  readonly bytes: { readonly toServer: number; readonly toClient: number };
  /** Accepts and reads, but forwards nothing until `resume`, on old connections and new ones. */
  stall(): void;
  /** Ends `stall` and `refuse`; what was held back is delivered in order. */
  resume(): Promise<void>;
  /** Ends every open connection with a TCP reset. */
  reset(): void;
  /** Stops listening: new connections are refused, open ones live on. */
  refuse(): void;
  /** Connections open now lose all that is sent from here on, for ever; new ones work. */
  blackholeExisting(): void;
  /** Every answer takes this much longer; 0 ends it. */
  latency(ms: number): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of a server on loopback. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const port = await freePort();
  const links = new Set<Link>();
  const bytes = { toServer: 0, toClient: 0 };
  let latencyMs = 0;
  let gate: Gate | undefined;

  const accept = (client: Socket) => {
    const server = connect(targetPort, '127.0.0.1');
    const link: Link = { client, server, isLost: false };
    links.add(link);
    client.on('close', () => {
      links.delete(link);
      if (link.isLost) server.destroy();
    });
    client.on('error', ignore);
    // A server that is down shows as a connection that ends at once.
    server.on('error', () => client.resetAndDestroy());
    carry(client, server, 'toServer', link);
    carry(server, client, 'toClient', link);
  };

  /** Reads at once, so that a close is always seen, and writes when latency and gate allow. */
  const carry = (from: Socket, to: Socket, direction: keyof typeof bytes, link: Link) => {
    let previous = Promise.resolve();
    const inOrder = (action: () => void) => {
      const due = Date.now() + (direction === 'toClient' ? latencyMs : 0);
      previous = previous.then(async () => {
        if (due > Date.now()) await delay(due - Date.now());
        await gate?.opened;
        if (!link.isLost && !to.destroyed) action();
      });
    };
    from.on('data', (chunk) => {
      inOrder(() => {
        bytes[direction] += chunk.length;
        to.write(chunk);
      });
    });
    from.on('close', () => inOrder(() => to.end()));
  };

  let listener = await listen(createServer(accept), port);
  return {
    ...addressOf(listener),
    get connections() {
      return links.size;
    },
    get bytes() {
      return { ...bytes };
    },
    stall() {
      gate ??= closedGate();
    },
    async resume() {
      gate?.open();
      gate = undefined;
      if (!listener.listening) listener = await listen(createServer(accept), port);
    },
    reset() {
      for (const { client, server } of links) {
        client.resetAndDestroy();
        server.destroy();
      }
    },
    refuse() {
      listener.close();
    },
    blackholeExisting() {
      for (const link of links) link.isLost = true;
    },
    latency(ms) {
      latencyMs = ms;
    },
    async close() {
      listener.close();
      const closed = [...links].flatMap(({ client, server }) => [ended(client), ended(server)]);
      gate?.open();
      await Promise.all(closed);
    },
  };
}

/** A server that accepts, reads and never says a word. */
export async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', ignore);
    socket.resume();
  });
  await listen(server, await freePort());
  return {
    ...addressOf(server),
    get connections() {
      return sockets.size;
    },
    async close() {
      server.close();
      await Promise.all([...sockets].map(ended));
    },
  };
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  isLost: boolean;
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

function closedGate(): Gate {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function listen(server: Server, port: number): Promise<Server> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function addressOf(server: Server): { port: number; url: string } {
  const { port } = server.address() as AddressInfo;
  return { port, url: `redis://127.0.0.1:${port}` };
}

async function ended(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = once(socket, 'close');
  socket.destroy();
  await closed;
}

function ignore(): void {}
