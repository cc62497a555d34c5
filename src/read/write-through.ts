import type { AttributeMap, AttributeValue } from '../attributes.js';
import { groupBy } from '../group-by.js';
import { fillItems, type KnownItem, textOf, type Wanted } from './items.js';
import type { Reader } from './reader.js';
import type { Session } from './session.js';

/** An item that is about to be written, voided for that, with the lease to store what will have been written. */
export type Claimed = Wanted & Pick<KnownItem, 'lease'>;

/** What DynamoDB has made of a written item. */
export interface Result {
  readonly key: string;
  readonly item: AttributeMap;
}

/**
 * Voids items before they are written, in one round trip. Of two writers that overlap one then loses its lease to the other, so
 * that what it stores can only be what the item was last.
 *
 * @returns those that the cache confirmed
 */
export async function claimItems(
  reader: Reader,
  session: Session,
  items: readonly Wanted[],
): Promise<Claimed[]> {
  const claimed: Claimed[] = [];
  for (const [rules, ofRules] of groupBy(items, ({ table }) => table.settings.rules)) {
    const notes = ofRules.map(({ table, key }) => reader.unvoided.note('keys', table.name, key));
    const leases = await session.claim(
      ofRules.map(({ key }) => key),
      rules,
    );
    ofRules.forEach((item, index) => {
      const [lease, note] = [leases[index], notes[index]];
      if (lease === undefined || lease instanceof Error) return;
      claimed.push({ ...item, lease });
      if (note !== undefined) reader.unvoided.remove('keys', item.table.name, item.key, note);
    });
  }
  return claimed;
}

/**
 * Stores what was written of the items that were claimed for it, in one round trip.
 *
 * @returns the keys of those that are stored. All others are to be voided: who began after the claim may have read before
 * the write.
 */
export function storeResults(
  reader: Reader,
  session: Session,
  claimed: readonly Claimed[],
  results: readonly Result[],
): Promise<ReadonlySet<string>> {
  const known = claimed.flatMap((claim): KnownItem[] => {
    const result = results.find(({ key }) => key === claim.key);
    return result === undefined ? [] : [{ ...claim, item: result.item, text: textOf(result.item) }];
  });
  return fillItems(reader, session, known);
}

/** Whether DynamoDB stores an item just as it was sent: it spells numbers in its own way, and has no lone surrogates. */
export function isStoredAsSent(item: AttributeMap): boolean {
  return Object.entries(item).every(([name, value]) => isWellFormed(name) && isValueStoredAsSent(value));
}

function isValueStoredAsSent(value: AttributeValue): boolean {
  const { S, N, SS, NS, M, L } = value as { [type: string]: unknown };
  if (typeof N === 'string') return isNormal(N);
  if (typeof S === 'string') return isWellFormed(S);
  if (isObject(M)) return isStoredAsSent(M as AttributeMap);
  if (Array.isArray(L))
    return L.every((each) => isObject(each) && isValueStoredAsSent(each as AttributeValue));
  if (Array.isArray(NS)) return NS.every(isNormal);
  return !Array.isArray(SS) || SS.every(isWellFormed);
}

/** Whether a number is spelled as DynamoDB does for certain; of very large and very small ones that is not documented. */
function isNormal(text: unknown): boolean {
  return (
    typeof text === 'string' &&
    /^(?:0|-?[1-9]\d{0,19}|-?(?:0|[1-9]\d{0,14})\.(?!0{6})\d{0,19}[1-9])$/.test(text)
  );
}

function isWellFormed(text: unknown): boolean {
  return typeof text === 'string' && !/\p{Cs}/u.test(text);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
