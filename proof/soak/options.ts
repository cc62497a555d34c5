import { parseArgs } from 'node:util';

/** One Redis, a cluster of three masters and three replicas, or one memcached. */
export type Topology = 'standalone' | 'cluster' | 'memcached';

const TOPOLOGIES: readonly string[] = ['standalone', 'cluster', 'memcached'] satisfies Topology[];

export interface SoakOptions {
  readonly topology: Topology;
  readonly minutes: number;
  /** Seconds from the start of one fault to that of the next, if the first has been dealt with by then. */
  readonly faultEvery: number;
  readonly seed: number;
  /** Only faults whose names contain one of these words; none: all. */
  readonly only: readonly string[];
}

/** @throws Error when an option is unknown or its value is of no use */
export function readSoakOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      topology: { type: 'string', default: 'standalone' },
      minutes: { type: 'string', default: '10' },
      'fault-every': { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  const { topology } = values;
  if (!TOPOLOGIES.includes(topology))
    throw new Error(`--topology takes ${TOPOLOGIES.join(', ')}, not ${topology}.`);
  return {
    topology: topology as Topology,
    minutes: positive('minutes', values.minutes),
    faultEvery: positive('fault-every', values['fault-every']),
    seed: Number(values.seed) >>> 0,
    only: values.only,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new Error(`--${name} takes a number above 0, not ${text}.`);
}
