import { cache } from '@gomomento/generated-types';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';

const { cache_client: scs } = cache;

/**
 * A stand-in for Momento's service, which cannot be had here: the calls that our driver makes, on a map, in this process. It
 * speaks the service's protocol, with the real SDK at the other end, and answers as Momento's documents say that the service does.
 * Balanced reads find what was replaced last, as they may at the service.
 */
export interface MomentoStandIn {
  /** Of the cache `things`, the only one. */
  readonly url: string;
  readonly endpoint: string;
  readonly entries: Map<string, { readonly text: string; readonly expiresAt: number }>;
  /** The calls that were made, by name, with the API keys that made them. */
  readonly calls: { readonly name: string; readonly apiKey: string | undefined }[];
  /** Answers each call that this is about with an error, in place of doing it. */
  failWith(code: status, about?: { readonly limit?: string; readonly times?: number }): void;
  /** Answers a batch for so many of its keys only. */
  answerAtMost(keys: number): void;
  /** From now on nothing is answered, until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends it with all connections; `restart` begins anew on the same port, with nothing stored. */
  kill(): void;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** As the limit of an account is by default. */
const LARGEST_ITEM = 1_048_576;

/** @param credentials those of a server with TLS; without them there is none */
export async function startMomento(
  now: () => number = Date.now,
  credentials = ServerCredentials.createInsecure(),
): Promise<MomentoStandIn> {
  const entries: MomentoStandIn['entries'] = new Map();
  const replaced = new Map<string, string>();
  const calls: MomentoStandIn['calls'] = [];
  let failure: { error: object; left: number } | undefined;
  let paused: PromiseWithResolvers | undefined;
  let answered = Number.POSITIVE_INFINITY;

  const stored = (key: string) => {
    const entry = entries.get(key);
    return entry !== undefined && entry.expiresAt > now() ? entry : undefined;
  };
  const store = (key: string, text: string, ttlMs: number) => {
    const before = stored(key)?.text;
    if (before !== undefined) replaced.set(key, before);
    entries.set(key, { text, expiresAt: now() + ttlMs });
  };

  /** Throws in place of what is to fail. */
  async function arrive(name: string, metadata: Metadata): Promise<void> {
    calls.push({ name, apiKey: metadata.get('authorization')[0]?.toString() });
    await paused?.promise;
    if (metadata.get('cache')[0] !== 'things') throw refusal(status.NOT_FOUND);
    if (failure === undefined) return;
    const { error } = failure;
    failure.left -= 1;
    if (failure.left === 0) failure = undefined;
    throw error;
  }

  function read(key: string, metadata: Metadata) {
    const text = stored(key)?.text;
    const isConsistent = metadata.get('read-concern')[0] === 'consistent';
    const found = isConsistent ? text : (replaced.get(key) ?? text);
    return found === undefined
      ? new scs._GetResponse({ result: scs.ECacheResult.Miss })
      : new scs._GetResponse({ result: scs.ECacheResult.Hit, cache_body: Buffer.from(found) });
  }

  const unary =
    <I, O>(name: string, answer: (request: I, metadata: Metadata) => O) =>
    (call: ServerUnaryCall<I, O>, done: sendUnaryData<O>) => {
      arrive(name, call.metadata).then(
        () => {
          try {
            done(null, answer(call.request, call.metadata));
          } catch (error) {
            done(error as object);
          }
        },
        (error: object) => done(error),
      );
    };

  const service = {
    Get: unary('Get', ({ cache_key }: InstanceType<typeof scs._GetRequest>, metadata) =>
      read(textOf(cache_key), metadata),
    ),
    GetBatch(call: ServerWritableStream<InstanceType<typeof scs._GetBatchRequest>, unknown>) {
      arrive('GetBatch', call.metadata).then(
        () => {
          for (const { cache_key } of call.request.items.slice(0, answered))
            call.write(read(textOf(cache_key), call.metadata));
          call.end();
        },
        (error: object) => call.emit('error', error),
      );
    },
    SetIf: unary('SetIf', (request: InstanceType<typeof scs._SetIfRequest>) => {
      const key = textOf(request.cache_key);
      const text = textOf(request.cache_body);
      if (key.length + text.length > LARGEST_ITEM)
        throw refusal(status.RESOURCE_EXHAUSTED, 'item_size_limit_exceeded');
      const isMet = request.has_absent
        ? stored(key) === undefined
        : stored(key)?.text === textOf(request.equal.value_to_check);
      if (!isMet) return new scs._SetIfResponse({ not_stored: new scs._SetIfResponse._NotStored() });
      store(key, text, request.ttl_milliseconds);
      return new scs._SetIfResponse({ stored: new scs._SetIfResponse._Stored() });
    }),
    Delete: unary('Delete', ({ cache_key }: InstanceType<typeof scs._DeleteRequest>) => {
      entries.delete(textOf(cache_key));
      return new scs._DeleteResponse();
    }),
  };

  let server: Server;
  const listen = async (port: number) => {
    server = new Server();
    server.addService(scs.UnimplementedScsService.definition as never, service as never);
    return new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
  };
  const port = await listen(0);
  const endpoint = `127.0.0.1:${port}`;

  return {
    ...{ url: `momento-local://${endpoint}/things`, endpoint, entries, calls },
    failWith(code, { limit, times = Number.POSITIVE_INFINITY } = {}) {
      failure = { error: refusal(code, limit), left: times };
    },
    answerAtMost(keys) {
      answered = keys;
    },
    pause() {
      paused ??= withResolvers();
    },
    resume() {
      paused?.resolve();
      paused = undefined;
    },
    kill: () => server.forceShutdown(),
    async restart() {
      server.forceShutdown();
      entries.clear();
      replaced.clear();
      await listen(port);
    },
    async stop() {
      paused?.resolve();
      server.forceShutdown();
    },
  };
}

/** How the service says which limit it was: in the metadata of the error. */
function refusal(code: status, limit?: string): object {
  const metadata = new Metadata();
  if (limit !== undefined) metadata.set('err', limit);
  return { code, details: 'the words of the service', metadata };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
