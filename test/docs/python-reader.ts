import { expect } from 'vitest';
import type { AttributeMap, AttributeValue } from '../../src/index.js';

export class Decimal {
  readonly text: string;

  constructor(number: unknown) {
    this.text = number instanceof Decimal ? number.text : String(number);
  }
}

/** The Python of docs/keys.md, line by line; a Map is a dict, a Buffer bytes. */
export function readLikePython(text: string): Map<string, unknown> | null {
  const types: Record<string, (value: never) => unknown> = {
    N: (number: string) => new Decimal(number),
    B: base64,
    SS: (texts: string[]) => new Set(texts),
    NS: (numbers: unknown[]) => new Set(numbers.map((number) => new Decimal(number))),
    BS: (texts: string[]) => new Set(texts.map(base64)),
  };
  const item = asInPython(JSON.parse(text)) as Map<string, unknown> | null;
  if (item === null) return null;
  const pointers = (item.get('$types') ?? new Map()) as Map<string, string>;
  item.delete('$types');
  for (const [pointer, kind] of pointers) {
    const path = pointer
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = path.pop() ?? '';
    let parent: unknown = item;
    for (const step of path)
      parent = Array.isArray(parent) ? parent[Number(step)] : (parent as Map<string, unknown>).get(step);
    const typed = types[kind] ?? expect.unreachable(kind);
    if (Array.isArray(parent)) parent[Number(last)] = typed(parent[Number(last)] as never);
    else
      (parent as Map<string, unknown>).set(last, typed((parent as Map<string, unknown>).get(last) as never));
  }
  return new Map([...item].map(([name, value]) => [name.replace(/^\$(\$+types)$/, '$1'), value]));
}

function asInPython(json: unknown): unknown {
  if (typeof json === 'number') return new Decimal(json);
  if (Array.isArray(json)) return json.map(asInPython);
  if (typeof json !== 'object' || json === null) return json;
  return new Map(Object.entries(json).map(([name, value]) => [name, asInPython(value)]));
}

/** What the members of an item are to a program, told from the item itself. */
export function plainMembers(item: AttributeMap): Map<string, unknown> {
  return new Map(Object.entries(item).map(([name, value]) => [name, plain(value)]));
}

function plain(value: AttributeValue): unknown {
  if ('N' in value) return new Decimal(value.N);
  if ('B' in value) return base64(value.B as string);
  if ('SS' in value) return new Set(value.SS);
  if ('NS' in value) return new Set(value.NS.map((number) => new Decimal(number)));
  if ('BS' in value) return new Set(value.BS.map((text) => base64(text as string)));
  if ('M' in value) return plainMembers(value.M);
  if ('L' in value) return value.L.map(plain);
  if ('NULL' in value) return null;
  return 'S' in value ? value.S : value.BOOL;
}

function base64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
