import calculateSlot from 'cluster-key-slot';
import type { Rules } from '../../coherence.js';
import { CacheError } from '../../errors.js';
import { groupBy } from '../../group-by.js';
import { guardKey } from '../../key.js';
import type {
  ApplyOutcome,
  Begun,
  CacheStore,
  CallOptions,
  Fill,
  FillOutcome,
  PutOutcome,
  Result,
  Settled,
  StoreChange,
} from '../store.js';
import type { Connection } from './connection.js';
import { type Script, type Scripts, scripts as serverClockScripts } from './script.js';
import { type Call, ConnectionError, send } from './send.js';

/** One script call takes at most so many items: ElastiCache Serverless accepts 3,999 arguments a request ... */
const ITEMS_PER_CALL = 128;
/** ... and runs a script for at most 4 MiB; smaller calls also let the next one be parsed while one runs. */
const CHARACTERS_PER_CALL = 512 * 1024;

/** Where the generation stands in a guard's text; see guard.lua. */
const GENERATION = 2;

/** What one item adds to a command. */
interface Part {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/**
 * A store on a Redis or Valkey server, or a cluster of them. One script call carries many items; on a cluster it
 * carries those of one slot, and calls to one node share a pipeline.
 *
 * @param stallMs how long to wait while nothing is answered at all
 */
export function redisStore(
  connection: Connection,
  stallMs: number,
  scripts: Scripts = serverClockScripts(),
): CacheStore {
  async function run<T>(
    command: Script | 'get' | 'unlink',
    head: readonly string[],
    parts: readonly Part[],
    parse: (reply: unknown, index: number) => T,
    options: CallOptions = {},
  ): Promise<Settled<T>[]> {
    const answers: Settled<T>[] = new Array(parts.length);
    if (parts.length === 0) return answers;

    const client = connection.client();
    const bundles = bundle(parts, client.isCluster);
    const calls = bundles.map((indexes) =>
      callOf(
        command,
        head,
        indexes.map((index) => parts[index] as Part),
      ),
    );
    const { replies, stalled } = await send(client, calls, { stallMs, deadline: options.deadline });
    if (stalled) connection.abandon();

    bundles.forEach((indexes, call) => {
      const reply = replies[call];
      indexes.forEach((index, position) => {
        answers[index] = reply instanceof CacheError ? explained(reply, connection) : parse(reply, position);
      });
    });
    return answers;
  }

  return {
    get: (keys, options) =>
      run(
        'get',
        [],
        keys.map(keyOnly),
        (reply, index) => text(Array.isArray(reply) ? reply[index] : reply),
        options,
      ),

    apply: (changes, rules, options) =>
      run(
        scripts.apply,
        [String(rules.lateAfterMs), ...guardAndSettle(rules)],
        changes.map(changePart),
        (reply, index) => element(reply, index) as ApplyOutcome,
        options,
      ),

    begin: (keys, rules, options) =>
      run(scripts.begin, [String(rules.guardMs)], keys.map(keyAndGuard), parseBegun, options),

    fill: (fills, rules, options) =>
      run(
        scripts.fill,
        guardAndSettle(rules),
        fills.map(fillPart),
        (reply, index) => element(reply, index) as FillOutcome,
        options,
      ),

    void: (keys, rules, options) =>
      run(scripts.void, guardAndSettle(rules), keys.map(keyAndGuard), () => 'voided' as const, options),

    move: (tags, rules, options) =>
      run(scripts.move, guardAndSettle(rules), tags.map(guardOnly), () => 'moved' as const, options),

    generations: (tags, options) =>
      run(
        'get',
        [],
        tags.map(guardOnly),
        (reply, index) => text(Array.isArray(reply) ? reply[index] : reply)?.split(' ')[GENERATION],
        options,
      ),

    put: (results, options) =>
      run(
        scripts.put,
        [],
        results.map(resultPart),
        (reply, index) => element(reply, index) as PutOutcome,
        options,
      ),

    delete: (keys, options) => run('unlink', [], keys.map(keyOnly), () => 'deleted' as const, options),

    close: () => connection.close(),
  };
}

function explained(error: CacheError, connection: Connection): CacheError {
  const problem = error instanceof ConnectionError ? connection.problem() : undefined;
  return problem === undefined ? error : new CacheError(`${error.message} Its connection says: ${problem}.`);
}

function callOf(command: Script | 'get' | 'unlink', head: readonly string[], parts: readonly Part[]): Call {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) {
    return { command, keys: only.keys, args: head.length === 0 ? only.args : [...head, ...only.args] };
  }
  return {
    command: command === 'get' && parts.length > 1 ? 'mget' : command,
    keys: joined([], parts, 'keys'),
    args: joined(head, parts, 'args'),
  };
}

/** Not flatMap(), which takes several times as long for as many short arrays. */
function joined(head: readonly string[], parts: readonly Part[], member: keyof Part): string[] {
  const all = [...head];
  for (const part of parts) all.push(...part[member]);
  return all;
}

/** Which parts go together in one command: neighbours, on a cluster those of one slot, within the limits of a call. */
function bundle(parts: readonly Part[], isCluster: boolean): number[][] {
  if (parts.length === 1) return [[0]];
  if (!isCluster) return withinLimits(parts, parts.keys());
  const bySlot = groupBy(parts.keys(), (index) => calculateSlot(parts[index]?.keys[0] ?? ''));
  return [...bySlot.values()].flatMap((indexes) => withinLimits(parts, indexes));
}

function withinLimits(parts: readonly Part[], indexes: Iterable<number>): number[][] {
  const bundles: number[][] = [];
  let current: number[] = [];
  let characters = 0;
  for (const index of indexes) {
    const size = parts[index]?.args.reduce((sum, arg) => sum + arg.length, 0) ?? 0;
    if (
      current.length === ITEMS_PER_CALL ||
      (current.length > 0 && characters + size > CHARACTERS_PER_CALL)
    ) {
      bundles.push(current);
      current = [];
      characters = 0;
    }
    current.push(index);
    characters += size;
  }
  bundles.push(current);
  return bundles;
}

function keyOnly(key: string): Part {
  return { keys: [key], args: [] };
}

function keyAndGuard(key: string): Part {
  return { keys: [key, guardKey(key)], args: [] };
}

function guardOnly(tag: string): Part {
  return { keys: [guardKey(tag)], args: [] };
}

function resultPart({ key, value, ttlMs }: Result): Part {
  return { keys: [key], args: [value, String(ttlMs)] };
}

function changePart(change: StoreChange): Part {
  return {
    keys: [change.key, guardKey(change.key)],
    args: [change.version, String(change.at), change.action, change.value, ...lifetime(change)],
  };
}

function fillPart({ key, lease, strong, value, ...entry }: Fill): Part {
  return {
    keys: [key, guardKey(key)],
    args: [lease.generation, String(lease.begunAt), strong ? '1' : '0', value, ...lifetime(entry)],
  };
}

function lifetime(entry: { ttlMs: number; expiresAt?: number | undefined }): [string, string] {
  return [String(entry.ttlMs), entry.expiresAt === undefined ? '' : String(entry.expiresAt)];
}

function guardAndSettle(rules: Rules): [string, string] {
  return [String(rules.guardMs), String(rules.settleMs)];
}

function parseBegun(reply: unknown, index: number): Settled<Begun> {
  const [kind, first, begunAt, strong] = element(reply, index) as string[];
  if (kind === 'value') return { value: first as string };
  if (kind === 'lease')
    return { generation: first as string, begunAt: Number(begunAt), strong: strong === '1' };
  return new CacheError('The cache is full: it could not note that a reader began.', { answered: true });
}

function element(reply: unknown, index: number): unknown {
  return (reply as unknown[])[index];
}

function text(reply: unknown): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}
