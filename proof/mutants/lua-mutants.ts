/** One change of a script that its tests should notice. */
export interface LuaMutant {
  readonly file: string;
  readonly line: number;
  readonly original: string;
  readonly mutated: string;
}

/** What is done to each place that matches, once per place. */
const OPERATORS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/==/g, '~='],
  [/~=/g, '=='],
  [/>=/g, '>'],
  [/<=/g, '<'],
  [/(?<![<>=~])>(?!=)/g, '>='],
  [/(?<![<>=~])<(?!=)/g, '<='],
  [/ and /g, ' or '],
  [/ or /g, ' and '],
  [/\bnot /g, ''],
  [/ \+ /g, ' - '],
  [/ - /g, ' + '],
  [/ \* /g, ' / '],
  [/ \/ /g, ' * '],
  [/math\.max/g, 'math.min'],
  [/math\.min/g, 'math.max'],
  [/\btrue\b/g, 'false'],
  [/\bfalse\b/g, 'true'],
  [/pcall/g, 'call'],
  [/redis\.call\('DEL'/g, "redis.call('EXISTS'"],
];
const NUMBER = /(?<![\w'%.])\d+(?![\w'.])/g;
const TEXT = /'([A-Za-z][\w ]*|\d|-|)'/g;
/** A statement that stands alone on its line. */
const STATEMENT = /^\s*(?:redis\.call\(.*\)|save\(.*\)|[\w.]+(?:, [\w.]+)* = .*|if .* then .* end)$/;

/** Every mutant of a script: each operator, number and text changed, and each statement of one line left out. */
export function luaMutants(file: string, text: string): LuaMutant[] {
  return text.split('\n').flatMap((original, index) => {
    if (original.trim().startsWith('--')) return [];
    const comment = original.indexOf(' -- ');
    const code = comment < 0 ? original : original.slice(0, comment);
    const mutate = (at: number, length: number, by: string): LuaMutant => ({
      file,
      line: index + 1,
      original,
      mutated: code.slice(0, at) + by + code.slice(at + length),
    });
    return [
      ...OPERATORS.flatMap(([pattern, by]) =>
        [...code.matchAll(pattern)].map((hit) => mutate(hit.index, hit[0].length, by)),
      ),
      ...[...code.matchAll(NUMBER)].map((hit) =>
        mutate(hit.index, hit[0].length, String(Number(hit[0]) + 1)),
      ),
      ...[...code.matchAll(TEXT)].map((hit) =>
        mutate(hit.index, hit[0].length, hit[1] === '' ? "'x'" : "''"),
      ),
      ...(STATEMENT.test(code) ? [mutate(0, code.length, '')] : []),
    ];
  });
}

/** A script with one mutant in it. */
export function withMutant(text: string, { line, mutated }: LuaMutant): string {
  const lines = text.split('\n');
  lines[line - 1] = mutated;
  return lines.join('\n');
}
