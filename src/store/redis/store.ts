import type { Rules } from '../../coherence.js';
import { CacheError } from '../../errors.js';
import { guardKey } from '../../key.js';
import type {
  ApplyOutcome,
  Begun,
  CacheStore,
  CallOptions,
  Fill,
  FillOutcome,
  Lease,
  PutOutcome,
  Released,
  Result,
  Settled,
  StoreChange,
} from '../store.js';
import { type Script, type Scripts, scripts as serverClockScripts } from './script.js';
import type { Call, Wire, Work } from './wire.js';

/** One script call takes at most so many items: ElastiCache Serverless accepts 3,999 arguments a request ... */
const ITEMS_PER_CALL = 128;
/** ... and runs a script for at most 4 MiB; smaller calls also let the next one be parsed while one runs. */
const CHARACTERS_PER_CALL = 512 * 1024;

/** A guard's text, with its generation; see guard.lua. What looks otherwise is damaged, and counts as none. */
const GUARD = /^(?:- -|\d\S* \d+) (\S+) \d+ (?:- -|-?\d+ -?\d+)(?: |$)/;

/** What a step is about: an item or result, or a key or tag alone. */
type Item = string | { readonly key: string };

/** What one item adds to a command. */
interface Part {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/**
 * A store on a Redis or Valkey server, or a cluster of them. One script call carries many items; on a cluster it
 * carries those of one slot.
 */
export function redisStore(wire: Wire, scripts: Scripts = serverClockScripts()): CacheStore {
  async function run<I extends Item, T>(
    command: Script | 'get' | 'unlink',
    head: readonly string[],
    items: readonly I[],
    partOf: (item: I) => Part,
    parse: (answer: unknown) => Settled<T>,
    options: CallOptions = {},
  ): Promise<Settled<T>[]> {
    if (items.length === 0) return [];
    const partAt = (position: number) => partOf(items[position] as I);
    const work: Work = {
      count: items.length,
      command,
      keyAt: (position) => keyOf(items[position] as I),
      calls: (positions, slots) => callsOf(command, head, positions, slots, partAt),
    };
    const answers = await wire.send(work, options);
    return answers.map((answer) => (answer instanceof CacheError ? answer : parse(answer)));
  }

  return {
    readsLate: true,

    get: (keys, options) => run('get', [], keys, keyOnly, text, options),

    apply: (changes, rules, options) =>
      run(
        scripts.apply,
        [String(rules.lateAfterMs), ...guardAndSettle(rules)],
        changes,
        changePart,
        (answer) => answer as ApplyOutcome,
        options,
      ),

    begin: (keys, rules, options) =>
      run(scripts.begin, guardAndLease(rules), keys, keyAndGuard, parseBegun, options),

    release: (released, rules, options) =>
      run(
        scripts.release,
        guardAndLease(rules),
        released,
        releasedPart,
        (answer) => answer as 'released',
        options,
      ),

    fill: (fills, rules, options) =>
      run(scripts.fill, guardAndSettle(rules), fills, fillPart, (answer) => answer as FillOutcome, options),

    void: (keys, rules, options) =>
      run(scripts.void, [...guardAndSettle(rules), '0'], keys, keyAndGuard, () => 'voided' as const, options),

    claim: (keys, rules, options) =>
      run(
        scripts.void,
        [...guardAndSettle(rules), String(rules.leaseMs ?? 0)],
        keys,
        keyAndGuard,
        parseClaim,
        options,
      ),

    move: (tags, rules, options) =>
      run(scripts.move, guardAndSettle(rules), tags, guardOnly, (answer) => answer as 'moved', options),

    generations: (tags, options) =>
      run('get', [], tags, guardOnly, (answer) => GUARD.exec(text(answer) ?? '')?.[1], options),

    put: (results, options) =>
      run(scripts.put, [], results, resultPart, (answer) => answer as PutOutcome, options),

    delete: (keys, options) => run('unlink', [], keys, keyOnly, () => 'deleted' as const, options),

    close: () => wire.close(),
  };
}

/**
 * The commands for some items, each made when it is asked for, so that the next items are encoded while the server
 * works. Neighbours go together, within the limits of a call, and on a cluster if they are of one slot.
 */
function* callsOf(
  command: Script | 'get' | 'unlink',
  head: readonly string[],
  positions: Iterable<number>,
  slots: Uint16Array | undefined,
  partAt: (position: number) => Part,
): Generator<Call, void> {
  let call: GrowingCall | undefined;
  for (const position of positions) {
    const part = partAt(position);
    if (call !== undefined && call.slot === slots?.[position] && hasRoom(call, part)) {
      add(call, position, part);
    } else {
      if (call !== undefined) yield call;
      call = newCall(command, head, position, part, slots?.[position]);
    }
  }
  if (call !== undefined) yield call;
}

interface GrowingCall extends Call {
  readonly positions: number[];
  readonly keys: string[];
  readonly args: string[];
  readonly slot: number | undefined;
  /** Of the arguments so far. */
  characters: number;
}

function newCall(
  command: Script | 'get' | 'unlink',
  head: readonly string[],
  position: number,
  { keys, args }: Part,
  slot?: number,
): GrowingCall {
  const characters = charactersOf(args);
  return { command, slot, positions: [position], keys: [...keys], args: [...head, ...args], characters };
}

function hasRoom({ positions, characters }: GrowingCall, { args }: Part): boolean {
  return positions.length < ITEMS_PER_CALL && characters + charactersOf(args) <= CHARACTERS_PER_CALL;
}

function add(call: GrowingCall, position: number, { keys, args }: Part): void {
  call.positions.push(position);
  call.keys.push(...keys);
  call.args.push(...args);
  call.characters += charactersOf(args);
}

function charactersOf(args: readonly string[]): number {
  let characters = 0;
  for (const { length } of args) characters += length;
  return characters;
}

function keyOf(item: Item): string {
  return typeof item === 'string' ? item : item.key;
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
    args: [
      `${change.version} ${change.at} ${change.action} ${change.ttlMs} ${change.expiresAt ?? ''}`,
      change.value,
    ],
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

function releasedPart({ key, lease, toAll }: Released): Part {
  return { keys: [key, guardKey(key)], args: [lease.generation, String(lease.begunAt), toAll ? '0' : ''] };
}

function guardAndLease({ guardMs, leaseMs = 0 }: Rules): [string, string] {
  return [String(guardMs), String(leaseMs)];
}

function guardAndSettle(rules: Rules): [string, string] {
  return [String(rules.guardMs), String(rules.settleMs)];
}

function parseBegun(answer: unknown): Settled<Begun> {
  const [kind, first, begunAt, strong, heldMs] = answer as string[];
  if (kind === 'value') return { value: first as string };
  if (kind === 'lease') {
    const lease = { generation: first as string, begunAt: Number(begunAt), strong: strong === '1' };
    return heldMs === undefined ? lease : { ...lease, heldMs: Number(heldMs) };
  }
  return new CacheError('The cache is full: it could not note that a reader began.', { answered: true });
}

function parseClaim(answer: unknown): Lease {
  const [generation, begunAt] = answer as [string, string];
  return { generation, begunAt: Number(begunAt), strong: true };
}

function text(reply: unknown): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}
