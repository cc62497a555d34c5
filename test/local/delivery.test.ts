import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InvocationRecord } from '../../src/local/index.js';
import { sequenceNumber, streamRecord } from '../support/scripted-stream.js';
import { createRig, fail, failing, type Rig } from './rig.js';

let folder: string;
let destination: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'delivery-'));
});
afterAll(() => rm(folder, { recursive: true }));

const toFile = () => {
  files += 1;
  destination = join(folder, `${files}.jsonl`);
  return { destinationConfig: { onFailure: { destination } } };
};
const discarded = async (): Promise<InvocationRecord[]> =>
  (await readFile(destination, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const write = (rig: Rig, ...ids: string[]) => {
  rig.stream.write('a', ...ids.map((id, index) => streamRecord(id, index + 1, rig.clock.now())));
};
const runThrough = async (rig: Rig) => {
  await rig.start();
  await rig.drained();
  await rig.stop();
};
const pausesBetween = (rig: Rig, times: number[]) =>
  times.map((at, index) => at - (times[index - 1] ?? rig.clock.now())).slice(1);

describe('batches', () => {
  test('hold up to batchSize records in the order of the shard', async () => {
    const rig = createRig({ batchSize: 2 });
    write(rig, 'x', 'y', 'x', 'x', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1 y2', 'x3 x4', 'z5']);
  });

  test('are delivered one after the other', async () => {
    let running = 0;
    let most = 0;
    const rig = createRig({ batchSize: 1 }, async () => {
      running += 1;
      most = Math.max(most, running);
      await rig.clock.sleep(100, new AbortController().signal);
      running -= 1;
    });
    write(rig, 'x', 'y', 'z');
    await runThrough(rig);
    expect(most).toBe(1);
  });

  test('are delivered at once without a batching window', async () => {
    const rig = createRig({ batchSize: 100 });
    await rig.start();
    const before = rig.clock.now();
    write(rig, 'x');
    await rig.drained();
    expect(rig.delivered).toEqual(['x1']);
    expect(rig.clock.now()).toBe(before);
    await rig.stop();
  });

  test('wait until the batching window is over', async () => {
    const rig = createRig({ maximumBatchingWindowInSeconds: 5 });
    await rig.start();
    write(rig, 'x', 'y');
    await rig.clock.pass(4_999);
    expect(rig.delivered).toEqual([]);
    await rig.clock.pass(2);
    expect(rig.delivered).toEqual(['x1 y2']);
    rig.stream.write('a', streamRecord('z', 3));
    await rig.drained();
    expect(rig.delivered).toEqual(['x1 y2', 'z3']);
    await rig.stop();
  });

  test('do not wait for the batching window when they are full', async () => {
    const rig = createRig({ maximumBatchingWindowInSeconds: 300, batchSize: 2 });
    write(rig, 'x', 'y', 'z');
    await rig.start();
    await rig.clock.pass(1_000);
    expect(rig.delivered).toEqual(['x1 y2']);
    await rig.stop();
  });

  test('begin their window when the previous invocation has ended', async () => {
    const times: number[] = [];
    const rig = createRig({ maximumBatchingWindowInSeconds: 5, batchSize: 2 }, async () => {
      times.push(rig.clock.now());
      await rig.clock.sleep(2_000, new AbortController().signal);
    });
    write(rig, 'x', 'y', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1 y2', 'z3']);
    expect(pausesBetween(rig, times)).toEqual([2_000 + 5_000]);
  });
});

describe('a function that reports failures', () => {
  test('gets everything from the lowest reported record on again, successes too', async () => {
    const rig = createRig({}, (_, times) => times === 1 && failing(4, 2));
    write(rig, 'v', 'w', 'x', 'y', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['v1 w2 x3 y4 z5', 'w2 x3 y4 z5', 'w2 x3 y4 z5']);
  });

  test('gets what is newer only after that', async () => {
    const rig = createRig({ batchSize: 2 }, (names, times) => names.length > 1 && times === 1 && failing(2));
    write(rig, 'x', 'y', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1 y2', 'y2', 'z3']);
  });

  test('gets the whole batch again for an identifier that is empty or unknown', async () => {
    const response = (itemIdentifier: string) => ({ batchItemFailures: [{ itemIdentifier }] });
    const rig = createRig({}, (_, times) => [response(''), response('unknown')][times - 1]);
    write(rig, 'x', 'y');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1 y2', 'x1 y2', 'x1 y2']);
  });

  test('is not heard without ReportBatchItemFailures, but an error is', async () => {
    const rig = createRig({ functionResponseTypes: [] }, (_, times) => (times === 1 ? fail() : failing(1)));
    write(rig, 'x');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1', 'x1']);
  });

  test('has as many retries again once it has made progress', async () => {
    const rig = createRig(
      { maximumRetryAttempts: 3, ...toFile() },
      (names) => names.at(-1) === 'z3' && failing(3),
    );
    write(rig, 'x', 'y', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1 y2 z3', 'z3', 'z3', 'z3', 'z3']);
    expect(await discarded()).toMatchObject([
      {
        requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 4 },
        responseContext: { functionError: null },
        DDBStreamBatchInfo: { startSequenceNumber: sequenceNumber(3), batchSize: 1 },
      },
    ]);
  });
});

describe('a function that fails', () => {
  test('gets the batch again until it succeeds, after pauses that double up to a minute', async () => {
    const times: number[] = [];
    const rig = createRig({}, (_, count) => {
      times.push(rig.clock.now());
      if (count < 13) fail();
    });
    write(rig, 'x', 'y');
    await runThrough(rig);
    expect(rig.delivered).toEqual(Array.from({ length: 13 }, () => 'x1 y2'));
    expect(pausesBetween(rig, times)).toEqual([
      ...[100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200],
      ...[60_000, 60_000],
    ]);
  });

  test('loses the batch to the destination after the maximum of retries, and the shard moves on', async () => {
    const rig = createRig({ batchSize: 2, maximumRetryAttempts: 2, ...toFile() }, (names) => {
      if (names.includes('y2')) fail();
    });
    write(rig, 'x', 'y', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1 y2', 'x1 y2', 'x1 y2', 'z3']);
    expect(await discarded()).toMatchObject([
      {
        requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 3 },
        responseContext: { functionError: 'Unhandled' },
        DDBStreamBatchInfo: {
          shardId: 'a',
          startSequenceNumber: sequenceNumber(1),
          endSequenceNumber: sequenceNumber(2),
          batchSize: 2,
        },
      },
    ]);
  });

  test('names its last invocation in the destination', async () => {
    const rig = createRig({ maximumRetryAttempts: 1, ...toFile() }, fail);
    write(rig, 'x');
    await runThrough(rig);
    const last = rig.reports.filter(({ type }) => type === 'invoked').at(-1);
    expect((await discarded())[0]?.requestContext.requestId).toBe((last as { requestId?: string }).requestId);
  });

  test('fails when it takes longer than its timeout', async () => {
    const rig = createRig({ timeoutInSeconds: 7 }, (_, times) => times === 1 && new Promise(() => {}));
    write(rig, 'x');
    const before = rig.clock.now();
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1', 'x1']);
    expect(rig.clock.now() - before).toBe(7_000 + 100);
  });

  test('loses nothing but the batch when the destination cannot be written', async () => {
    const rig = createRig(
      { batchSize: 1, maximumRetryAttempts: 0, destinationConfig: { onFailure: { destination: folder } } },
      (names) => names.includes('x1') && fail(),
    );
    write(rig, 'x', 'y');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['x1', 'y2']);
    expect(rig.reports).toContainEqual(
      expect.objectContaining({ type: 'destination-failed', destination: folder }),
    );
  });
});

describe('bisecting', () => {
  const bisecting = { bisectBatchOnFunctionError: true, maximumRetryAttempts: 1 };

  test('isolates the record that fails, and only that one is given up', async () => {
    const rig = createRig({ ...bisecting, ...toFile() }, (names) => names.includes('y3') && fail());
    write(rig, 'w', 'x', 'y', 'z');
    await runThrough(rig);
    expect(rig.delivered).toEqual(['w1 x2 y3 z4', 'w1 x2', 'y3 z4', 'y3', 'y3', 'z4']);
    expect((await discarded()).map(({ DDBStreamBatchInfo: { batchSize } }) => batchSize)).toEqual([1]);
  });

  test('cuts at the reported record, so that nothing before it is delivered again', async () => {
    const rig = createRig({ ...bisecting, ...toFile() }, (names) => names.includes('y3') && failing(3));
    write(rig, 'w', 'x', 'y', 'z');
    await runThrough(rig);
    // With the failing record at its head, nothing of the rest was processed: it is cut in halves then.
    expect(rig.delivered).toEqual(['w1 x2 y3 z4', 'y3 z4', 'y3', 'y3', 'z4']);
  });

  test('does not pause, because what follows is a new batch', async () => {
    const rig = createRig(bisecting, (names) => names.length > 1 && fail());
    write(rig, 'w', 'x', 'y', 'z');
    const before = rig.clock.now();
    await runThrough(rig);
    expect(rig.clock.now()).toBe(before);
  });
});

describe('records older than the maximum age', () => {
  const oneMinute = { maximumRecordAgeInSeconds: 60 };
  const aged = (rig: Rig, id: string, number: number, seconds: number) =>
    streamRecord(id, number, rig.clock.now() - seconds * 1000);

  test('go to the destination without being delivered', async () => {
    const rig = createRig({ ...oneMinute, ...toFile() });
    rig.stream.write('a', aged(rig, 'x', 1, 90), aged(rig, 'y', 2, 61), aged(rig, 'z', 3, 30));
    await runThrough(rig);
    expect(rig.delivered).toEqual(['z3']);
    const [record] = await discarded();
    expect(record).toMatchObject({
      requestContext: { condition: 'RecordAgeExceeded', approximateInvokeCount: 0 },
      DDBStreamBatchInfo: { startSequenceNumber: sequenceNumber(1), endSequenceNumber: sequenceNumber(2) },
    });
    expect(record).not.toHaveProperty('responseContext');
  });

  test('have no response in the destination, also when others were delivered before', async () => {
    const rig = createRig({ ...oneMinute, ...toFile() });
    await rig.start();
    write(rig, 'x');
    await rig.drained();
    rig.stream.write('a', aged(rig, 'y', 2, 90));
    await rig.drained();
    await rig.stop();
    expect(rig.delivered).toEqual(['x1']);
    expect((await discarded())[0]).not.toHaveProperty('responseContext');
  });

  test('end the retries that have no other end, one by one', async () => {
    const rig = createRig({ ...oneMinute, ...toFile() }, fail);
    rig.stream.write('a', aged(rig, 'x', 1, 50), aged(rig, 'y', 2, 0));
    await runThrough(rig);
    expect(rig.delivered[0]).toBe('x1 y2');
    expect(rig.delivered.at(-1)).toBe('y2');
    expect(await discarded()).toMatchObject([
      {
        requestContext: { condition: 'RecordAgeExceeded' },
        responseContext: { functionError: 'Unhandled' },
        DDBStreamBatchInfo: { startSequenceNumber: sequenceNumber(1), batchSize: 1 },
      },
      {
        requestContext: { condition: 'RecordAgeExceeded' },
        DDBStreamBatchInfo: { startSequenceNumber: sequenceNumber(2), batchSize: 1 },
      },
    ]);
  });

  test('matter no more when the retries are used up before', async () => {
    const rig = createRig({ ...oneMinute, maximumRetryAttempts: 3, ...toFile() }, fail);
    write(rig, 'x');
    await runThrough(rig);
    expect(rig.delivered).toHaveLength(4);
    expect(await discarded()).toMatchObject([{ requestContext: { condition: 'RetryAttemptsExhausted' } }]);
  });

  test('end a batch whose retries are not used up', async () => {
    const rig = createRig({ ...oneMinute, maximumRetryAttempts: 10_000, ...toFile() }, fail);
    write(rig, 'x');
    await runThrough(rig);
    expect(rig.delivered.length).toBeLessThan(20);
    expect(await discarded()).toMatchObject([{ requestContext: { condition: 'RecordAgeExceeded' } }]);
  });
});

describe('with parallelizationFactor', () => {
  const items = Array.from({ length: 35 }, (_, index) => `item${index % 7}-`);

  test('so many batches of a shard are processed at a time, and each item keeps its order', async () => {
    const processed: string[] = [];
    let running = 0;
    let most = 0;
    const rig: Rig = createRig({ parallelizationFactor: 4, batchSize: 1 }, async ([name = '']) => {
      running += 1;
      most = Math.max(most, running);
      // Batches take different times, so that an order that is kept by chance does not last.
      await rig.clock.sleep(Number(name.split('-')[1]) % 2 ? 500 : 50, new AbortController().signal);
      running -= 1;
      processed.push(name);
    });
    write(rig, ...items);
    await runThrough(rig);
    expect(most).toBe(4);
    expect(processed).toHaveLength(35);
    for (let item = 0; item < 7; item += 1) {
      const numbers = processed
        .filter((name) => name.startsWith(`item${item}-`))
        .map((name) => Number(name.split('-')[1]));
      expect(numbers).toEqual([1, 8, 15, 22, 29].map((number) => number + item));
    }
  });

  test('an item that fails holds up its own lane only', async () => {
    const rig = createRig(
      { parallelizationFactor: 2, batchSize: 1 },
      (names) => names[0] === 'item0-1' && fail(),
    );
    write(rig, ...items);
    await rig.start();
    await rig.clock.pass(10_000);
    const ofItem = (item: number) => rig.delivered.filter((name) => name.startsWith(`item${item}-`)).length;
    expect(rig.delivered.filter((name) => name.startsWith('item0-') && name !== 'item0-1')).toEqual([]);
    expect([1, 2, 3, 4, 5, 6].map(ofItem)).toContain(5);
    await rig.stop();
  });
});
