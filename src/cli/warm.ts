import type { AttributeMap } from '../attributes.js';
import { toError } from '../errors.js';
import { span } from '../operate/guard-words.js';
import { isKeyOf } from '../operate/key-attributes.js';
import { type Lane, type Places, PlacesError } from '../operate/lanes.js';
import type { Memory } from '../operate/memory.js';
import type { Operated } from '../operate/operated.js';
import type { Described, Table } from '../operate/table.js';
import {
  type Estimate,
  estimateWarming,
  NOTHING_WARMED,
  type Portion,
  type Warmed,
  warmTable,
} from '../operate/warm.js';
import { bytesText } from './bytes-text.js';
import { CommandError } from './command-error.js';
import { interruptibly } from './interruption.js';
import { keyInWords, parseItemKey } from './item-key.js';
import { keyLines } from './key-lines.js';
import { openOperatedCache } from './operated-cache.js';
import { operatedFailure } from './operated-failure.js';
import { openOperatedTable } from './operated-table.js';
import { openProgress } from './progress.js';
import { goOn, type Run, resumedState, writeRunFile } from './run-file.js';
import { settingsOf } from './settings.js';
import type { Terminal } from './terminal.js';
import { visible } from './text.js';
import { WARM_HELP, type WarmOptions, warmOptions } from './warm-options.js';

/** Of so many items the size of all is told. */
const SAMPLE = 200;

/** Items to a page: what is worked on for long is old when its turn comes, and has to be read again. */
const AT_ONCE = 1_000;

interface WarmState {
  readonly places: Places;
  warmed: Warmed;
}

/** What a warming needs, once it is called rightly. */
interface Warming {
  readonly options: WarmOptions;
  readonly run: Run;
  readonly state: WarmState;
  readonly cache: Operated;
  readonly table: Table;
  readonly described: Described;
}

/**
 * `stream-cache warm`: the cache filled from a table.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the cache or the table fails
 */
export async function warm(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = warmOptions(args);
  if (options.help) {
    terminal.print(WARM_HELP);
    return 0;
  }
  const { table: tableName, namespace, resume } = options;
  const run = { command: 'warm', table: tableName, namespace };
  const state: WarmState =
    resume === undefined ? { places: {}, warmed: NOTHING_WARMED } : resumedState(run, resume, isState);
  const cache = await openOperatedCache('warm', options.cache);
  try {
    const table = await openOperatedTable('warm', options);
    const warming = { options, run, state, cache, table, described: await table.describe() };
    const estimate = isWhole(options) ? await estimateOf(warming) : undefined;
    if (!options.dryRun) {
      if (estimate !== undefined && !options.json) terminal.print(estimateText(options, estimate));
      return await interruptibly((signal) => fill(warming, terminal, signal));
    }
    if (estimate === undefined) throw new CommandError(NO_ESTIMATE);
    terminal.print(options.json ? `${JSON.stringify(estimate, null, 2)}\n` : estimateText(options, estimate));
    return 0;
  } catch (thrown) {
    throw operatedFailure('warm', tableName, toError(thrown));
  } finally {
    await cache.close();
  }
}

function isState(state: object): boolean {
  const { warmed } = state as Partial<WarmState>;
  const counts = Object.keys(NOTHING_WARMED).map((name) => warmed?.[name as keyof Warmed]);
  return counts.every((number) => Number.isSafeInteger(number));
}

const NO_ESTIMATE =
  'stream-cache warm: --dry-run says what a whole table takes. Leave out --partition and --keys.';

async function fill(
  { options, run, state, cache, table, described }: Warming,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { table: tableName, namespace, report, json } = options;
  const settings = settingsOf('warm', tableName);
  const { keyNames, itemCount } = described;
  const lanes = lanesOf(options, table, described);
  const begunAt = performance.now();
  const progress = openProgress(
    `${tableName}: read`,
    isWhole(options) ? itemCount : undefined,
    seen(state.warmed),
  );
  const onProgress = (warmed: Warmed) => {
    state.warmed = warmed;
    progress.update(seen(warmed));
    if (report !== undefined) writeRunFile(report, run, state, false);
  };
  try {
    await warmTable({
      ...{ cache, table, tableName, namespace, keyNames, settings, lanes, signal, onProgress },
      places: state.places,
      before: state.warmed,
    });
  } catch (thrown) {
    progress.stop();
    const isOther = thrown instanceof PlacesError;
    if (!isOther && Object.keys(state.places).length > 0) console.error(goOn(run, state, report));
    throw thrown;
  }
  progress.stop();
  const isDone = !signal.aborted;
  const document = { table: tableName, isDone, ...state.warmed };
  if (report !== undefined) writeRunFile(report, run, state, isDone, document);
  const text = `${isDone ? '' : 'Interrupted. '}${warmedText(state.warmed)}, in ${span(performance.now() - begunAt)}.\n`;
  terminal.print(json ? `${JSON.stringify(document, null, 2)}\n` : text);
  if (!isDone) console.error(goOn(run, state, report));
  return isDone ? 0 : 1;
}

function isWhole({ partition, keys }: WarmOptions): boolean {
  return partition === undefined && keys === undefined;
}

function lanesOf(options: WarmOptions, table: Table, described: Described): Lane<Portion>[] {
  const { partition, keys, segments } = options;
  if (keys !== undefined) return [keyLines('warm', { ...options, described }, keys)];
  if (partition === undefined) return table.segments(segments, { isStrong: true, limit: AT_ONCE });
  const key = parseItemKey('warm', options, partition);
  const { keyNames, keyTypes } = described;
  const ofPartition = { keyNames: keyNames.slice(0, 1), keyTypes };
  if (!isKeyOf(ofPartition, key)) {
    throw new CommandError(
      `stream-cache warm: --partition ${JSON.stringify(partition)} is not the partition key of ${options.table}, which is ${keyInWords(ofPartition)}.`,
    );
  }
  return [table.partition(key, { isStrong: true })];
}

async function estimateOf({ options, cache, table, described }: Warming): Promise<Estimate> {
  const { table: tableName, namespace } = options;
  let sample: readonly AttributeMap[] = [];
  for (const { portions } of table.segments(1, { limit: SAMPLE })) {
    for await (const { portion } of portions()) {
      sample = portion.items;
      break;
    }
  }
  const { keyNames, itemCount } = described;
  return estimateWarming(
    { cache, namespace, tableName, keyNames, settings: settingsOf('warm', tableName) },
    Math.max(itemCount, sample.length),
    sample,
  );
}

function estimateText({ table }: WarmOptions, estimate: Estimate): string {
  const { items, bytes, bytesAtFirst, bytesPerItem, memory } = estimate;
  const all = items.toLocaleString('en');
  return [
    `${visible(table)} has about ${all} items, of about ${bytesPerItem} bytes each in the cache: ${bytesText(bytes)}, and ${bytesText(bytesAtFirst)} while their guards live.\n`,
    ...(memory === undefined ? [] : [memoryText(memory, bytesAtFirst)]),
  ].join('');
}

function memoryText({ usedBytes, mostBytes }: Memory, more: number): string {
  if (mostBytes === undefined)
    return `The cache holds ${bytesText(usedBytes)}, and has no limit of its own.\n`;
  const isTooMuch = usedBytes + more > mostBytes;
  return `The cache holds ${bytesText(usedBytes)} of ${bytesText(mostBytes)}${isTooMuch ? ': not all will have room' : ''}.\n`;
}

function seen({ filled, cached, refused, absent, unstorable }: Warmed): number {
  return filled + cached + refused + absent + unstorable;
}

function warmedText(warmed: Warmed): string {
  const { filled, cached, refused, absent, unstorable } = warmed;
  const text = (number: number, what: string) =>
    number === 0 ? [] : [`${number.toLocaleString('en')} ${what}`];
  return [
    `${filled.toLocaleString('en')} of ${seen(warmed).toLocaleString('en')} items were stored`,
    ...text(cached, cached === 1 ? 'was there already' : 'were there already'),
    ...text(refused, 'changed or expired meanwhile'),
    ...text(absent, absent === 1 ? 'does not exist' : 'do not exist'),
    ...text(unstorable, 'cannot be stored'),
  ].join(', ');
}
