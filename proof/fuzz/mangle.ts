import fc from 'fast-check';

/** Values that no client should send and no stream should deliver. */
const HOSTILE: readonly unknown[] = [
  ...[null, undefined, true, false, 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53],
  ...[
    '',
    ' ',
    '0',
    'x',
    '__proto__',
    '*',
    'a:b',
    '{a}',
    '{}',
    '\u0000',
    '\ud800',
    '9'.repeat(2_000),
    'x'.repeat(5_000),
  ],
  ...[
    [],
    [[]],
    [null],
    [undefined],
    {},
    { S: 1 },
    { S: 'x', N: '1' },
    { N: 'NaN' },
    { N: '1e99999' },
    { M: null },
  ],
  ...[{ L: {} }, { SS: [] }, { SS: 'x' }, { B: 'not base64!' }, { BS: [1] }, { NULL: false }, { X: 'x' }],
  JSON.parse('{"__proto__":{"S":"x"},"constructor":{"S":"x"},"toString":{"N":"1"}}'),
  JSON.parse('{"hasOwnProperty":1,"then":{"S":"x"},"toJSON":{"S":"x"},"length":9}'),
  nested(40),
  nested(1_000),
];

/** What only code can hand over, not JSON. */
const HOSTILE_IN_PROCESS: readonly unknown[] = [
  ...[1n, Symbol('x'), () => 'x', new Date(0), new Map(), new Set(['x']), new Uint8Array(3), new Error('x')],
  Object.create(null),
  Object.freeze({ S: 'x' }),
];

const ALL = [...HOSTILE, ...HOSTILE_IN_PROCESS];

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'S',
  'N',
  'M',
  'Keys',
  'TableName',
  '',
  '$types',
  'then',
];

/** One thing that is done to a document: at which place, and what. */
export interface Mangling {
  readonly place: number;
  readonly what: 'replace' | 'remove' | 'add' | 'repeat';
  readonly name: string;
  /** Which hostile value; a number, because some of them cannot be printed. */
  readonly hostile: number;
}

export function manglingArbitrary(from: 'JSON' | 'code'): fc.Arbitrary<Mangling> {
  return fc.record({
    place: fc.nat(200),
    what: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'repeat'),
    name: fc.constantFrom(...NAMES),
    hostile: fc.nat((from === 'JSON' ? HOSTILE.length : ALL.length) - 1),
  });
}

/** A copy of a document with one mangling after the other. */
export function mangled<T>(document: T, manglings: readonly Mangling[]): T {
  const box = { document: copy(document) };
  for (const mangling of manglings) mangle(box, mangling);
  return box.document as T;
}

function mangle(box: object, { place, what, name, hostile }: Mangling): void {
  const value = copy(ALL[hostile]);
  const places = placesIn(box);
  const [owner, member] = places[place % places.length] as Place;
  const found = owner[member];
  if (what === 'replace') owner[member] = value;
  else if (what === 'repeat' && Array.isArray(owner)) owner.push(found);
  else if (what === 'add' && isContainer(found) && !Array.isArray(found)) define(found, name, value);
  else if (Array.isArray(owner)) owner.splice(Number(member), 1);
  else if (member !== 'document') delete owner[member];
}

const DEPTH = 12;

type Place = [owner: Record<string, unknown>, member: string];

/** Every member of a document, at any depth that a document of ours has. */
function placesIn(owner: object, depth = 0): Place[] {
  if (depth > DEPTH) return [];
  return Object.keys(owner).flatMap((member): Place[] => {
    const value = (owner as Record<string, unknown>)[member];
    const here: Place = [owner as Record<string, unknown>, member];
    return isContainer(value) ? [here, ...placesIn(value, depth + 1)] : [here];
  });
}

function isContainer(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return false;
  return Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value));
}

/** As deep as anything is changed; what lies deeper is shared. */
function copy(value: unknown, depth = 0): unknown {
  if (depth > DEPTH || !isContainer(value)) return value;
  if (Array.isArray(value)) return value.map((element) => copy(element, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member, depth + 1)]));
}

/** Also `__proto__` becomes a member. */
function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function nested(depth: number): object {
  let value: object = { S: 'x' };
  for (let level = 0; level < depth; level += 1)
    value = level % 2 === 0 ? { L: [value] } : { M: { m: value } };
  return value;
}
