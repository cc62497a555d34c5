import { randomUUID } from 'node:crypto';
import { type Rules, SLACK_MS } from '../../coherence.js';
import { CacheError } from '../../errors.js';
import { itemKey, resultKey, tableTag } from '../../key.js';
import type { Lease, Settled } from '../../store/store.js';
import { confirmed } from '../confirmed.js';
import type { Look, Operated } from '../operated.js';
import { type Finding, findings } from './finding.js';

const { ok, warning, wrong, unknown } = findings('cache');

/** Of so many round trips the middle one counts. */
const ROUND_TRIPS = 9;
/** A hit costs a round trip: from here on a read of DynamoDB is as fast. */
const SLOW_MS = 5;
/** From this share of its memory on a cache is about to evict. */
const ALMOST_FULL = 0.9;

export interface CacheUnderCheck {
  readonly cache: Operated;
  readonly url: string;
  readonly namespace?: string | undefined;
  readonly rules: Rules;
}

/** What can be told of a cache from here. It steps on a key of its own, which is gone within seconds. */
export async function checkCache(about: CacheUnderCheck): Promise<Finding[]> {
  const { cache, url, namespace } = about;
  const name = { probe: { S: randomUUID() } };
  const key = itemKey(namespace, 'stream-cache-doctor', name);
  const trip = await roundTrip(cache, key);
  if (trip instanceof CacheError) {
    return [
      wrong(
        'reached',
        trip.message,
        'Check the URL, the security groups and subnets, TLS, and the user and password.',
      ),
    ];
  }
  return [
    trip < SLOW_MS
      ? ok('round trip', milliseconds(trip))
      : warning(
          'round trip',
          milliseconds(trip),
          'Put what reads into the same Availability Zone as the cache, or look whether it is busy.',
        ),
    tls(url),
    ...(await serverFindings(cache)),
    ...(await permissions(about, key)),
    await clock(cache, key),
  ];
}

async function roundTrip({ store }: Operated, key: string): Promise<number | CacheError> {
  const times: number[] = [];
  for (let n = 0; n < ROUND_TRIPS; n += 1) {
    const begunAt = performance.now();
    const [answer] = await store.get([key]);
    if (answer instanceof CacheError) return answer;
    times.push(performance.now() - begunAt);
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUND_TRIPS / 2)] as number;
}

function tls(url: string): Finding {
  if (/^(?:rediss|valkeys|memcacheds|momento):/i.test(url)) return ok('TLS', 'on');
  const isHere = /^[a-z-]+:\/\/(?:[^@/]*@)?(?:127\.|localhost|\[::1\])/i.test(url);
  if (isHere) return ok('TLS', 'off, and the cache is on this machine');
  return warning(
    'TLS',
    'off',
    'Items and passwords go over the network in clear: use rediss://, valkeys:// or memcacheds://.',
  );
}

async function serverFindings(cache: Operated): Promise<Finding[]> {
  if (cache.info === undefined) return [unknown('server', 'this cache does not tell its settings')];
  let servers: ReadonlyMap<string, string>[];
  try {
    servers = await cache.info();
  } catch (thrown) {
    return [unknown('server', (thrown as Error).message)];
  }
  return [version(servers), eviction(servers), memory(servers), ...clusterState(servers)];
}

type Servers = readonly ReadonlyMap<string, string>[];

function version(servers: Servers): Finding {
  const versions = servers.map((fields) => ({
    valkey: fields.get('valkey_version'),
    redis: fields.get('redis_version'),
  }));
  const [first] = versions;
  if (first?.valkey !== undefined) return ok('version', `Valkey ${first.valkey}`);
  if (first?.redis === undefined) return unknown('version', 'the server does not say');
  const tooOld = versions.find(({ redis = '' }) => Number(redis.split('.', 1)) < 6);
  return tooOld === undefined
    ? ok('version', `Redis ${first.redis}`)
    : wrong('version', `Redis ${tooOld.redis}`, 'Tried with 6.2 and later: upgrade the server.');
}

/** What docs/sizing.md measured: these keep guards. */
const KEEPING = ['volatile-lru', 'allkeys-lru', 'noeviction'];

function eviction(servers: Servers): Finding {
  const policies = new Set(servers.map((fields) => fields.get('maxmemory_policy')));
  const [policy] = policies;
  if (policy === undefined) return unknown('eviction', 'the server does not say');
  const taking = [...policies].find((each) => each !== undefined && !KEEPING.includes(each));
  if (taking !== undefined) {
    return wrong(
      'eviction',
      `maxmemory-policy is ${taking}`,
      'It takes guards while values stay, and then what is old can be stored: set volatile-lru or allkeys-lru.',
    );
  }
  const isBounded = servers.some((fields) => Number(fields.get('maxmemory')) > 0);
  if (policy === 'noeviction' && isBounded) {
    return ok('eviction', 'noeviction: once it is full it takes nothing new');
  }
  return ok('eviction', isBounded ? policy : `${policy}, and no maxmemory`);
}

function memory(servers: Servers): Finding {
  const shares = servers.flatMap((fields) => {
    const [used, most] = [Number(fields.get('used_memory')), Number(fields.get('maxmemory'))];
    return most > 0 ? [used / most] : [];
  });
  if (shares.length === 0) return ok('memory', 'the server names no limit');
  const fullest = Math.max(...shares);
  const found = `${(fullest * 100).toFixed()} % of maxmemory${servers.length > 1 ? ', on the fullest server' : ''}`;
  return fullest < ALMOST_FULL
    ? ok('memory', found)
    : warning(
        'memory',
        found,
        'It is about to evict: more memory, a shorter ttlSeconds, or less in the cache (docs/sizing.md).',
      );
}

function clusterState(servers: Servers): Finding[] {
  if (servers.length < 2) return [];
  return [ok('cluster', `${servers.length} servers with slots answer`)];
}

/** Each step on a key of nobody's, so that each script is once run by this user. */
async function permissions({ cache, namespace, rules }: CacheUnderCheck, key: string): Promise<Finding[]> {
  const { store } = cache;
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
  const steps: Record<string, () => Promise<Settled<unknown>[]>> = {
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
    look: () => cache.look([key]),
  };
  const refused: string[] = [];
  let why = '';
  for (const [name, step] of Object.entries(steps)) {
    const error = await failureOf(step);
    if (error === undefined) continue;
    refused.push(name);
    why ||= error.message;
  }
  const listing = await listFailure(cache, key);
  return [
    refused.length === 0
      ? ok('permissions', `each of ${Object.keys(steps).length} steps was taken on a probe`)
      : wrong(
          'permissions',
          `refused: ${refused.join(', ')} (${why})`,
          'Give the user what docs/deploy.md lists: its access string has the commands and keys of all steps.',
        ),
    ...(listing === undefined
      ? []
      : [warning('SCAN', listing.message, 'verify, purge and stats need it: run them as a user that may.')]),
  ];
}

async function failureOf(step: () => Promise<Settled<unknown>[]>): Promise<Error | undefined> {
  try {
    confirmed(await step());
    return undefined;
  } catch (thrown) {
    return thrown as Error;
  }
}

async function listFailure({ list }: Operated, key: string): Promise<Error | undefined> {
  try {
    for await (const _ of list?.(key) ?? []) break;
    return undefined;
  } catch (thrown) {
    return thrown as Error;
  }
}

async function clock(cache: Operated, key: string): Promise<Finding> {
  if (cache.info === undefined)
    return unknown('clock', 'this cache has none that it tells: that of each process counts');
  const before = Date.now();
  const [look] = (await cache.look([key])) as [Settled<Look>];
  const after = Date.now();
  if (look instanceof CacheError) return unknown('clock', look.message);
  const apart = Math.round(look.now - (before + after) / 2);
  const found = `${Math.abs(apart)} ms ${apart < 0 ? 'behind' : 'ahead of'} this machine's`;
  const remedy =
    'Set the clock of the cache server, and of this machine, by NTP: the rules allow two seconds between it and that of DynamoDB.';
  if (Math.abs(apart) >= SLACK_MS) return wrong('clock', found, remedy);
  return Math.abs(apart) >= SLACK_MS / 2 ? warning('clock', found, remedy) : ok('clock', found);
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}
