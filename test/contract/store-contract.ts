import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Rules } from '../../src/coherence.js';
import type { ApplyOutcome, CacheStore, Fill, Lease, Settled, StoreChange } from '../../src/store/store.js';

export const RULES: Rules = { lateAfterMs: 60_000, guardMs: 300_000, settleMs: 5_000 };

/** A change as news: made now, unless it says otherwise. Versions are plain numbers, padded to compare as text. */
export function change(key: string, version: number, more: Partial<StoreChange> = {}): StoreChange {
  return {
    key,
    version: String(version).padStart(8, '0'),
    at: Date.now(),
    action: 'set',
    value: `"v${version}"`,
    ttlMs: 600_000,
    ...more,
  };
}

/** What every store promises; `coherence.ts` says why. Called once per store, each with keys of its own. */
export function testStore(name: string, open: () => CacheStore | Promise<CacheStore>): void {
  describe(`the store contract on ${name}`, () => {
    let store: CacheStore;
    let key: string;

    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store.close());

    function freshKey(): string {
      key = `contract:id=${randomUUID()}`;
      return key;
    }
    const apply = async (...changes: StoreChange[]) => store.apply(changes, RULES);
    const value = async (of = key) => (await store.get([of]))[0];
    const begin = async (of = key) => {
      const [begun] = await store.begin([of], RULES);
      if (begun === undefined || begun instanceof Error || !('generation' in begun))
        throw new Error('no lease');
      return begun;
    };
    const fill = async (lease: Lease, text = '"filled"', more: Partial<Fill> = {}) =>
      (await store.fill([{ key, lease, strong: true, value: text, ttlMs: 600_000, ...more }], RULES))[0];

    describe('apply', () => {
      test('writes a change of an unknown key and serves it', async () => {
        expect(await apply(change(freshKey(), 1))).toEqual(['written']);
        expect(await value()).toBe('"v1"');
      });

      test('lets a newer version replace an older one', async () => {
        await apply(change(freshKey(), 1), change(key, 2));
        expect(await value()).toBe('"v2"');
      });

      test('H1: leaves a newer image alone when an older record is replayed', async () => {
        await apply(change(freshKey(), 2));
        expect(await apply(change(key, 1), change(key, 2))).toEqual(['stale', 'stale']);
        expect(await value()).toBe('"v2"');
      });

      test('H2: does not bring a removed item back when its older record is replayed', async () => {
        await apply(change(freshKey(), 1), change(key, 2, { action: 'delete', value: '' }));
        expect(await apply(change(key, 1))).toEqual(['stale']);
        expect(await value()).toBeUndefined();
      });

      test('trusts neither order when version and time disagree', async () => {
        const at = Date.now() - 20_000;
        await apply(change(freshKey(), 2, { at }));
        expect(await apply(change(key, 1, { at: at + 10_000 }))).toEqual(['disordered']);
        expect(await value()).toBeUndefined();
        expect(await apply(change(key, 1, { at: at + 2_000 }))).toEqual(['stale']);
      });

      test('H6: does not write an image that is older than lateAfter, but deletes what is there', async () => {
        await apply(change(freshKey(), 1));
        expect(await apply(change(key, 2, { at: Date.now() - 61_000 }))).toEqual(['late']);
        expect(await value()).toBeUndefined();
      });

      test('takes a record without a time for a late one', async () => {
        expect(await apply(change(freshKey(), 1, { at: 0 }))).toEqual(['late']);
      });

      test('H5: keeps what a reader stored when the record it already saw arrives', async () => {
        await fill({ ...(await begin(freshKey())), begunAt: Date.now() }, '"newest"');
        expect(await apply(change(key, 1, { at: Date.now() - 30_000 }))).toEqual(['included']);
        expect(await value()).toBe('"newest"');
        expect(await apply(change(key, 1, { at: Date.now() - 30_000 }))).toEqual(['stale']);
      });

      test('H5: voids when a record may be older or newer than what a reader stored', async () => {
        await fill(await begin(freshKey()), '"newest"');
        expect(await apply(change(key, 1))).toEqual(['overlapping']);
        expect(await value()).toBeUndefined();
      });

      test.each(['set', 'refresh'] as const)(
        'H5: keeps what a reader stored when a record that may be older or newer says the same, on %s',
        async (action) => {
          await fill(await begin(freshKey()), '"v2"');
          expect(await apply(change(key, 2, { action }))).toEqual(['same']);
          expect(await value()).toBe('"v2"');
          expect(await apply(change(key, 1, { action }))).toEqual(['stale']);
          expect(await apply(change(key, 3, { action }))).toEqual(['overlapping']);
          expect(await value()).toBeUndefined();
        },
      );

      test('takes nothing for the same when the item is to be deleted, or nothing is stored', async () => {
        await fill(await begin(freshKey()), '');
        expect(await apply(change(key, 1, { action: 'delete', value: '' }))).toEqual(['overlapping']);
        expect(await value()).toBeUndefined();
        expect(await apply(change(key, 2, { value: '' }))).toEqual(['overlapping']);
        expect(await value()).toBeUndefined();
      });

      test('what the same record has confirmed has to settle: a replica may lag behind it', async () => {
        const entry = { key: freshKey(), lease: await begin(), strong: true, value: '"v1"', ttlMs: 600_000 };
        expect(await store.fill([entry], { ...RULES, settleMs: 0 })).toEqual(['filled']);
        expect(await apply(change(key, 1))).toEqual(['same']);
        await store.delete([key]);
        expect((await begin()).strong).toBe(true);
      });

      test('writes again once the stream is ahead of what a reader stored', async () => {
        await fill(await begin(freshKey()), '"old"');
        expect(await apply(change(key, 1, { at: Date.now() + 4_000 }))).toEqual(['written']);
        expect(await value()).toBe('"v1"');
      });

      test('refreshes only what is stored', async () => {
        expect(await apply(change(freshKey(), 1, { action: 'refresh' }))).toEqual(['unchanged']);
        expect(await value()).toBeUndefined();
        await apply(change(key, 2));
        expect(await apply(change(key, 3, { action: 'refresh' }))).toEqual(['written']);
        expect(await value()).toBe('"v3"');
      });

      test('deletes on a delete, stored or not', async () => {
        await apply(change(freshKey(), 1));
        expect(await apply(change(key, 2, { action: 'delete' }))).toEqual(['deleted']);
        expect(await value()).toBeUndefined();
        expect(await apply(change(key, 3, { action: 'delete' }))).toEqual(['deleted']);
      });

      test('never stores an item whose own time is over', async () => {
        expect(await apply(change(freshKey(), 1, { expiresAt: Date.now() - 1_000 }))).toEqual(['deleted']);
        expect(await value()).toBeUndefined();
        expect(await apply(change(key, 2, { expiresAt: Date.now() + 60_000 }))).toEqual(['written']);
      });

      test('answers many changes in the order asked, each key at its last', async () => {
        const prefix = freshKey();
        const changes = Array.from({ length: 1_000 }, (_, n) => change(`${prefix}-${n % 500}`, n));
        const outcomes: Settled<ApplyOutcome>[] = await apply(...changes);
        expect(outcomes).toEqual(changes.map(() => 'written'));
        const keys = Array.from({ length: 500 }, (_, n) => `${prefix}-${n}`);
        expect(await store.get(keys)).toEqual(keys.map((_, n) => `"v${n + 500}"`));
      });

      test('does nothing for no changes', async () => {
        expect(await apply()).toEqual([]);
      });

      test('keeps texts as they are: line breaks, quotes, characters beyond the BMP, a megabyte', async () => {
        for (const text of ['"a\\n\\"b"', '"naïve 🦆 漢字"', `"${'x'.repeat(1_000_000)}"`, '']) {
          await apply(change(freshKey(), 1, { value: text }));
          expect(await value()).toBe(text);
        }
      });
    });

    describe('begin and fill', () => {
      test('let a reader store what it read', async () => {
        expect(await fill(await begin(freshKey()))).toBe('filled');
        expect(await value()).toBe('"filled"');
      });

      test('give the value when there is one after all', async () => {
        await apply(change(freshKey(), 1));
        expect(await store.begin([key], RULES)).toEqual([{ value: '"v1"' }]);
      });

      test('H3: refuse what was read before a change was applied', async () => {
        const lease = await begin(freshKey());
        await apply(change(key, 1, { action: 'delete' }));
        expect(await fill(lease)).toBe('moved');
        expect(await value()).toBeUndefined();
      });

      test('H3: refuse what was read before a refresh that found nothing to refresh', async () => {
        const lease = await begin(freshKey());
        expect(await apply(change(key, 1, { action: 'refresh' }))).toEqual(['unchanged']);
        expect(await fill(lease)).toBe('moved');
      });

      test('refuse what was read before a late or disordered record voided the entry', async () => {
        const lease = await begin(freshKey());
        await apply(change(key, 1, { at: 0 }));
        expect(await fill(lease)).toBe('moved');
      });

      test('H4: ask for a strong read just after a change, and not in quiet times', async () => {
        expect((await begin(freshKey())).strong).toBe(false);
        await apply(change(key, 1, { action: 'delete' }));
        expect((await begin()).strong).toBe(true);
      });

      test('refuse the second of two readers', async () => {
        const [first, second] = [await begin(freshKey()), await begin()];
        expect(await fill(first, '"first"')).toBe('filled');
        expect(await fill(second, '"second"')).toBe('occupied');
        expect(await value()).toBe('"first"');
      });

      test('refuse a slower reader even when what the faster one stored has gone', async () => {
        const [slow, fast] = [await begin(freshKey()), await begin()];
        await fill(fast, '"newer"');
        await store.delete([key]);
        expect(await fill(slow, '"older"')).toBe('moved');
        expect(await value()).toBeUndefined();
      });

      test('ask for a strong read when what was just stored has gone: a replica may lag behind it', async () => {
        await fill(await begin(freshKey()), '"newer"');
        await store.delete([key]);
        expect((await begin()).strong).toBe(true);
      });

      test('refuse a lease that nobody gave', async () => {
        freshKey();
        expect(await fill({ generation: '1', begunAt: Date.now(), strong: false })).toBe('moved');
      });

      test('refuse an item whose own time is over', async () => {
        expect(await fill(await begin(freshKey()), '"x"', { expiresAt: Date.now() - 1 })).toBe('expired');
        expect(await value()).toBeUndefined();
      });

      test('count an eventually consistent read as settleSeconds old', async () => {
        const seenAt = Date.now() - 4_500;
        await fill(await begin(freshKey()), '"strong"', { strong: true });
        expect(await apply(change(key, 1, { at: seenAt }))).toEqual(['included']);
        await fill(await begin(freshKey()), '"eventual"', { strong: false });
        expect(await apply(change(key, 1, { at: seenAt }))).toEqual(['overlapping']);
      });
    });

    describe('begin with leaseMs', () => {
      const WAITING: Rules = { ...RULES, leaseMs: 10_000 };
      const first = async (rules = WAITING) => (await store.begin([key], rules))[0] as Lease;

      test('tells who comes while a lease is held for how long to wait, and when the read must be strong', async () => {
        await store.void([freshKey()], RULES);
        const holder = await first();
        expect(holder).not.toHaveProperty('heldMs');
        const waiting = await first();
        expect(waiting).toMatchObject({ generation: holder.generation, strong: true });
        expect(waiting.heldMs).toBeGreaterThan(0);
        expect(waiting.heldMs).toBeLessThanOrEqual(10_000);
      });

      test('gives the lease of one item only, and says so in its place', async () => {
        const prefix = freshKey();
        await store.begin([`${prefix}-b`], WAITING);
        const begun = (await store.begin([`${prefix}-a`, `${prefix}-b`, `${prefix}-c`], WAITING)) as Lease[];
        expect(begun.map((lease) => 'heldMs' in lease)).toEqual([false, true, false]);
      });

      test('gives the lease again when it is over', async () => {
        freshKey();
        const brief = { ...RULES, leaseMs: 1 };
        const holder = await first(brief);
        for (let now = holder.begunAt; now <= holder.begunAt; ) now = (await first(RULES)).begunAt;
        expect(await first(brief)).not.toHaveProperty('heldMs');
      });

      test('is told nothing of a lease by who does not wait, and does not wait for that', async () => {
        freshKey();
        await first(RULES);
        expect(await first()).not.toHaveProperty('heldMs');
        expect(await first(RULES)).not.toHaveProperty('heldMs');
      });

      test('lets the holder fill, and who did not wait too: the first of them', async () => {
        freshKey();
        const [holder, waiting] = [await first(), await first()];
        expect(await fill(waiting, '"by who did not wait"')).toBe('filled');
        expect(await fill(holder)).toBe('occupied');
        expect(await store.begin([key], WAITING)).toEqual([{ value: '"by who did not wait"' }]);
      });

      test('gives the lease at once after a fill, change, void or move: nobody waits for what is refused', async () => {
        const ends: (() => Promise<unknown>)[] = [
          async () => fill(await begin()),
          () => apply(change(key, 1, { action: 'delete' })),
          () => apply(change(key, 1, { at: 0 })),
          () => store.void([key], RULES),
          () => store.move([key], RULES),
        ];
        for (const end of ends) {
          freshKey();
          await first();
          await end();
          await store.delete([key]);
          expect(await first()).not.toHaveProperty('heldMs');
        }
      });

      test('gives the lease at once when its holder gave it back, and to one', async () => {
        freshKey();
        const [holder] = [await first(), await first()];
        expect(await store.release([{ key, lease: holder, toAll: false }], WAITING)).toEqual(['released']);
        expect(await first()).not.toHaveProperty('heldMs');
        expect(await first()).toHaveProperty('heldMs');
      });

      test('lets nobody wait until something changes when a holder could not store what it read', async () => {
        freshKey();
        expect(await store.release([{ key, lease: await first(), toAll: true }], WAITING)).toEqual([
          'released',
        ]);
        for (const _ of [1, 2]) expect(await first()).not.toHaveProperty('heldMs');
        await apply(change(key, 1, { action: 'delete' }));
        await first();
        expect(await first()).toHaveProperty('heldMs');
      });

      test('takes no lease back from one that does not hold it', async () => {
        freshKey();
        const holder = await first();
        const others = [
          { ...holder, begunAt: holder.begunAt - 1 },
          { ...holder, generation: '1' },
        ];
        for (const lease of others)
          expect(await store.release([{ key, lease, toAll: true }], WAITING)).toEqual(['released']);
        expect(await first()).toHaveProperty('heldMs');
        expect(await store.release([{ key: `${key}-other`, lease: holder, toAll: true }], WAITING)).toEqual([
          'released',
        ]);
        expect(await store.generations([`${key}-other`])).toEqual([undefined]);
      });
    });

    describe('void', () => {
      test('H7: deletes the entry and refuses fills under way', async () => {
        const lease = await begin(freshKey());
        expect(await fill(lease)).toBe('filled');
        const second = await begin(freshKey());
        expect(await store.void([key], RULES)).toEqual(['voided']);
        expect(await fill(second)).toBe('moved');
        expect((await begin()).strong).toBe(true);
      });

      test('keeps the version, so that replays stay stale', async () => {
        await apply(change(freshKey(), 2));
        await store.void([key], RULES);
        expect(await value()).toBeUndefined();
        expect(await apply(change(key, 1))).toEqual(['stale']);
      });

      test('voids again when the record of that write arrives, and fills from then on', async () => {
        await store.void([freshKey()], RULES);
        expect(await fill(await begin(), '"own write"')).toBe('filled');
        expect(await apply(change(key, 1))).toEqual(['overlapping']);
        expect(await fill(await begin(), '"own write"')).toBe('filled');
      });
    });

    describe('claim', () => {
      const claim = async (rules = RULES) => (await store.claim([key], rules))[0] as Lease;

      test('deletes the entry, refuses fills under way, and lets what is written then be stored', async () => {
        await apply(change(freshKey(), 1));
        const mine = await claim();
        expect(mine.strong).toBe(true);
        expect(await value()).toBeUndefined();
        const reading = await begin();
        expect(await fill(mine, '"written"')).toBe('filled');
        expect(await fill(reading, '"read"')).toBe('occupied');
        expect(await value()).toBe('"written"');
      });

      test('gives each a lease of its own: what somebody else claimed or voided since is not stored', async () => {
        freshKey();
        const mine = await claim();
        const other = await claim();
        expect(await fill(mine)).toBe('moved');
        await store.void([key], RULES);
        expect(await fill(other)).toBe('moved');
      });

      test('keeps the version, and settles, like a void', async () => {
        await apply(change(freshKey(), 2));
        await claim();
        expect(await apply(change(key, 1))).toEqual(['stale']);
        expect((await begin()).strong).toBe(true);
      });

      test('is of its own moment: a change of before is included in what is stored, one of about then is not', async () => {
        freshKey();
        expect(await fill(await claim(), '"written"')).toBe('filled');
        expect(await apply(change(key, 1, { at: Date.now() - 30_000 }))).toEqual(['included']);
        expect(await apply(change(key, 2, { value: '"written"' }))).toEqual(['same']);
        expect(await apply(change(key, 3))).toEqual(['overlapping']);
      });

      test('keeps readers waiting for leaseMs, and with leaseMs 0 nobody', async () => {
        const waiting: Rules = { ...RULES, leaseMs: 10_000 };
        freshKey();
        await claim(waiting);
        expect((await store.begin([key], waiting))[0]).toHaveProperty('heldMs');
        await store.void([key], waiting);
        expect((await store.begin([key], waiting))[0]).not.toHaveProperty('heldMs');
        freshKey();
        await claim();
        expect((await store.begin([key], waiting))[0]).not.toHaveProperty('heldMs');
      });

      test('that is given back lets the next reader go at once', async () => {
        const waiting: Rules = { ...RULES, leaseMs: 10_000 };
        freshKey();
        const lease = await claim(waiting);
        await store.release([{ key, lease, toAll: false }], waiting);
        expect((await store.begin([key], waiting))[0]).not.toHaveProperty('heldMs');
      });
    });

    describe('move and delete', () => {
      test('a moved tag has a new generation and has to settle', async () => {
        const before = await begin(freshKey());
        expect(await store.move([key], RULES)).toEqual(['moved']);
        const after = await begin();
        expect(after.generation).not.toBe(before.generation);
        expect(after.strong).toBe(true);
      });

      test('the generation of a tag is known from its first reader on, and new after a move', async () => {
        expect(await store.generations([freshKey()])).toEqual([undefined]);
        const { generation } = await begin();
        expect(await store.generations([key, `${key}-other`])).toEqual([generation, undefined]);
        await store.move([key], RULES);
        const [moved] = await store.generations([key]);
        expect(moved).toEqual(expect.any(String));
        expect(moved).not.toBe(generation);
      });

      test('put stores results as they are, over those of other generations', async () => {
        const [one, two] = [freshKey(), freshKey()];
        const results = [one, two].map((of, n) => ({ key: of, value: `g1\nresult ${n}`, ttlMs: 600_000 }));
        expect(await store.put(results)).toEqual(['stored', 'stored']);
        expect(await store.put([{ key: one, value: 'g11\nagain', ttlMs: 600_000 }])).toEqual(['stored']);
        expect(await store.get([one, two])).toEqual(['g11\nagain', 'g1\nresult 1']);
      });

      test('put leaves a result of the same generations alone: it may be newer', async () => {
        const put = (text: string) => store.put([{ key, value: `g1 g2\n${text}`, ttlMs: 600_000 }]);
        freshKey();
        expect(await put('faster')).toEqual(['stored']);
        expect(await put('slower')).toEqual(['occupied']);
        expect(await value()).toBe('g1 g2\nfaster');
      });

      test('delete removes keys and leaves others', async () => {
        const [one, two] = [freshKey(), freshKey()];
        await apply(change(one, 1), change(two, 1));
        expect(await store.delete([one])).toEqual(['deleted']);
        expect(await store.get([one, two])).toEqual([undefined, '"v1"']);
      });
    });
  });
}
