import type { Rules } from '../../coherence.js';
import { CacheError } from '../../errors.js';
import { resultKey, tableTag } from '../../key.js';
import type { Lease, Settled } from '../../store/store.js';
import { confirmed } from '../confirmed.js';
import type { Operated } from '../operated.js';
import { type Finding, findings } from './finding.js';
import { isNotPermitted, remedyOf } from './remedy.js';

const { ok, warning, wrong } = findings('cache');

interface Probed {
  readonly cache: Operated;
  readonly namespace?: string | undefined;
  readonly rules: Rules;
}

/** Each step on a key of nobody's, so that each script is once run by this user. */
export async function checkSteps({ cache, namespace, rules }: Probed, key: string): Promise<Finding[]> {
  const steps = stepsOf(cache, namespace, rules, key);
  const failed = await failuresOf(steps);
  const refused = failed.filter(({ why }) => isNotPermitted(why));
  const others = failed.filter(({ why }) => !isNotPermitted(why));
  return [
    ...(failed.length === 0
      ? [ok('permissions', `each of ${Object.keys(steps).length} steps was taken on a probe`)]
      : []),
    ...(refused.length > 0 ? [wrong('permissions', ...named('refused', refused))] : []),
    ...(others.length > 0 ? [wrong('steps', ...named('failed', others))] : []),
    ...(await checkOperator(cache, key)),
  ];
}

function stepsOf({ store }: Operated, namespace: string | undefined, rules: Rules, key: string): Steps {
  // Gone within seconds, whatever fails.
  const short: Rules = { ...rules, guardMs: 10_000, leaseMs: 1_000 };
  const tag = tableTag(namespace, 'stream-cache-doctor');
  const change = { key, version: '0', at: Date.now(), action: 'set', value: 'null', ttlMs: 10_000 } as const;
  const result = { key: resultKey(tag, key), value: '0\n', ttlMs: 10_000 };
  const leaseOf = async () => {
    const [begun] = confirmed(await store.begin([key], short));
    if (begun === undefined || !('generation' in begun))
      throw new CacheError('Somebody else uses the probe.');
    return begun as Lease;
  };
  return {
    get: () => store.get([key]),
    begin: () => store.begin([key], short),
    release: async () => store.release([{ key, lease: await leaseOf(), toAll: false }], short),
    fill: async () =>
      store.fill([{ key, lease: await leaseOf(), strong: true, value: 'null', ttlMs: 10_000 }], short),
    void: () => store.void([key], short),
    claim: () => store.claim([key], short),
    apply: () => store.apply([change], short),
    move: () => store.move([tag], short),
    generations: () => store.generations([tag]),
    put: () => store.put([result]),
    delete: () => store.delete([key, result.key]),
  };
}

/** What only the operator's commands do: the user of a function needs none of it, and the one that the construct makes may not. */
async function checkOperator({ look, list, measure }: Operated, key: string): Promise<Finding[]> {
  const failed = await failuresOf({
    get: () => look([key]),
    ...(list && {
      'verify and purge': async () => {
        // The first names of any: to look for a name would go through all of them.
        for await (const _ of list('')) break;
        return [];
      },
    }),
    ...(measure && { stats: () => measure([key]) }),
  });
  const why = failed[0]?.why;
  if (why === undefined) return [];
  return [
    warning(
      'operator',
      `cannot run here: ${failed.map(({ name }) => name).join(', ')} (${why})`,
      isNotPermitted(why)
        ? 'The function and readers do not need it. Run these commands as a user that also has SCAN, PTTL and STRLEN.'
        : remedyOf(why),
    ),
  ];
}

type Steps = Readonly<Record<string, () => Promise<readonly Settled<unknown>[]>>>;

interface Failed {
  readonly name: string;
  readonly why: string;
}

/** One after the other: a step builds on those before it. */
async function failuresOf(steps: Steps): Promise<Failed[]> {
  const failed: Failed[] = [];
  for (const [name, step] of Object.entries(steps)) {
    try {
      confirmed(await step());
    } catch (thrown) {
      failed.push({ name, why: (thrown as Error).message });
    }
  }
  return failed;
}

function named(what: string, failed: readonly Failed[]): [found: string, remedy: string] {
  const why = failed[0]?.why ?? '';
  return [`${what}: ${failed.map(({ name }) => name).join(', ')} (${why})`, remedyOf(why)];
}
