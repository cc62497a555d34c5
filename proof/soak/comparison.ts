import { isDeepStrictEqual } from 'node:util';
import type { AttributeMap } from '../../src/attributes.js';
import { decode, encode } from '../../src/codec.js';
import { guardKey } from '../../src/key.js';
import type { CacheStore } from '../../src/store/store.js';
import { cacheKeyOf, type Item } from './orders.js';

/** What the cache holds of one item that differs from the table. */
export interface Difference {
  readonly name: string;
  readonly cached: string;
  readonly inTable: string;
  readonly guard: string;
}

/** Compares what the cache holds of items with the table. What is not cached cannot differ. */
export async function compare(
  store: CacheStore,
  names: readonly string[],
  table: ReadonlyMap<string, Item>,
): Promise<{ cached: number; differences: Difference[] }> {
  const texts = await store.get(names.map(cacheKeyOf));
  const guards = await store.get(names.map((name) => guardKey(cacheKeyOf(name))));
  const failure = texts.find((text) => text instanceof Error);
  if (failure !== undefined) throw failure;

  let cached = 0;
  const differences: Difference[] = [];
  names.forEach((name, index) => {
    const text = texts[index] as string | undefined;
    if (text === undefined) return;
    cached += 1;
    const item = table.get(name) ?? null;
    if (isDeepStrictEqual(decode(text), item && decode(encode(item as AttributeMap)))) return;
    differences.push({
      name,
      cached: versionOf(decode(text)),
      inTable: versionOf(item),
      guard: String(guards[index]),
    });
  });
  return { cached, differences };
}

function versionOf(item: object | null | undefined): string {
  if (item === undefined) return 'not one of ours';
  if (item === null) return 'absent';
  return `version ${(item as Item).version?.N}`;
}
