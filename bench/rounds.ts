/** One of several ways to do the same, as a benchmark runs it. */
export interface Contender<T = number> {
  readonly name: string;
  /** Does the work and returns what it measured. */
  run(): Promise<T>;
}

/** What each contender measured, by its name, one value a round. */
export type Samples<T = number> = ReadonlyMap<string, readonly T[]>;

/**
 * Runs every contender in every round, one after the other and each round in another order, so that whatever else the
 * machine does meets all of them. The first rounds only warm up and do not count.
 */
export async function interleave<T>(
  contenders: readonly Contender<T>[],
  { rounds, warmUps }: { rounds: number; warmUps: number },
): Promise<Samples<T>> {
  const samples = new Map<string, T[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < warmUps + rounds; round += 1) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      globalThis.gc?.();
      const value = await contender.run();
      if (round >= warmUps) samples.get(contender.name)?.push(value);
    }
  }
  return samples;
}

/** The median of what a contender measured. */
export function typical(samples: Samples, name: string): number {
  return median(samplesOf(samples, name));
}

/** The median over the rounds of one contender's value by another's in the same round. */
export function ratio(samples: Samples, name: string, to: string): number {
  const others = samplesOf(samples, to);
  return median(samplesOf(samples, name).map((value, round) => value / (others[round] ?? Number.NaN)));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** One number of each measurement. */
export function each<T>(samples: Samples<T>, numberOf: (value: T) => number): Samples {
  return new Map([...samples].map(([name, values]) => [name, values.map(numberOf)]));
}

function samplesOf(samples: Samples, name: string): readonly number[] {
  const values = samples.get(name);
  if (values === undefined) throw new Error(`No contender is named ${name}.`);
  return values;
}
