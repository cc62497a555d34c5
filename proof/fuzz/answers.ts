import { base64Text } from '../../src/attributes.js';

/** An answer as text: without what tells who gave it, and with what DynamoDB orders as it likes in one order. */
export function canonical(answer: unknown): string {
  return JSON.stringify(answer, function (this: Record<string, unknown>, name, value) {
    if (name === '$metadata' || name === 'CacheMetadata' || name === 'ConsumedCapacity') return undefined;
    const given = this[name]; // before a Buffer's own toJSON
    if (ArrayBuffer.isView(given)) return base64Text(given);
    if (typeof given === 'bigint') return `${given}n`;
    if (given instanceof Set) return inOrder([...given]);
    if ((name === 'SS' || name === 'NS' || name === 'BS') && Array.isArray(given)) return inOrder(given);
    if (name === 'Responses' && !Array.isArray(value)) return sortedLists(value);
    return isPlain(value) ? sorted(value) : value;
  });
}

function inOrder(members: unknown[]): string[] {
  return members.map(canonical).sort();
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
