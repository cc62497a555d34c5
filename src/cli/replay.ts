import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { toError } from '../errors.js';
import { createdAt } from '../local/records.js';
import { span } from '../operate/guard-words.js';
import { type Batch, batchesIn, isPlace, parseDocuments } from '../operate/replay/batches-in.js';
import type { Parcel, Parcels } from '../operate/replay/parcels.js';
import { recordsAt } from '../operate/replay/records-at.js';
import { deliveredIn } from '../stream/delivered.js';
import { ask } from './ask.js';
import { CommandError } from './command-error.js';
import { localContext } from './context.js';
import { interruptibly } from './interruption.js';
import { hasFailures, type Invocation, invokeOnce } from './invocation.js';
import { countOutcomes } from './outcomes.js';
import { openParcels } from './parcel-source.js';
import { REPLAY_HELP, type ReplayOptions, replayOptions } from './replay-options.js';
import { openTarget, type Target } from './target.js';
import type { Terminal } from './terminal.js';
import { count, visible } from './text.js';

/** For how long the handler may take for a batch: as long as Lambda lets a function run. */
const TIMEOUT_MS = 900_000;

/** What became of one parcel. */
interface Replayed {
  readonly name: string;
  readonly records: number;
  readonly tables: readonly string[];
  /** When the newest record was made, in milliseconds since the epoch; absent when none says. */
  readonly newest?: number | undefined;
  /** How many records came to what; absent where the handler was not invoked. */
  readonly outcomes?: Readonly<Record<string, number>> | undefined;
  readonly error?: string | undefined;
  readonly isRemoved: boolean;
}

/** With no target nothing is invoked. */
interface Replay {
  readonly options: ReplayOptions;
  readonly target: Target | undefined;
}

/**
 * `stream-cache replay`: what Lambda gave up on, to the handler.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the source cannot be listed
 */
export async function replay(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = replayOptions(args);
  if (options.help) {
    terminal.print(REPLAY_HELP);
    return 0;
  }
  const isInvoking = !options.list && !options.dryRun;
  if (isInvoking && options.remove && !options.yes) {
    await ask('replay', `Remove from ${visible(options.source)} what the handler does in full`);
  }
  const parcels = await openParcels(options.source);
  const target = isInvoking ? await openTarget('replay', options) : undefined;
  try {
    return await interruptibly((signal) => replayAll({ options, target }, parcels, terminal, signal));
  } catch (thrown) {
    const cause = toError(thrown);
    if (cause instanceof CommandError) throw cause;
    const { message, name } = cause;
    throw new CommandError(`stream-cache replay: cannot read ${options.source}: ${name}: ${message}`, {
      cause,
      exitCode: 1,
    });
  } finally {
    await target?.store?.close();
    await parcels.close();
  }
}

async function replayAll(
  replay: Replay,
  parcels: Parcels,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { options, target } = replay;
  const all: Replayed[] = [];
  for await (const parcel of parcels.list(options.after)) {
    const replayed = await replayOne(replay, parcel);
    all.push(replayed);
    terminal.print(options.json ? `${JSON.stringify(replayed)}\n` : `${lineOf(replayed, terminal)}\n`);
    if (signal.aborted) break;
  }
  const failed = all.filter(({ error }) => error !== undefined).length;
  const records = all.reduce((sum, each) => sum + each.records, 0);
  const batches = all.length === 1 ? '1 batch' : `${all.length} batches`;
  const done = failed === 0 ? 'All of it is done' : `${failed} failed`;
  const closing = `${batches}, ${count(records, 'record')}. ${target === undefined ? 'Nothing was invoked' : done}.\n`;
  if (!options.json) terminal.print(closing);
  if (signal.aborted) console.error(goOn(options, all.at(-1)?.name ?? ''));
  return failed > 0 || signal.aborted ? 1 : 0;
}

function goOn({ source }: ReplayOptions, name: string): string {
  const how = /^https?:/.test(source) ? '' : ` --after ${JSON.stringify(name)}`;
  return `Interrupted. Go on with: stream-cache replay ${source}${how}, and the options that you gave.`;
}

/** A parcel that cannot be used is named, and the others go on. */
async function replayOne({ options, target }: Replay, parcel: Parcel): Promise<Replayed> {
  const { name } = parcel;
  let events: DynamoDBStreamEvent[] = [];
  let outcomes: Record<string, number> | undefined;
  const soFar = () => ({ name, outcomes, ...contentsOf(events) });
  try {
    const batches = parseDocuments(await parcel.read()).flatMap(batchesIn);
    if (options.list && batches.some(isPlace)) return { ...soFar(), ...placesIn(batches), isRemoved: false };
    events = await Promise.all(
      batches.map((batch) =>
        isPlace(batch) ? recordsAt(batch, { endpoint: options.streamEndpoint }) : batch,
      ),
    );
    if (target === undefined) return { ...soFar(), isRemoved: false };
    const invocations: Invocation[] = [];
    for (const event of events) {
      invocations.push(await invokeOnce(target, { file: name, event }, localContext(TIMEOUT_MS)));
      outcomes = Object.fromEntries(countOutcomes(invocations.flatMap((each) => each.records)));
    }
    if (invocations.some(hasFailures)) {
      const [why] = invocations.flatMap(({ records }) =>
        records.flatMap(({ error }) => error?.message ?? []),
      );
      const error = `the handler reported records as failed${why === undefined ? '' : `: ${why}`}`;
      return { ...soFar(), error, isRemoved: false };
    }
    if (options.remove) await parcel.remove();
    return { ...soFar(), isRemoved: options.remove };
  } catch (thrown) {
    const { message } = toError(thrown);
    const error = thrown instanceof SyntaxError ? `it is not JSON: ${message}` : message;
    return { ...soFar(), error, isRemoved: false };
  }
}

function contentsOf(events: readonly DynamoDBStreamEvent[]) {
  const records = events.flatMap(deliveredIn).map(({ record }) => record);
  const tables = new Set(records.map((record) => tableNameOf(record)));
  const times = records.flatMap((record) => createdAt(record) ?? []);
  const newest = times.length === 0 ? undefined : times.reduce((a, b) => Math.max(a, b));
  return { records: records.length, tables: [...tables], newest };
}

function placesIn(batches: readonly Batch[]) {
  const places = batches.filter(isPlace);
  return {
    records: places.reduce((sum, { batchSize }) => sum + (batchSize ?? 0), 0),
    tables: [...new Set(places.map(({ streamArn }) => tableOf(streamArn)))],
  };
}

/** A Kinesis data stream has the name of the table in place of its stream's ARN. */
function tableNameOf(record: DynamoDBRecord & { readonly tableName?: string }): string {
  return record?.tableName ?? tableOf(record?.eventSourceARN);
}

function tableOf(arn: string | undefined): string {
  return /:table\/([^/]+)/.exec(arn ?? '')?.[1] ?? '(unknown)';
}

function lineOf(
  { name, records, tables, newest, outcomes, error, isRemoved }: Replayed,
  { paint }: Terminal,
): string {
  const age = newest === undefined ? '' : `, ${span(Date.now() - newest)} old`;
  const came = Object.entries(outcomes ?? {}).map(([outcome, times]) => `${times} ${outcome}`);
  const parts = [
    `${visible(name)}: ${count(records, 'record')} of ${tables.map(visible).join(', ') || 'no table'}${age}`,
    ...(came.length > 0 ? [came.join(', ')] : []),
    ...(error === undefined ? [] : [paint('red', `failed: ${visible(error)}`)]),
    ...(isRemoved ? ['removed'] : []),
  ];
  return parts.join('; ');
}
