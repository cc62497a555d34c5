import { type CacheClient, CacheGet, CacheSetIfAbsent, CacheSetIfEqual } from '@gomomento/sdk';
import { CacheError } from '../../errors.js';
import type { Driver, Held, NewEntry } from '../cas/driver.js';
import type { Settled } from '../store.js';
import { type Ask, newCalls } from './calls.js';
import { TooLargeError } from './refusals.js';

/**
 * How many calls of a step are under way at once. A call takes this process about a millisecond, which more at once do not shorten: each
 * would only wait longer, and the SDK gives up after its 1.1 s.
 */
const MOST_AT_ONCE = 25;
/** How many keys one call asks for. */
const MOST_IN_A_BATCH = 500;
/** How often an entry that comes and goes meanwhile is looked for. */
const MOST_ATTEMPTS = 3;

/**
 * A cache of Momento's. What was read has to be still there when it is replaced: the text is its own token. That is enough, since
 * guards name random generations and growing versions: an entry that changed does not become what it was.
 *
 * @param open makes a client that reads consistently and throws nothing; again after `close`
 */
export function momentoDriver(open: () => CacheClient, cacheName: string): Driver {
  const calls = newCalls(open, cacheName);

  async function texts(
    ask: Ask,
    keys: readonly string[],
    once?: 'once',
  ): Promise<Settled<string | undefined>[]> {
    const [key] = keys;
    if (key === undefined) return [];
    if (keys.length === 1) {
      return [textIn(await ask((client, abortSignal) => client.get(cacheName, key, { abortSignal }), once))];
    }
    const batches = await eachOf(chunksOf(keys), async (chunk) => {
      const answer = await ask(
        (client, abortSignal) => client.getBatch(cacheName, [...chunk], { abortSignal }),
        once,
      );
      if (answer instanceof CacheError) return chunk.map(() => answer);
      const results = answer.results();
      return chunk.map((_, index) => textIn(results[index]));
    });
    return batches.flat();
  }

  /** `undefined` where something is stored already. */
  async function add(ask: Ask, entry: NewEntry): Promise<Settled<Held | 'full' | undefined>> {
    const answer = await ask((client, abortSignal) =>
      client.setIfAbsent(cacheName, entry.key, entry.text, { ttl: seconds(entry), abortSignal }),
    );
    if (answer instanceof TooLargeError) return 'full';
    if (answer instanceof CacheError) return answer;
    return answer instanceof CacheSetIfAbsent.Stored ? held(entry.text) : undefined;
  }

  return {
    get: (keys, options) => calls.inTime(options, (ask) => texts(ask, keys, 'once')),

    read: (keys, options) =>
      calls.inTime(options, async (ask) =>
        (await texts(ask, keys)).map((text) => (typeof text === 'string' ? held(text) : text)),
      ),

    create: (entries, options) =>
      calls.inTime(options, async (ask) => {
        const answers = new Map<NewEntry, Settled<Held | 'full'>>();
        const settle = (entry: NewEntry, answer: Settled<Held | 'full'> | undefined) => {
          if (answer !== undefined) answers.set(entry, answer);
        };
        const left = () => entries.filter((entry) => !answers.has(entry));
        // Added before it is read, since a consistent read is charged as six calls.
        for (let attempt = 0; attempt < MOST_ATTEMPTS && left().length > 0; attempt += 1) {
          await eachOf(left(), async (entry) => settle(entry, await add(ask, entry)));
          const there = left();
          const found = await texts(
            ask,
            there.map(({ key }) => key),
          );
          there.forEach((entry, index) => {
            const text = found[index];
            settle(entry, typeof text === 'string' ? held(text) : text);
          });
        }
        return entries.map((entry) => answers.get(entry) ?? restless());
      }),

    replace: (entries, options) =>
      calls.inTime(options, (ask) =>
        eachOf(entries, async ({ key, text, ttlMs, token }) => {
          const answer = await ask((client, abortSignal) =>
            client.setIfEqual(cacheName, key, text, token as string, {
              ttl: seconds({ ttlMs }),
              abortSignal,
            }),
          );
          if (answer instanceof TooLargeError) return 'full';
          if (answer instanceof CacheError) return answer;
          return answer instanceof CacheSetIfEqual.Stored ? 'done' : 'conflict';
        }),
      ),

    delete: (keys, options) =>
      calls.inTime(options, (ask) =>
        eachOf(keys, async (key) => {
          const answer = await ask((client, abortSignal) => client.delete(cacheName, key, { abortSignal }));
          return answer instanceof CacheError ? answer : 'done';
        }),
      ),

    async close() {
      calls.close();
    },
  };
}

function held(text: string): Held {
  return { text, token: text };
}

function textIn(answer: Settled<CacheGet.Response | undefined>): Settled<string | undefined> {
  if (answer instanceof CacheError) return answer;
  if (answer instanceof CacheGet.Hit) return Buffer.from(answer.valueUint8Array()).toString();
  return answer instanceof CacheGet.Miss ? undefined : unanswered();
}

function unanswered(): CacheError {
  return new CacheError('Momento did not answer for each key of a batch.', { answered: true });
}

function restless(): CacheError {
  return new CacheError('An entry of Momento came and went while it was looked for.', { answered: true });
}

/** Whole ones, as the SDK wants them: not shorter than was asked for. */
function seconds({ ttlMs }: Pick<NewEntry, 'ttlMs'>): number {
  return Math.max(1, Math.ceil(ttlMs / 1000));
}

function chunksOf(keys: readonly string[]): string[][] {
  const starts = Array.from(
    { length: Math.ceil(keys.length / MOST_IN_A_BATCH) },
    (_, n) => n * MOST_IN_A_BATCH,
  );
  return starts.map((start) => keys.slice(start, start + MOST_IN_A_BATCH));
}

/** Does something for each, some at once; answers in the order given. */
async function eachOf<I, T>(
  inputs: readonly I[],
  take: (input: I, index: number) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = new Array(inputs.length);
  const left = inputs.entries();
  const lane = async () => {
    for (const [index, input] of left) answers[index] = await take(input, index);
  };
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, inputs.length) }, lane));
  return answers;
}
