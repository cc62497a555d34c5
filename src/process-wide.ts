/**
 * What a process has once, however many copies of this package are in it: a bundle that both imports and requires it has two,
 * and so has a tree of packages with two versions.
 *
 * @param name also of its form: a version that keeps something else in it takes another name
 */
export function processWide<T extends object>(name: string, make: () => T): T {
  const shared = globalThis as { [key: symbol]: unknown };
  const key = Symbol.for(`dynamodb-stream-cache:${name}`);
  shared[key] ??= make();
  return shared[key] as T;
}
