import { expect, test } from 'vitest';
import { mapDriver } from '../../src/operate/map-driver.js';
import type { Driver } from '../../src/store/cas/driver.js';
import { casStore } from '../../src/store/cas/store.js';
import type { Lease } from '../../src/store/store.js';
import { RULES } from '../contract/store-contract.js';

const START = Date.UTC(2026, 0, 1);

test('a move that arrives late does not let its tag settle earlier than one that was faster', async () => {
  const clock = { now: START };
  const cache = mapDriver(() => clock.now);
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const slow = newStore(
    { ...cache, replace: (entries) => arrived.then(() => cache.replace(entries)) },
    clock,
  );
  const other = newStore(cache, clock);

  const late = slow.move(['tag'], RULES);
  clock.now += 6_000;
  await other.move(['tag'], RULES);
  const [before] = await other.generations(['tag']);
  arrive();
  expect(await late).toEqual(['moved']);
  clock.now = START + 6_000 + RULES.settleMs - 1;
  expect(await other.generations(['tag'])).toEqual([before]);
  expect(await other.begin(['tag'], RULES)).toMatchObject([{ generation: before, strong: true }]);
});

test('a tag that is moved by a process whose clock is behind does not settle earlier than it was to', async () => {
  const cache = mapDriver(() => START);
  const ahead = newStore(cache, { now: START });
  await ahead.move(['tag'], RULES);
  await newStore(cache, { now: START - 3_000 }).move(['tag'], RULES);
  const reader = newStore(cache, { now: START + RULES.settleMs - 1 });
  expect(await reader.begin(['tag'], RULES)).toMatchObject([{ strong: true }]);
});

test('a hundred processes that move a tag at once are all done, and what was read before is refused', async () => {
  const clock = { now: START };
  const cache = mapDriver(() => clock.now);
  const stores = Array.from({ length: 100 }, (_, n) => newStore(cache, { now: START - n }));
  const [lease] = (await newStore(cache, clock).begin(['tag'], RULES)) as Lease[];
  const outcomes = await Promise.all(stores.map((store) => store.move(['tag'], RULES)));
  expect(outcomes.flat().every((outcome) => outcome === 'moved')).toBe(true);
  const [generation] = await newStore(cache, clock).generations(['tag']);
  expect(generation).not.toBe(lease?.generation);
});

function newStore(driver: Driver, clock: { now: number }) {
  return casStore(driver, { now: () => clock.now, clocksApartMs: 0 });
}
