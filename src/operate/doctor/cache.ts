import { randomUUID } from 'node:crypto';
import { type Rules, SLACK_MS } from '../../coherence.js';
import { CacheError } from '../../errors.js';
import { itemKey } from '../../key.js';
import type { Operated } from '../operated.js';
import { type Finding, findings } from './finding.js';
import { remedyOf } from './remedy.js';
import { checkSteps } from './steps.js';

const { ok, warning, wrong, unknown } = findings('cache');

/** Of so many round trips the middle one counts. */
const ROUND_TRIPS = 9;
/** A hit costs a round trip: from here on a read of DynamoDB is as fast. */
const SLOW_MS = 5;
/** From this share of its memory on a cache is about to evict. */
const ALMOST_FULL = 0.9;
const CLOCK_WARNING_MS = SLACK_MS / 4;
const SLOTS = 16_384;

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
      wrong(trip.answered ? 'answers' : 'reached', trip.message, remedyOf(trip.message)),
      ...(await clusterState(cache, url)),
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
    ...(await clusterState(cache, url)),
    ...(await checkSteps(about, key)),
    await clock(cache),
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
  return [version(servers), eviction(servers), memory(servers)];
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
  const oldest = versions.map(({ redis = '' }) => redis).sort((a, b) => numberOf(a) - numberOf(b))[0] ?? '';
  const found = `Redis ${oldest}`;
  if (numberOf(oldest) >= 6.02) return ok('version', found);
  const remedy = 'Tried with 6.2 and later: upgrade the server.';
  return numberOf(oldest) < 6 ? wrong('version', found, remedy) : warning('version', found, remedy);
}

/** @example numberOf('6.2.14') // 6.02 */
function numberOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major + minor / 100;
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
  const evicts = servers.every((fields) => fields.get('maxmemory_policy') !== 'noeviction');
  const found = `${(fullest * 100).toFixed()} % of maxmemory${servers.length > 1 ? ', on the fullest server' : ''}`;
  return fullest < ALMOST_FULL
    ? ok('memory', found)
    : warning(
        'memory',
        found,
        `It ${evicts ? 'evicts, or is about to' : 'is about to take nothing new'}: more memory, a shorter ttlSeconds, or less in the cache (docs/sizing.md).`,
      );
}

/** A key that works tells of its slot alone. */
async function clusterState(cache: Operated, url: string): Promise<Finding[]> {
  const fields = await cache.clusterInfo?.();
  if (fields === undefined) {
    return /[?&]cluster\b/.test(url) ? [unknown('cluster', 'none of its servers told its state')] : [];
  }
  const size = Number(fields.get('cluster_size'));
  if (!/[?&]cluster\b/.test(url)) {
    if (!(size > 1)) return [];
    const found = `the URL names one of ${size} servers, and keys of the others are refused`;
    return [wrong('cluster', found, 'End the URL in ?cluster, in the function and in all readers.')];
  }
  const state = fields.get('cluster_state') ?? 'unknown';
  const unserved = SLOTS - Number(fields.get('cluster_slots_ok') ?? SLOTS);
  if (state === 'ok' && unserved === 0) {
    return [ok('cluster', `${size} server${size === 1 ? '' : 's'} with slots, and all slots are served`)];
  }
  return [
    wrong(
      'cluster',
      `its state is ${state}, and ${unserved.toLocaleString('en')} of ${SLOTS.toLocaleString('en')} slots are served by nobody`,
      'CLUSTER NODES names the server that is gone. Bring it back, or let a replica take over.',
    ),
  ];
}

/** Of each server, since a key's time is that of its own. */
async function clock(cache: Operated): Promise<Finding> {
  if (cache.clocks === undefined)
    return unknown('clock', 'this cache has none that it tells: that of each process counts');
  let clocks: number[];
  try {
    clocks = await cache.clocks();
  } catch (thrown) {
    return unknown('clock', (thrown as Error).message);
  }
  const apart = clocks.reduce((worst, each) => (Math.abs(each) > Math.abs(worst) ? each : worst), 0);
  const found = `${Math.abs(apart)} ms ${apart < 0 ? 'behind' : 'ahead of'} this machine's`;
  const remedy =
    'Set the clock of the cache server, and of this machine, by NTP: the rules allow two seconds between it and that of DynamoDB.';
  if (Math.abs(apart) >= SLACK_MS) return wrong('clock', found, remedy);
  return Math.abs(apart) >= CLOCK_WARNING_MS ? warning('clock', found, remedy) : ok('clock', found);
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}
