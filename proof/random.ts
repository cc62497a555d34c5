/** A seeded source of chance: the same seed always gives the same run. */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  between(least: number, most: number): number;
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  /** A waiting time for something that happens every `mean` on average, at any moment as likely as at any other. */
  wait(mean: number): number;
  shuffle<T>(items: readonly T[]): T[];
  /** Up to `count` different ones. */
  some<T>(items: readonly T[], count: number): T[];
  /** One of the names, by their weights. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
}

/** @param purpose separates sources of one seed: what one draws does not move the others */
export function newRandom(seed: number, purpose: string): Random {
  const next = sfc32(seed, purpose);
  const integer = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  function some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    return items.slice(0, count).map(() => left.splice(integer(0, left.length - 1), 1)[0] as T);
  }
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    integer,
    chance: (probability) => next() < probability,
    pick: (choices) => choices[integer(0, choices.length - 1)] as never,
    wait: (mean) => -mean * Math.log(1 - next()),
    shuffle: (items) => some(items, items.length),
    some,
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      return entries[0]?.[0] as keyof typeof weights;
    },
  };
}

/** Chris Doty-Humphrey's generator of the PractRand suite, of which 32 bits a number are enough here. */
function sfc32(seed: number, purpose: string): () => number {
  let [a, b, c, counter] = [seed | 0, (seed / 2 ** 32) | 0, hash(purpose), 1];
  const next = () => {
    const result = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return (result >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round += 1) next();
  return next;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ character.charCodeAt(0), 0x01000193);
  return value;
}
