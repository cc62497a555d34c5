import type { Rules } from '../coherence.js';
import { groupBy } from '../group-by.js';
import type { ApplyOutcome, CacheStore, CallOptions, Settled, StoreChange } from '../store/store.js';
import type { Group } from './plan.js';
import { settle } from './settle.js';

/** A group, and what the store has to do for it; a group without a key changes no item. */
export interface PlannedGroup {
  readonly group: Group;
  readonly change?: StoreChange | undefined;
}

/**
 * Applies a batch: the items, and at once with them the tags, whose readers ask the table itself; then the keys derived
 * from the items, so that whoever rebuilds one finds the item as it is now. What is derived from an item that failed
 * is left for its redelivery.
 *
 * @returns per group its outcome: `skipped` for one without a key, an error when anything of it was not confirmed
 */
export async function applyGroups(
  store: CacheStore,
  planned: readonly PlannedGroup[],
  options: CallOptions,
): Promise<(ApplyOutcome | 'skipped' | Error)[]> {
  const groups = planned.map(({ group }) => group);
  const [tagFailures, outcomes] = await Promise.all([
    moveTags(store, groups, options),
    applyChanges(store, planned, options),
  ]);
  const applied = groups.filter((_, index) => !(outcomes[index] instanceof Error));
  const deleteFailures = await deleteDerived(store, applied, options);

  return groups.map((group, index) => {
    const failure = firstFailure(tagFailures, group.tags) ?? firstFailure(deleteFailures, group.alsoDelete);
    return failure ?? (outcomes[index] as ApplyOutcome | 'skipped' | Error);
  });
}

async function applyChanges(
  store: CacheStore,
  planned: readonly PlannedGroup[],
  options: CallOptions,
): Promise<(ApplyOutcome | 'skipped' | Error)[]> {
  const outcomes: (ApplyOutcome | 'skipped' | Error)[] = planned.map(() => 'skipped');
  const withChange = [...planned.entries()].filter(([, { change }]) => change !== undefined);
  for (const [rules, ofRules] of groupBy(withChange, ([, { group }]) => group.table.rules)) {
    for (const [isOrdered, alike] of groupBy(ofRules, ([, { change }]) => change?.version !== '')) {
      const changes = alike.map(([, { change }]) => change as StoreChange);
      const apply = isOrdered ? applyInOrder : discard;
      const answers = await settle(changes.length, options, () => apply(store, changes, rules, options));
      alike.forEach(([position], index) => {
        outcomes[position] = answers[index] as Settled<ApplyOutcome>;
      });
    }
  }
  return outcomes;
}

type Apply = (
  store: CacheStore,
  changes: readonly StoreChange[],
  rules: Rules,
  options: CallOptions,
) => Promise<Settled<ApplyOutcome>[]>;

const applyInOrder: Apply = (store, changes, rules, options) =>
  store.apply(store.readsLate ? changes : changes.map(made), rules, options);

/** Nobody knows which is the newest of changes that have no version: their entries go, as after an application's own write. */
const discard: Apply = async (store, changes, rules, options) => {
  const keys = changes.map(({ key }) => key);
  const answers = await store.void(keys, rules, options);
  return answers.map((answer) => (answer === 'voided' ? 'deleted' : answer));
};

/** A change as plain data, with what it makes when that is read. */
function made({ key, version, at, action, value, ttlMs, expiresAt }: StoreChange): StoreChange {
  return { key, version, at, action, value, ttlMs, expiresAt };
}

/** Moves every tag once, however many groups touched it. Returns what failed. */
async function moveTags(
  store: CacheStore,
  groups: readonly Group[],
  options: CallOptions,
): Promise<Failures> {
  const failures: Failures = new Map();
  for (const [rules, ofRules] of groupBy(groups, (group) => group.table.rules)) {
    const tags = [...union(ofRules.map((group) => group.tags))];
    noteFailures(failures, tags, await settle(tags.length, options, () => store.move(tags, rules, options)));
  }
  return failures;
}

/** Deletes every derived key once. Returns what failed. */
async function deleteDerived(
  store: CacheStore,
  groups: readonly Group[],
  options: CallOptions,
): Promise<Failures> {
  const failures: Failures = new Map();
  const keys = [...union(groups.map((group) => group.alsoDelete))];
  noteFailures(failures, keys, await settle(keys.length, options, () => store.delete(keys, options)));
  return failures;
}

function union(lists: readonly (readonly string[])[]): Set<string> {
  const all = new Set<string>();
  for (const list of lists) for (const name of list) all.add(name);
  return all;
}

/** What failed, by tag or key. */
type Failures = Map<string, Error>;

function noteFailures(
  failures: Failures,
  names: readonly string[],
  answers: readonly Settled<unknown>[],
): void {
  names.forEach((name, index) => {
    const answer = answers[index];
    if (answer instanceof Error) failures.set(name, answer);
  });
}

function firstFailure(failures: Failures, names: readonly string[]): Error | undefined {
  if (failures.size === 0) return undefined;
  for (const name of names) {
    const failure = failures.get(name);
    if (failure !== undefined) return failure;
  }
  return undefined;
}
