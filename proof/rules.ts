import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';
import { OURS_ON_CAS } from './names.js';

/** A rule, and how the code would read without it. */
export interface Rule {
  readonly name: string;
  readonly file: string;
  readonly code: string;
  readonly without: string;
  /** Of which system it is, where it is not of ours on a cache that decides by itself. */
  readonly system?: string;
}

const ON_CAS = { system: OURS_ON_CAS, file: 'src/store/cas/store.ts' };

/** Every rule that a promise rests on. The code is the real one; a rule whose code has changed is noticed when it is taken out. */
export const RULES: readonly Rule[] = [
  {
    name: 'stale: an older record changes nothing',
    file: 'src/coherence.ts',
    code: "return change.at <= (guard.at ?? 0) + SLACK_MS ? 'stale' : 'disordered';",
    without: "if (change.at > (guard.at ?? 0) + SLACK_MS) return 'disordered';",
  },
  {
    name: 'disordered: number and time disagree, so neither is trusted',
    file: 'src/coherence.ts',
    code: "return change.at <= (guard.at ?? 0) + SLACK_MS ? 'stale' : 'disordered';",
    without: "return 'stale';",
  },
  {
    name: 'late: an old image is not written',
    file: 'src/coherence.ts',
    code: "if (now - change.at > rules.lateAfterMs) return 'late';",
    without: '',
  },
  {
    name: 'overlapping: a record that may be older than a fill voids',
    file: 'src/coherence.ts',
    code: "return isStored() ? 'same' : 'overlapping';",
    without: "return isStored() ? 'same' : 'write';",
  },
  {
    name: 'same: what a record keeps is exactly what it says',
    file: 'src/store/steps.ts',
    code: 'cell.value === change.value;',
    without: 'cell.value !== undefined;',
  },
  {
    name: 'a voiding record deletes the value',
    file: 'src/store/steps.ts',
    code: 'if (VOIDING.has(decision)) cell.drop();',
    without: '',
  },
  {
    name: 'a written record renews the generation',
    file: 'src/coherence.ts',
    code: 'return { ...seen, generation: moment.token, settled: moment.now + rules.settleMs };',
    without:
      'return { ...seen, generation: guard?.generation ?? moment.token, settled: moment.now + rules.settleMs };',
  },
  {
    name: 'a voiding record renews the generation',
    file: 'src/coherence.ts',
    code: `        generation: moment.token,
        settled: moment.now + rules.settleMs,
        asOf: guard?.asOf,`,
    without: `        generation: guard?.generation ?? moment.token,
        settled: moment.now + rules.settleMs,
        asOf: guard?.asOf,`,
  },
  {
    name: 'a fill presents the generation of its lease',
    file: 'src/coherence.ts',
    code: 'if (guard === undefined || guard.generation !== fill.generation) return undefined;',
    without: 'if (guard === undefined) return undefined;',
  },
  {
    name: 'a fill renews the generation',
    file: 'src/coherence.ts',
    code: 'return { ...guard, generation: token, settled, asOf, until: now, leased: undefined };',
    without: 'return { ...guard, settled, asOf, until: now, leased: undefined };',
  },
  {
    name: 'a change settles its item',
    file: 'src/coherence.ts',
    code: 'return { ...seen, generation: moment.token, settled: moment.now + rules.settleMs };',
    without: 'return { ...seen, generation: moment.token, settled: 0 };',
  },
  {
    name: 'a fill settles its item',
    file: 'src/coherence.ts',
    code: 'const settled = Math.max(guard.settled, now + rules.settleMs);',
    without: 'const settled = guard.settled;',
  },
  {
    name: 'an unsettled item is read strongly',
    file: 'src/read/get-item.ts',
    code: '...(lease.strong && { ConsistentRead: true }),',
    without: '',
  },
  {
    name: 'an eventually consistent fill counts as settleSeconds old',
    file: 'src/coherence.ts',
    code: 'const asOf = fill.strong ? fill.begunAt : fill.begunAt - rules.settleMs;',
    without: 'const asOf = fill.begunAt;',
  },
  {
    name: "the guard's version and time rise together",
    file: 'src/coherence.ts',
    code: 'if (guard.version >= change.version) return { version: guard.version, at: guard.at ?? 0 };',
    without:
      'if (guard.version >= change.version) return { version: guard.version, at: Math.max(guard.at ?? 0, change.at) };',
  },
  {
    name: 'an own write voids its item',
    file: 'src/read/writes.ts',
    code: 'session.void(others, rules)',
    without: "others.map(() => 'voided')",
  },
  {
    name: 'a write is stored under a lease of before it was sent',
    file: 'src/read/writes.ts',
    code: 'storeResults(reader, after, claimed, results)',
    without: 'claimItems(reader, after, toClaim).then((late) => storeResults(reader, after, late, results))',
  },
  {
    name: 'a write that may not have been carried out is not stored',
    file: 'src/read/writes.ts',
    code: 'response && claimed.length > 0 ? resultsOf(reader, shape, call, response, targets) : []',
    without: 'claimed.length > 0 ? resultsOf(reader, shape, call, response ?? {}, targets) : []',
  },
  {
    name: 'a write that could not be stored voids its item',
    file: 'src/read/writes.ts',
    code: 'const others = keys.filter((key) => !stored?.has(key));',
    without: 'const others = stored ? [] : keys;',
  },
  {
    name: 'an own write leaves its time, which voids records of before',
    file: 'src/coherence.ts',
    code: `    asOf: now,
    until: now,`,
    without: '',
  },
  {
    name: 'an own write that was not voided is not read from the cache',
    file: 'src/read/writes.ts',
    code: "reader.unvoided.add('keys', table.name, unvoided);",
    without: '',
  },
  {
    name: 'who waits for a read has the same lease',
    file: 'src/read/get-item.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code
    code: 'const id = `${wanted.key} ${lease.generation}`;',
    without: 'const id = wanted.key;',
  },
  {
    name: 'of several records of an item the highest version is applied',
    file: 'src/stream/plan.ts',
    code: 'if (record.version >= group.last.version) group.last = record;',
    without: '',
  },
  {
    name: 'what the cache did not confirm is delivered again',
    file: 'src/stream/handler.ts',
    code: 'return batchResponse(identifiers, failuresOf(results));',
    without: 'return batchResponse(identifiers, new Map());',
  },
  {
    name: 'a record moves the tags of the results that it may change',
    file: 'src/stream/plan.ts',
    code: 'tagsOf(record, table, settings.namespace, attempt)',
    without: '[] as string[]',
  },
  {
    name: 'an own write moves its tags',
    file: 'src/read/writes.ts',
    code: 'session.move(tags, rules)',
    without: "tags.map(() => 'moved')",
  },
  {
    name: 'a query under an unsettled tag is read strongly',
    file: 'src/read/query.ts',
    code: `isUnsettled(leases)
      ? await readStrongly(reader, call, request.table)
      : await call.send();`,
    without: 'await call.send();',
  },
  {
    name: 'a result does not replace another of its generations',
    file: 'src/store/steps.ts',
    code: "if (cell.value !== undefined && firstLine(cell.value) === firstLine(value)) return 'occupied';",
    without: '',
  },
  {
    name: 'compare and set: clocks are apart, so that items settle for longer',
    ...ON_CAS,
    code: 'const settling = { ...rules, settleMs: rules.settleMs + clocksApartMs };\n    const withoutRoom',
    without: 'const settling = rules;\n    const withoutRoom',
  },
  {
    name: 'compare and set: what is late is so by the time of the answer',
    ...ON_CAS,
    code: "first === 'lease' ? before : { ...before, now: now() };",
    without: 'before;',
  },
  {
    name: 'compare and set: an entry is replaced only if it is what was read',
    system: OURS_ON_CAS,
    file: 'src/operate/map-driver.ts',
    code: "if (stored(replacement.key)?.token !== replacement.token) return 'conflict';",
    without: '',
  },
  {
    name: 'compare and set: what is created holds no value',
    ...ON_CAS,
    code: 'const held = await hold(first, keys, before, rules, options);',
    without: `const withValues = inputs
        .filter((input) => first === 'create' && input.value)
        .map(({ key, value, ttlMs }) => {
          const guard = { generation: before.token, settled: 0 };
          return { key, text: encodeEntry({ value, endsAt: before.now + ttlMs, guard }), ttlMs };
        });
      await driver.create(withValues, options);
      const held = await hold(first, keys, before, rules, options);`,
  },
];

/** Bundles the code without a rule. */
export function withoutRule({ name, file, code, without }: Rule): Plugin {
  return {
    name: 'without-rule',
    setup(build) {
      build.onLoad({ filter: new RegExp(`/${file.replaceAll('.', '\\.')}$`) }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        if (source.split(code).length !== 2) {
          throw new Error(
            `The rule "${name}" is not found once in ${file}: say in rules.ts how it reads now.`,
          );
        }
        return { contents: source.replace(code, () => without), loader: 'ts' };
      });
    },
  };
}
