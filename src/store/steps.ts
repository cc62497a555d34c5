import {
  type Decision,
  decide,
  type Guard,
  guardAfterChange,
  guardAfterClaim,
  guardAfterFill,
  guardAfterLocalWrite,
  guardAfterMove,
  guardAfterRelease,
  guardAtMiss,
  heldMs,
  type Moment,
  type Rules,
} from '../coherence.js';
import type {
  ApplyOutcome,
  Begun,
  Fill,
  FillOutcome,
  Lease,
  PutOutcome,
  Released,
  Result,
  StoreChange,
} from './store.js';

/**
 * What a store holds under one key while a step is taken on it. The steps here are those of `CacheStore`, for stores that
 * decide in this process; `redis/*.lua` says the same in Lua.
 */
export interface Cell {
  readonly value: string | undefined;
  readonly guard: Guard | undefined;
  store(value: string, ttlMs: number): void;
  drop(): void;
  /** Keeps a guard for `guardMs`. */
  keep(guard: Guard, guardMs: number): void;
}

const VOIDING: ReadonlySet<Decision> = new Set(['late', 'disordered', 'overlapping'] as const);

export function apply(cell: Cell, change: StoreChange, moment: Moment, rules: Rules): ApplyOutcome {
  const isStored = () => change.action !== 'delete' && cell.value === change.value;
  const { guard } = cell;
  const decision = decide(guard, change, moment.now, rules, isStored);
  const next = guardAfterChange(guard, change, decision, moment, rules);
  if (next !== undefined) cell.keep(next, rules.guardMs);
  if (decision === 'write') return write(cell, change, moment.now);
  if (VOIDING.has(decision)) cell.drop();
  return decision;
}

function write(cell: Cell, change: StoreChange, now: number): ApplyOutcome {
  const ttlMs = timeToLive(change, now);
  if (change.action === 'refresh' && cell.value === undefined) return 'unchanged';
  if (change.action === 'delete' || ttlMs <= 0) {
    cell.drop();
    return 'deleted';
  }
  cell.store(change.value, ttlMs);
  return 'written';
}

export function begin(cell: Cell, moment: Moment, rules: Rules): Begun {
  if (cell.value !== undefined) return { value: cell.value };
  const before = cell.guard;
  const held = heldMs(before, moment.now, rules);
  const guard = guardAtMiss(before, moment, rules);
  if (held === 0) cell.keep(guard, rules.guardMs);
  const lease = { generation: guard.generation, begunAt: moment.now, strong: moment.now < guard.settled };
  return held === 0 ? lease : { ...lease, heldMs: held };
}

export function release(cell: Cell, { lease, toAll }: Released, rules: Rules): 'released' {
  const guard = guardAfterRelease(cell.guard, lease, toAll, rules);
  if (guard !== undefined) cell.keep(guard, rules.guardMs);
  return 'released';
}

export function fill(
  cell: Cell,
  { lease, strong, ...entry }: Fill,
  moment: Moment,
  rules: Rules,
): FillOutcome {
  if (cell.value !== undefined) return 'occupied';
  const next = guardAfterFill(cell.guard, { ...lease, strong }, moment, rules);
  if (next === undefined) return 'moved';
  const ttlMs = timeToLive(entry, moment.now);
  if (ttlMs <= 0) return 'expired';
  cell.keep(next, rules.guardMs);
  cell.store(entry.value, ttlMs);
  return 'filled';
}

export function voidItem(cell: Cell, moment: Moment, rules: Rules): 'voided' {
  cell.drop();
  cell.keep(guardAfterLocalWrite(cell.guard, moment, rules), rules.guardMs);
  return 'voided';
}

export function claim(cell: Cell, moment: Moment, rules: Rules): Lease {
  cell.drop();
  cell.keep(guardAfterClaim(cell.guard, moment, rules), rules.guardMs);
  return { generation: moment.token, begunAt: moment.now, strong: true };
}

export function move(cell: Cell, moment: Moment, rules: Rules): 'moved' {
  cell.keep(guardAfterMove(moment, rules), rules.guardMs);
  return 'moved';
}

export function put(cell: Cell, { value, ttlMs }: Result): PutOutcome {
  if (cell.value !== undefined && firstLine(cell.value) === firstLine(value)) return 'occupied';
  cell.store(value, ttlMs);
  return 'stored';
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}

function timeToLive(entry: { ttlMs: number; expiresAt?: number | undefined }, now: number): number {
  return entry.expiresAt === undefined ? entry.ttlMs : Math.min(entry.ttlMs, entry.expiresAt - now);
}
