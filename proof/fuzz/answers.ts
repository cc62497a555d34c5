/** An answer as text: without what tells who gave it, and with what DynamoDB orders as it likes in one order. */
export function canonical(answer: unknown): string {
  return JSON.stringify(answer, (name, value) => {
    if (name === '$metadata' || name === 'CacheMetadata' || name === 'ConsumedCapacity') return undefined;
    if (name === 'B' && ArrayBuffer.isView(value)) return Buffer.from(value.buffer).toString('base64');
    if (name === 'Responses' && !Array.isArray(value)) return sortedLists(value);
    return isPlain(value) ? sorted(value) : value;
  });
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function sortedLists(responses: Record<string, object[]>): object {
  const lists = Object.entries(responses ?? {}).map(([name, items]) => [
    name,
    [...items].sort((one, other) => (canonical(one) < canonical(other) ? -1 : 1)),
  ]);
  return sorted(Object.fromEntries(lists));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
