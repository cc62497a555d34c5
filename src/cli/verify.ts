import { CacheError, toError } from '../errors.js';
import { purgeItems } from '../operate/purge.js';
import { upperBound, type Verified, verifyTable } from '../operate/verify.js';
import { CommandError } from './command-error.js';
import { openOperatedCache } from './operated-cache.js';
import { openOperatedTable, tableFailure } from './operated-table.js';
import { rulesOf } from './rules.js';
import type { Terminal } from './terminal.js';
import { count, visible } from './text.js';
import { VERIFY_HELP, type VerifyOptions, verifyOptions } from './verify-options.js';

/** How many of the differing are named, for people. */
const MOST_NAMED = 20;
const PROGRESS_EVERY_MS = 1_000;

/**
 * `stream-cache verify`: the cache beside the table.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the cache or the table cannot be read
 */
export async function verify(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = verifyOptions(args);
  if (options.help) {
    terminal.print(VERIFY_HELP);
    return 0;
  }
  const rules = rulesOf('verify', options.table);
  const cache = await openOperatedCache('verify', options.cache);
  try {
    const table = await openOperatedTable('verify', options);
    const { table: tableName, namespace, sample: most, againAfterMs } = options;
    const onProgress = progress();
    const verified = await verifyTable({
      cache,
      table,
      tableName,
      namespace,
      most,
      againAfterMs,
      onProgress,
    });
    const keys = verified.different.map(({ key }) => key);
    if (options.repair && keys.length > 0) await purgeItems(cache, keys, rules);
    terminal.print(options.json ? documentOf(options, verified) : textOf(options, verified));
    return keys.length > 0 ? 1 : 0;
  } catch (thrown) {
    const cause = toError(thrown);
    if (cause instanceof CommandError) throw cause;
    if (!(cause instanceof CacheError)) throw tableFailure('verify', options.table, cause);
    throw new CommandError(`stream-cache verify: ${cause.message}`, { cause, exitCode: 1 });
  } finally {
    await cache.close();
  }
}

/** How far it is, on a terminal alone. */
function progress(): (compared: number) => void {
  let saidAt = performance.now();
  return (compared) => {
    if (!process.stderr.isTTY || performance.now() - saidAt < PROGRESS_EVERY_MS) return;
    saidAt = performance.now();
    process.stderr.write(`\r${compared.toLocaleString('en')} compared `);
  };
}

function textOf(
  { table, repair }: VerifyOptions,
  { compared, inFlight, different, unknown }: Verified,
): string {
  const named = different.slice(0, MOST_NAMED).map(({ key }) => `  ${visible(key)}\n`);
  return [
    `${count(compared, 'cached item')} of ${table} compared: ${different.length} differ, ${inFlight} were in flight.\n`,
    `${boundOf(compared, different.length)}\n`,
    ...(unknown === 0 ? [] : [`Of ${count(unknown, 'name')} nobody can tell the item.\n`]),
    ...named,
    ...(different.length > MOST_NAMED ? [`  … and ${different.length - MOST_NAMED} more\n`] : []),
    ...(repair && different.length > 0 ? ['They were taken out of the cache.\n'] : []),
  ].join('');
}

function boundOf(compared: number, different: number): string {
  const perMillion = (upperBound(compared, different) * 1e6).toLocaleString('en', {
    maximumSignificantDigits: 2,
  });
  return compared === 0
    ? 'Nothing is said of what is not cached.'
    : `At 95 % fewer than ${perMillion} per million differ.`;
}

function documentOf(
  { table, repair }: VerifyOptions,
  { compared, inFlight, different, unknown }: Verified,
): string {
  const document = {
    ...{ table, compared, inFlight, unknown, upperBound: upperBound(compared, different.length) },
    repaired: repair ? different.length : 0,
    different: different.map(({ key, cached, stored }) => ({ key, cache: cached, table: stored })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
