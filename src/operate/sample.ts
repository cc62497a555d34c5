import type { Lane } from './lanes.js';

/** What one portion of a sample holds. */
const AT_ONCE = 1_000;

/**
 * So many of what all lanes have, drawn by lot: each as likely as any other (reservoir sampling, Vitter's algorithm R). All of it is gone
 * through before the first is given. It cannot be gone on with.
 */
export function sampled<T>(lanes: readonly Lane<readonly T[]>[], size: number): Lane<readonly T[]> {
  return {
    name: `a sample of ${size}`,
    async *portions() {
      const drawn = await draw(lanes, size);
      for (let at = 0; at < drawn.length; at += AT_ONCE) {
        yield { portion: drawn.slice(at, at + AT_ONCE), place: String(at + AT_ONCE) };
      }
    },
  };
}

async function draw<T>(lanes: readonly Lane<readonly T[]>[], size: number): Promise<T[]> {
  const drawn: T[] = [];
  let seen = 0;
  for (const { portions } of lanes) {
    for await (const { portion } of portions()) {
      for (const each of portion) {
        seen += 1;
        if (drawn.length < size) drawn.push(each);
        else {
          const at = Math.floor(Math.random() * seen);
          if (at < size) drawn[at] = each;
        }
      }
    }
  }
  return drawn;
}

/** The same in an order drawn by lot (Fisher and Yates). */
export function shuffled<T>(all: readonly T[]): T[] {
  const order = [...all];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const at = Math.floor(Math.random() * (last + 1));
    [order[last], order[at]] = [order[at] as T, order[last] as T];
  }
  return order;
}
