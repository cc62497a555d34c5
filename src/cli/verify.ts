import { toError } from '../errors.js';
import { span } from '../operate/guard-words.js';
import { PlacesError } from '../operate/lanes.js';
import type { Operated } from '../operate/operated.js';
import {
  type Different,
  newVerifyState,
  repair,
  upperBound,
  type Verified,
  type VerifyState,
  verifyTable,
} from '../operate/verify.js';
import { interruptibly } from './interruption.js';
import { openOperatedCache } from './operated-cache.js';
import { operatedFailure } from './operated-failure.js';
import { openOperatedTable } from './operated-table.js';
import { openProgress } from './progress.js';
import { goOn, type Run, resumedState, writeRunFile } from './run-file.js';
import { settingsOf } from './settings.js';
import type { Terminal } from './terminal.js';
import { count, visible } from './text.js';
import { VERIFY_HELP, type VerifyOptions, verifyOptions } from './verify-options.js';

/** How many of the differing are named, for people. */
const MOST_NAMED = 20;

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
  const run = { command: 'verify', table: options.table, namespace: options.namespace };
  const state: VerifyState =
    options.resume === undefined ? newVerifyState() : resumedState(run, options.resume, isState);
  const cache = await openOperatedCache('verify', options.cache);
  try {
    return await interruptibly((signal) => compare(options, run, state, cache, terminal, signal));
  } catch (thrown) {
    throw operatedFailure('verify', options.table, toError(thrown));
  } finally {
    await cache.close();
  }
}

async function compare(
  options: VerifyOptions,
  run: Run,
  state: VerifyState,
  cache: Operated,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { table: tableName, namespace, sample, againAfterMs, report } = options;
  const { rules, ttlMs } = settingsOf('verify', tableName);
  const table = await openOperatedTable('verify', options);
  const { itemCount } = await table.describe();
  const done = () => state.items + state.results;
  const progress = openProgress(`${tableName}: compared`, sample ?? itemCount, done());
  const onProgress = () => {
    progress.update(done());
    if (report !== undefined) writeRunFile(report, run, state, false);
  };
  const howToGoOn = () => (sample === undefined ? goOn(run, state, report) : 'Begin anew.');
  let verified: Verified;
  try {
    verified = await verifyTable({
      ...{ cache, table, tableName, namespace, ttlMs, sample, againAfterMs, state, signal, onProgress },
    });
  } catch (thrown) {
    progress.stop();
    const isOther = thrown instanceof PlacesError;
    if (!isOther && Object.keys(state.places).length > 0) console.error(howToGoOn());
    throw thrown;
  }
  progress.stop();
  if (signal.aborted) {
    if (report !== undefined) writeRunFile(report, run, state, false);
    const interrupted = { ...documentOf(options, verified), isDone: false };
    terminal.print(
      options.json
        ? `${JSON.stringify(interrupted, null, 2)}\n`
        : `Interrupted. ${countsOf(options, verified)} so far.\n`,
    );
    console.error(howToGoOn());
    return 1;
  }
  const { different } = verified;
  if (options.repair && !options.dryRun) await repair(cache, different, rules);
  const document = documentOf(options, verified);
  if (report !== undefined) writeRunFile(report, run, state, true, document);
  terminal.print(options.json ? `${JSON.stringify(document, null, 2)}\n` : textOf(options, verified, cache));
  return different.length > 0 ? 1 : 0;
}

function isState(state: object): boolean {
  const { items, results, unknown, suspects } = state as Partial<VerifyState>;
  const isCounted = [items, results, unknown].every((number) => Number.isSafeInteger(number));
  return isCounted && Array.isArray(suspects);
}

function textOf(options: VerifyOptions, verified: Verified, cache: Operated): string {
  const { different, unknown } = verified;
  const compared = verified.items + verified.results;
  const named = different
    .slice(0, MOST_NAMED)
    .map(({ kind, key }) => `  ${visible(key)}${kind === 'result' ? ' (a result)' : ''}\n`);
  return [
    `${countsOf(options, verified)}.\n`,
    `${boundOf(compared, different.length)}\n`,
    ...(cache.list === undefined
      ? ['Results of queries were not compared: this cache does not list them.\n']
      : []),
    ...(unknown === 0 ? [] : [`Of ${count(unknown, 'name')} nobody can tell the item or request.\n`]),
    ...named,
    ...(different.length > MOST_NAMED ? [`  … and ${different.length - MOST_NAMED} more\n`] : []),
    ...(different.length > 0
      ? [`They have been stored for: ${agesOf(different).map(ageText).join(', ')}.\n`]
      : []),
    ...(different.length > 0 ? [repairText(options)] : []),
  ].join('');
}

function repairText({ repair, dryRun }: VerifyOptions): string {
  if (!repair)
    return 'What an item differs in: stream-cache get TABLE KEY --compare. --repair takes all of them out.\n';
  return dryRun ? 'They would be taken out of the cache.\n' : 'They were taken out of the cache.\n';
}

function countsOf({ table }: VerifyOptions, { items, results, inFlight, different }: Verified): string {
  const compared = `${count(items, 'cached item')} and ${count(results, 'result')} of ${visible(table)} compared`;
  const differing = `${different.length} ${different.length === 1 ? 'differs' : 'differ'}`;
  return `${compared}: ${differing}, ${inFlight} ${inFlight === 1 ? 'was' : 'were'} in flight`;
}

function boundOf(compared: number, different: number): string {
  const perMillion = (upperBound(compared, different) * 1e6).toLocaleString('en', {
    maximumSignificantDigits: 2,
  });
  return compared === 0
    ? 'Nothing is said of what is not cached.'
    : `At 95 % fewer than ${perMillion} per million differ.`;
}

/** Ends of the histogram's steps, in milliseconds. */
const AGES_MS = [60_000, 600_000, 3_600_000, 21_600_000, 86_400_000, Number.POSITIVE_INFINITY];

interface Age {
  /** `null` above all steps; absent where no age is known. */
  readonly belowMs?: number | null;
  readonly entries: number;
}

/** How long the differing have been stored, as a histogram without its empty steps. */
function agesOf(different: readonly Different[]): Age[] {
  const known = different.flatMap(({ ageMs }) => ageMs ?? []);
  const steps = AGES_MS.map((belowMs, index) => ({
    belowMs: belowMs === Number.POSITIVE_INFINITY ? null : belowMs,
    entries: known.filter((ms) => ms < belowMs && ms >= (AGES_MS[index - 1] ?? 0)).length,
  }));
  return [...steps, { entries: different.length - known.length }].filter(({ entries }) => entries > 0);
}

function ageText({ belowMs, entries }: Age): string {
  if (belowMs === undefined) return `${entries} nobody knows how long`;
  return belowMs === null ? `${entries} a day or longer` : `${entries} less than ${span(belowMs)}`;
}

function documentOf({ table, repair, dryRun }: VerifyOptions, verified: Verified): object {
  const { items, results, inFlight, unknown, different } = verified;
  return {
    ...{ table, items, results, inFlight, unknown },
    upperBound: upperBound(items + results, different.length),
    repaired: repair && !dryRun ? different.length : 0,
    ages: agesOf(different),
    different: different.map(({ kind, key, ageMs = null }) => ({ kind, key, ageMs })),
  };
}
