import { wantsIam } from '../environment.js';
import { toError } from '../errors.js';
import type { Operated } from '../operate/operated.js';
import { CommandError } from './command-error.js';

/**
 * The cache that an operator's command is about: of `--cache`, or else of `STREAM_CACHE_URL`.
 *
 * @throws CommandError when neither names one
 */
export async function openOperatedCache(command: string, cache: string | undefined): Promise<Operated> {
  const url = operatedUrl(command, cache);
  try {
    const iam = wantsIam({ STREAM_CACHE_URL: url })
      ? (await import('../iam/index.js')).iamAuthentication()
      : undefined;
    const { openOperated } = await import('../operate/open.js');
    return await openOperated(url, iam);
  } catch (cause) {
    throw new CommandError(`stream-cache ${command}: ${toError(cause).message}`, { cause });
  }
}

/** @throws CommandError when neither `--cache` nor `STREAM_CACHE_URL` names a cache */
export function operatedUrl(command: string, cache: string | undefined): string {
  const url = cache || process.env.STREAM_CACHE_URL;
  if (url) return url;
  throw new CommandError(
    `stream-cache ${command}: no cache is named. Give --cache URL, or set STREAM_CACHE_URL.`,
  );
}
