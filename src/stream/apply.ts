import { CacheError, toError } from '../errors.js';
import { groupBy } from '../group-by.js';
import type { ApplyOutcome, CacheStore, CallOptions, Settled, StoreChange } from '../store/store.js';
import type { Group } from './plan.js';

/** A group, and what the store has to do for it; a group without a key changes no item. */
export interface PlannedGroup {
  readonly group: Group;
  readonly change?: StoreChange | undefined;
}

/**
 * Applies a batch: first the items, then what was derived from them, so that whoever rebuilds a derived entry finds
 * the item as it is now. What belongs to an item that failed is left for its redelivery.
 *
 * @returns per group its outcome: `skipped` for one without a key, an error when anything of it was not confirmed
 */
export async function applyGroups(
  store: CacheStore,
  planned: readonly PlannedGroup[],
  options: CallOptions,
): Promise<(ApplyOutcome | 'skipped' | Error)[]> {
  const outcomes: (ApplyOutcome | 'skipped' | Error)[] = planned.map(() => 'skipped');
  const positions = [...planned.keys()];

  const withChange = positions.filter((position) => planned[position]?.change !== undefined);
  for (const [rules, ofTable] of groupBy(withChange, (position) => at(planned, position).group.table.rules)) {
    const changes = ofTable.map((position) => at(planned, position).change as StoreChange);
    const answers = await settle(changes.length, options, () => store.apply(changes, rules, options));
    ofTable.forEach((position, index) => {
      outcomes[position] = at(answers, index);
    });
  }

  const applied = positions.filter((position) => !(outcomes[position] instanceof Error));
  const failed = await invalidateDerived(
    store,
    applied.map((position) => at(planned, position).group),
    options,
  );
  applied.forEach((position, index) => {
    outcomes[position] = failed[index] ?? at(outcomes, position);
  });
  return outcomes;
}

/** Moves tags and deletes derived keys, each once however many groups name it. Returns per group what failed. */
async function invalidateDerived(
  store: CacheStore,
  groups: readonly Group[],
  options: CallOptions,
): Promise<(Error | undefined)[]> {
  const failures = new Map<string, Error>();
  const noteFailures = (names: string[], answers: readonly Settled<unknown>[]) =>
    names.forEach((name, index) => {
      const answer = answers[index];
      if (answer instanceof Error) failures.set(name, answer);
    });

  const derived = [...new Set(groups.flatMap((group) => [...group.alsoDelete]))];
  const deleting = settle(derived.length, options, () => store.delete(derived, options));
  for (const [rules, ofTable] of groupBy(groups, (group) => group.table.rules)) {
    const tags = [...new Set(ofTable.flatMap((group) => [...group.tags]))];
    noteFailures(tags, await settle(tags.length, options, () => store.move(tags, rules, options)));
  }
  noteFailures(derived, await deleting);

  if (failures.size === 0) return [];
  return groups.map((group) =>
    [...group.tags, ...group.alsoDelete].map((name) => failures.get(name)).find(Boolean),
  );
}

/**
 * A store's answers. A store of the caller's that rejects, or is not done by the deadline, has confirmed nothing.
 */
async function settle<T>(
  count: number,
  { deadline }: CallOptions,
  call: () => Promise<Settled<T>[]>,
): Promise<Settled<T>[]> {
  if (count === 0) return [];
  const nothing = (why: string, cause?: unknown) =>
    new Array<CacheError>(count).fill(new CacheError(`The cache confirmed nothing: ${why}.`, { cause }));
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Settled<T>[]>((resolve) => {
    if (deadline === undefined) return;
    // A little after the deadline, which is the store's own time to answer with what it has.
    const patience = Math.max(0, deadline - Date.now()) + 50;
    timer = setTimeout(() => resolve(nothing('it took too long')), patience);
  });
  try {
    return await Promise.race([call(), tooLate]);
  } catch (thrown) {
    return nothing(`the store threw ${toError(thrown).name}`, thrown);
  } finally {
    clearTimeout(timer);
  }
}

function at<T>(list: readonly T[], index: number): T {
  return list[index] as T;
}
