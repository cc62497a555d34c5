import { describe, expect, test, vi } from 'vitest';
import { StreamError } from '../../src/local/index.js';
import {
  createScriptedStream,
  STREAM_ARN,
  sequenceNumber,
  streamRecord,
} from '../support/scripted-stream.js';
import { createRig, fail, failing, type Rig } from './rig.js';

const write = (rig: Rig, shardId: string, id: string, ...numbers: number[]) => {
  rig.stream.write(shardId, ...numbers.map((number) => streamRecord(id, number, rig.clock.now())));
};
const never = () => new AbortController().signal;
const typesOf = (rig: Rig) => rig.reports.map(({ type }) => type);

describe('shards', () => {
  test('are processed independently of each other', async () => {
    const stream = createScriptedStream('a', 'b');
    const rig = createRig({}, (names) => names[0] === 'x1' && fail(), stream);
    write(rig, 'a', 'x', 1);
    write(rig, 'b', 'y', 2);
    await rig.start();
    await rig.clock.pass(1_000);
    expect(rig.delivered).toContain('y2');
    await rig.stop();
  });

  test('begin when their parent has been processed, not when it has been read', async () => {
    const stream = createScriptedStream('parent');
    stream.addShard('child', 'parent');
    const rig = createRig({}, (names, times) => names[0] === 'x1' && times < 4 && fail(), stream);
    write(rig, 'parent', 'x', 1);
    write(rig, 'child', 'x', 2);
    stream.closeShard('parent');
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x1', 'x1', 'x1', 'x1', 'x2']);
    await rig.stop();
  });

  test('that replace a closed one are found at once', async () => {
    const rig = createRig();
    write(rig, 'a', 'x', 1);
    await rig.start();
    await rig.drained();
    const before = rig.clock.now();
    rig.stream.closeShard('a');
    rig.stream.addShard('b', 'a');
    rig.stream.addShard('c', 'a');
    write(rig, 'b', 'y', 2);
    write(rig, 'c', 'z', 3);
    await rig.clock.pass(300);
    expect(rig.delivered).toEqual(['x1', 'y2', 'z3']);
    expect(rig.clock.now() - before).toBe(300);
    await rig.stop();
  });

  test('without a parent are found within ten seconds', async () => {
    const rig = createRig();
    await rig.start();
    rig.stream.addShard('b');
    write(rig, 'b', 'y', 1);
    await rig.clock.pass(10_001);
    expect(rig.delivered).toEqual(['y1']);
    await rig.stop();
  });

  test('that are gone from the stream are over', async () => {
    const rig = createRig({}, () => {}, createScriptedStream('a', 'b'));
    await rig.start();
    rig.stream.removeShard('a');
    await rig.clock.pass(1_000);
    expect(rig.reports).toContainEqual({ type: 'shard-finished', shardId: 'a' });
    expect(typesOf(rig)).not.toContain('source-failed');
    await rig.stop();
  });

  test('that are only missing for a moment are not over', async () => {
    const rig = createRig();
    await rig.start();
    rig.stream.fail('read', 'ResourceNotFoundException');
    write(rig, 'a', 'x', 1);
    await rig.clock.pass(1_000);
    expect(rig.delivered).toEqual(['x1']);
    await rig.stop();
  });

  test('are polled four times a second', async () => {
    const rig = createRig();
    await rig.start();
    await rig.clock.pass(100);
    const before = rig.stream.calls.length;
    await rig.clock.pass(2_000);
    expect(rig.stream.calls.slice(before)).toEqual(Array.from({ length: 8 }, () => 'read a'));
    await rig.stop();
  });

  test('are not read ahead without end while the function is busy', async () => {
    const rig = createRig({ batchSize: 10, timeoutInSeconds: 900 }, () => rig.clock.sleep(60_000, never()));
    write(rig, 'a', 'x', ...Array.from({ length: 20_000 }, (_, index) => index + 1));
    await rig.start();
    await rig.clock.pass(30_000);
    expect(rig.stream.calls.filter((call) => call === 'read a')).toHaveLength(1);
    await rig.stop();
  });
});

describe('a record was made since there was last nothing more to read', () => {
  const since = (rig: Rig, number: number) => rig.stream.since.get(sequenceNumber(number));

  test('and not when it was read, which may be long after', async () => {
    const rig = createRig({ batchSize: 1, timeoutInSeconds: 900 }, ([name]) =>
      name === 'x1' ? rig.clock.sleep(8_000, never()) : undefined,
    );
    await rig.start();
    const start = rig.clock.now();
    await rig.clock.pass(1_100);
    write(rig, 'a', 'x', 1, 2);
    await rig.clock.pass(1_000);
    write(rig, 'a', 'x', 3);
    await rig.clock.pass(9_000);
    expect(rig.delivered).toEqual(['x1', 'x2', 'x3']);
    expect([1, 2, 3].map((number) => Number(since(rig, number)) - start)).toEqual([1_000, 1_000, 1_000]);
    await rig.stop();
  });

  test('of which nothing is known at first, nor when the stream is read again from its beginning', async () => {
    const rig = createRig();
    write(rig, 'a', 'x', 1);
    await rig.start();
    await rig.clock.pass(0);
    expect(since(rig, 1)).toBe(0);
    await rig.clock.pass(1_000);
    rig.stream.trim('a', 1);
    rig.stream.fail('read', 'TrimmedDataAccessException');
    write(rig, 'a', 'x', 2);
    await rig.clock.pass(1_000);
    expect(since(rig, 2)).toBe(0);
    await rig.stop();
  });

  test.each(['LATEST', 'TRIM_HORIZON'] as const)(
    'or since the start, from %s on',
    async (startingPosition) => {
      const rig = createRig({ startingPosition });
      const { iterator } = rig.stream.source;
      vi.spyOn(rig.stream.source, 'iterator').mockImplementation(async (...asked) => {
        await rig.clock.sleep(10, never()); // what is written the moment start has resolved comes before
        return iterator(...asked);
      });
      let start = 0;
      await rig.clock.run(
        rig.mapping.start().then(() => {
          start = rig.clock.now();
          write(rig, 'a', 'x', 1);
        }),
      );
      await rig.clock.pass(1_000);
      expect(since(rig, 1)).toBe(start);
      await rig.stop();
    },
  );
});

describe('the starting position', () => {
  test('TRIM_HORIZON begins with the oldest record', async () => {
    const stream = createScriptedStream('closed', 'open');
    const rig = createRig({ startingPosition: 'TRIM_HORIZON' }, () => {}, stream);
    write(rig, 'closed', 'x', 1);
    write(rig, 'open', 'y', 2);
    stream.closeShard('closed');
    await rig.start();
    await rig.drained();
    expect(rig.delivered.sort()).toEqual(['x1', 'y2']);
    await rig.stop();
  });

  test('LATEST begins with what is written once start has resolved', async () => {
    const stream = createScriptedStream('closed', 'open');
    const rig = createRig({ startingPosition: 'LATEST' }, () => {}, stream);
    write(rig, 'closed', 'x', 1);
    write(rig, 'open', 'y', 2);
    stream.closeShard('closed');
    await rig.start();
    write(rig, 'open', 'y', 3);
    await rig.drained();
    expect(rig.delivered).toEqual(['y3']);
    expect(stream.calls).not.toContain('read closed');
    await rig.stop();
  });

  test('LATEST misses nothing that is written the moment start has resolved', async () => {
    const rig = createRig({
      startingPosition: 'LATEST',
      onReport: ({ type }) => type === 'started' && write(rig, 'a', 'x', 1),
    });
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x1']);
    await rig.stop();
  });

  test('LATEST reads shards that appear later from their beginning', async () => {
    const rig = createRig({ startingPosition: 'LATEST' });
    await rig.start();
    rig.stream.closeShard('a');
    rig.stream.addShard('b', 'a');
    write(rig, 'b', 'y', 1);
    await rig.drained();
    expect(rig.delivered).toEqual(['y1']);
    expect(rig.stream.calls).toContain('iterator b TRIM_HORIZON');
    await rig.stop();
  });
});

describe('an iterator that has expired', () => {
  test('is renewed after the last record that was read', async () => {
    const rig = createRig();
    write(rig, 'a', 'x', 1, 2);
    await rig.start();
    await rig.drained();
    rig.stream.fail('read', 'ExpiredIteratorException');
    write(rig, 'a', 'x', 3);
    await rig.drained();
    expect(rig.delivered).toEqual(['x1 x2', 'x3']);
    expect(rig.stream.calls).toContain('iterator a AFTER_SEQUENCE_NUMBER 2');
    expect(rig.reports).toContainEqual({ type: 'iterator-renewed', shardId: 'a', reason: 'expired' });
    await rig.stop();
  });

  test.each(['ExpiredIteratorException', 'ThrottlingException', 'InternalServerError'])(
    'or failed otherwise misses nothing of LATEST, and brings nothing from long before it (%s)',
    async (name) => {
      const rig = createRig({ startingPosition: 'LATEST' });
      rig.stream.write('a', streamRecord('x', 1, rig.clock.now() - 120_000));
      await rig.start();
      rig.stream.fail('read', name);
      write(rig, 'a', 'x', 2);
      await rig.clock.pass(2_000);
      expect(rig.delivered).toEqual(['x2']);
      await rig.stop();
    },
  );

  test('again and again does not become a busy loop', async () => {
    const rig = createRig();
    rig.stream.fail('read', ...Array.from({ length: 5 }, () => 'ExpiredIteratorException'));
    write(rig, 'a', 'x', 1);
    const before = rig.clock.now();
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x1']);
    expect(rig.clock.now() - before).toBe(500 + 1_000 + 2_000 + 4_000);
    await rig.stop();
  });
});

test('records that were trimmed before they could be read are skipped, and that is said', async () => {
  const rig = createRig();
  write(rig, 'a', 'x', 1);
  await rig.start();
  await rig.drained();
  write(rig, 'a', 'x', 2, 3, 4);
  rig.stream.trim('a', 3);
  rig.stream.fail('read', 'TrimmedDataAccessException');
  await rig.drained();
  expect(rig.delivered).toEqual(['x1', 'x4']);
  expect(rig.reports).toContainEqual({ type: 'iterator-renewed', shardId: 'a', reason: 'trimmed' });
  await rig.stop();
});

describe('a stream that cannot be read', () => {
  test.each(['LimitExceededException', 'ThrottlingException', 'ProvisionedThroughputExceededException'])(
    'because it was asked too often is asked less often, without further ado (%s)',
    async (name) => {
      const rig = createRig();
      rig.stream.fail('read', name, name, name);
      write(rig, 'a', 'x', 1);
      const before = rig.clock.now();
      await rig.start();
      await rig.drained();
      expect(rig.delivered).toEqual(['x1']);
      expect(rig.clock.now() - before).toBe(250 + 500 + 1_000);
      expect(typesOf(rig)).not.toContain('source-failed');
      await rig.stop();
    },
  );

  test('for another reason is tried again, and drained says why', async () => {
    const rig = createRig();
    await rig.start();
    rig.stream.fail('read', 'AccessDeniedException', 'AccessDeniedException');
    write(rig, 'a', 'x', 1);
    const error = await rig.drained().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(StreamError);
    expect(error.message).toContain(STREAM_ARN);
    expect(error.cause.name).toBe('AccessDeniedException');
    await rig.clock.pass(2_000);
    expect(rig.delivered).toEqual(['x1']);
    expect(typesOf(rig).filter((type) => type === 'source-failed')).toHaveLength(2);
    await rig.stop();
  });

  test('is described again until that works', async () => {
    const rig = createRig();
    await rig.start();
    rig.stream.fail('describe', 'InternalServerError');
    rig.stream.addShard('b');
    write(rig, 'b', 'y', 1);
    await rig.clock.pass(11_002);
    expect(rig.delivered).toEqual(['y1']);
    await rig.stop();
  });

  test('cannot be started, and can be once it is there', async () => {
    const rig = createRig();
    rig.stream.fail('describe', 'ResourceNotFoundException');
    await expect(rig.start()).rejects.toThrow('scripted ResourceNotFoundException');
    expect(rig.stream.isClosed()).toBe(true);
    await rig.start();
    await rig.stop();
  });
});

describe('drained', () => {
  test('resolves when everything written before has been processed', async () => {
    const rig = createRig({ batchSize: 1 }, () => rig.clock.sleep(1_000, never()));
    await rig.start();
    write(rig, 'a', 'x', 1, 2, 3);
    await rig.drained();
    expect(rig.delivered).toEqual(['x1', 'x2', 'x3']);
    await rig.stop();
  });

  test('waits until the last invocation has ended', async () => {
    let hasEnded = false;
    const rig = createRig({}, async () => {
      await rig.clock.sleep(2_000, never());
      hasEnded = true;
    });
    await rig.start();
    write(rig, 'a', 'x', 1);
    await rig.drained();
    expect(hasEnded).toBe(true);
    await rig.stop();
  });

  test('waits for retries', async () => {
    const rig = createRig({}, (_, times) => times < 3 && failing(1));
    await rig.start();
    write(rig, 'a', 'x', 1);
    await rig.drained();
    expect(rig.delivered).toHaveLength(3);
    await rig.stop();
  });

  test('waits for shards that are new, and for their children', async () => {
    const processed: string[] = [];
    const stream = createScriptedStream('a');
    const describe = async () => {
      await rig.clock.sleep(100, never());
      return stream.source.describe();
    };
    const rig: Rig = createRig(
      { source: { ...stream.source, describe } },
      async (names) => {
        await rig.clock.sleep(1_000, never());
        processed.push(...names);
      },
      stream,
    );
    await rig.start();
    await rig.drained();
    rig.stream.addShard('b');
    rig.stream.addShard('c', 'b');
    write(rig, 'b', 'x', 1);
    write(rig, 'c', 'x', 2);
    rig.stream.closeShard('b');
    await rig.drained();
    expect(processed).toEqual(['x1', 'x2']);
    await rig.stop();
  });

  test('does not wait for what is written later', async () => {
    const rig = createRig({}, ([name]) => {
      return name === 'x1' ? rig.clock.sleep(1_000, never()) : new Promise(() => {});
    });
    await rig.start();
    write(rig, 'a', 'x', 1);
    const drained = rig.mapping.drained();
    await rig.clock.pass(300);
    write(rig, 'a', 'x', 2);
    await rig.clock.run(drained);
    expect(rig.delivered).toEqual(['x1', 'x2']);
    await rig.stop();
  });

  test('does not wait for the next poll', async () => {
    const rig = createRig();
    await rig.start();
    const before = rig.clock.now();
    for (const number of [1, 2, 3]) {
      write(rig, 'a', 'x', number);
      await rig.drained();
    }
    expect(rig.delivered).toEqual(['x1', 'x2', 'x3']);
    expect(rig.clock.now()).toBe(before);
    await rig.stop();
  });

  test('needs a mapping that was started', async () => {
    await expect(createRig().mapping.drained()).rejects.toThrow('call start() first');
  });

  test('ends with an error when the mapping is stopped', async () => {
    const rig = createRig({}, fail);
    await rig.start();
    write(rig, 'a', 'x', 1);
    const drained = expect(rig.mapping.drained()).rejects.toThrow('the mapping was stopped');
    await rig.stop();
    await drained;
  });
});

describe('stop', () => {
  test('lets the running invocation end, begins no other and leaves nothing behind', async () => {
    let ended = 0;
    const rig = createRig({ batchSize: 1 }, async () => {
      await rig.clock.sleep(2_000, never());
      ended += 1;
    });
    write(rig, 'a', 'x', 1, 2);
    await rig.start();
    await rig.clock.pass(100);
    await rig.stop();
    expect(ended).toBe(1);
    expect(rig.delivered).toEqual(['x1']);
    expect(rig.clock.sleepers()).toBe(0);
    expect(rig.stream.isClosed()).toBe(true);
    const calls = rig.stream.calls.length;
    await rig.clock.pass(60_000);
    expect(rig.stream.calls).toHaveLength(calls);
  });

  test('does not wait for a batching window or a pause between retries', async () => {
    const rig = createRig({ maximumBatchingWindowInSeconds: 300 });
    write(rig, 'a', 'x', 1);
    await rig.start();
    const failingRig = createRig({ retryDelayInMilliseconds: 60_000 }, fail);
    write(failingRig, 'a', 'x', 1);
    await failingRig.start();
    await failingRig.clock.pass(1_000);
    for (const each of [rig, failingRig]) {
      const before = each.clock.now();
      await each.stop();
      expect(each.clock.now()).toBe(before);
      expect(each.clock.sleepers()).toBe(0);
    }
  });

  test('may be called at any time and often', async () => {
    const rig = createRig();
    await rig.stop();
    await rig.start();
    await Promise.all([rig.stop(), rig.stop()]);
    await rig.stop();
    expect(typesOf(rig).filter((type) => type === 'stopped')).toHaveLength(1);
  });
});

describe('a mapping that is started again', () => {
  test('goes on from its checkpoint', async () => {
    let isBroken = true;
    const rig = createRig({ batchSize: 2 }, () => isBroken && failing(2));
    write(rig, 'a', 'x', 1, 2, 3);
    await rig.start();
    await rig.clock.pass(50);
    expect(rig.delivered).toEqual(['x1 x2', 'x2']);
    await rig.stop();
    isBroken = false;
    write(rig, 'a', 'x', 4);
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x1 x2', 'x2', 'x2 x3', 'x4']);
    await rig.stop();
  });

  test('goes on where LATEST was, when it had read nothing', async () => {
    const rig = createRig({ startingPosition: 'LATEST' });
    rig.stream.write('a', streamRecord('x', 1, rig.clock.now() - 120_000));
    await rig.start();
    await rig.stop();
    write(rig, 'a', 'x', 2);
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x2']);
    await rig.stop();
  });

  test('goes on in a closed shard that it had read but not processed to its end', async () => {
    let isBroken = true;
    const rig = createRig({}, () => isBroken && fail());
    write(rig, 'a', 'x', 1);
    rig.stream.closeShard('a');
    await rig.start();
    await rig.clock.pass(1_000);
    await rig.stop();
    isBroken = false;
    rig.delivered.length = 0;
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x1']);
    await rig.stop();
  });

  test('does not go back to shards that it has finished', async () => {
    const rig = createRig();
    write(rig, 'a', 'x', 1);
    rig.stream.closeShard('a');
    await rig.start();
    await rig.drained();
    await rig.stop();
    await rig.start();
    await rig.drained();
    expect(rig.delivered).toEqual(['x1']);
    await rig.stop();
  });
});

describe('reports', () => {
  test('tell what happens, in order', async () => {
    const rig = createRig({ maximumRetryAttempts: 1 }, (names) => names.includes('x2') && failing(2));
    write(rig, 'a', 'x', 1, 2);
    rig.stream.closeShard('a');
    await rig.start();
    await rig.drained();
    await rig.stop();
    const trace = rig.reports.map((report) => {
      if (report.type === 'invoked')
        return `invoked ${report.invocation} ${report.batchSize} ${report.failedFrom}`;
      if (report.type === 'discarded') return `discarded ${report.condition} ${report.batchSize}`;
      return report.type;
    });
    expect(trace).toEqual([
      'started',
      'shard-started',
      'invoked 1 2 000000000000000000002',
      'invoked 1 1 000000000000000000002',
      'invoked 2 1 000000000000000000002',
      'discarded RetryAttemptsExhausted 1',
      'shard-finished',
      'stopped',
    ]);
  });

  test('never carry what an item contains', async () => {
    const rig = createRig({ maximumRetryAttempts: 0 }, () => failing(1));
    write(rig, 'a', 'secret', 1);
    await rig.start();
    await rig.drained();
    await rig.stop();
    expect(JSON.stringify(rig.reports)).not.toContain('secret');
  });

  test('that nobody can stand do no harm', async () => {
    const rig = createRig({ onReport: fail });
    write(rig, 'a', 'x', 1);
    await rig.start();
    await rig.drained();
    await rig.stop();
    expect(rig.delivered).toEqual(['x1']);
  });
});
