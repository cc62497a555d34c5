import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { CacheClient } from '@gomomento/sdk';
import { CacheError } from '../../errors.js';
import type { CallOptions, Settled } from '../store.js';
import { failureOf, isRefusal, mayPass, type Refusal } from './refusals.js';

/** Calls of Momento's SDK: as many as there is time for. */
export interface Calls {
  /** Lets a step ask until its deadline; what is under way then is cancelled. */
  inTime<T>(options: CallOptions | undefined, step: (ask: Ask) => Promise<T>): Promise<T>;
  /** Cancels all that is under way, and ends the connections. */
  close(): void;
}

/**
 * Asks once, and again after what will pass. `once`: only once, since who asks has a better place to go. Never rejects.
 */
export type Ask = <R extends object>(
  call: (client: CacheClient, abortSignal: AbortSignal) => Promise<R>,
  once?: 'once',
) => Promise<Settled<Exclude<R, Refusal>>>;

/** Before something is asked again, in milliseconds. */
const PAUSES_MS = [20, 80, 320];

/** @param open makes the client, and another after `close` */
export function newCalls(open: () => CacheClient, cacheName: string): Calls {
  let client: CacheClient | undefined = open();
  const underWay = new Set<AbortController>();

  function askUntil(abortSignal: AbortSignal): Ask {
    return async (call, once) => {
      const pauses = once ? [] : [...PAUSES_MS];
      let failure: CacheError | undefined;
      while (!abortSignal.aborted) {
        client ??= open();
        const response = await call(client, abortSignal);
        if (!isRefusal(response)) return response as Exclude<typeof response, Refusal>;
        failure = abortSignal.aborted ? undefined : failureOf(cacheName, response);
        const pause = mayPass(response) ? pauses.shift() : undefined;
        if (pause === undefined) break;
        await delay(pause * (0.5 + Math.random() / 2), undefined, { signal: abortSignal }).catch(() => {});
      }
      return failure ?? late();
    };
  }

  function late(): CacheError {
    return new CacheError(
      `The cache ${JSON.stringify(cacheName)} of Momento did not answer in the time there was.`,
    );
  }

  return {
    async inTime(options, step) {
      const abort = new AbortController();
      setMaxListeners(0, abort.signal); // each call of a step listens
      underWay.add(abort);
      const timer =
        options?.deadline === undefined
          ? undefined
          : setTimeout(() => abort.abort(), Math.max(0, options.deadline - Date.now()));
      try {
        return await step(askUntil(abort.signal));
      } finally {
        clearTimeout(timer);
        underWay.delete(abort);
      }
    },

    close() {
      for (const abort of underWay) abort.abort();
      client?.close();
      client = undefined;
    },
  };
}
