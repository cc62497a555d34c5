import type { Redis } from 'ioredis';

/** The nodes of a cluster that slots move between. */
export interface Move {
  readonly from: Redis;
  readonly to: Redis;
  /** Those that own other slots, and have to hear of it. */
  readonly others: readonly Redis[];
}

/** Begins to move a slot: from now on one node gives it away and another takes it. */
export async function beginMove({ from, to }: Move, slot: number): Promise<void> {
  await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from));
  await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to));
}

/** Moves some keys of a slot that is on the move. */
export async function moveKeys({ from, to }: Move, keys: readonly string[]): Promise<void> {
  const { host = '', port = 0 } = to.options;
  if (keys.length > 0) await from.call('MIGRATE', host, port, '', 0, 5_000, 'KEYS', ...keys);
}

/** Moves what is left of a slot that is on the move, and ends the move. */
export async function endMove(move: Move, slot: number): Promise<void> {
  const { from, to, others } = move;
  for (;;) {
    const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as string[];
    if (keys.length === 0) break;
    await moveKeys(move, keys);
  }
  const id = await idOf(to);
  // The new owner first, so that somebody owns the slot at any time.
  for (const node of [to, from, ...others]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', id);
}

/** What `redis-cli --cluster reshard` does for one slot. */
export async function moveSlot(move: Move, slot: number): Promise<void> {
  await beginMove(move, slot);
  await endMove(move, slot);
}

async function idOf(node: Redis): Promise<string> {
  return String(await node.call('CLUSTER', 'MYID'));
}
