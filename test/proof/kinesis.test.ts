import type { DynamoDBRecord } from 'aws-lambda';
import { expect, test } from 'vitest';
import { MODES } from '../../proof/options.js';
import { pair } from '../../proof/simulation/pair.js';
import { run } from '../../proof/simulation/run.js';
import type { NewSystem } from '../../proof/simulation/system.js';
import { kinesisEvent, kinesisPayload } from '../support/sources.js';
import { rounds } from '../support/thorough.js';

/**
 * The pair, told of changes by a Kinesis data stream: each batch in any order, between records that came before. The numbers of the
 * table's stream stand for those of the other, so that the mapping understands what failed.
 */
const byKinesis: NewSystem = (world, line) => {
  const system = pair(world, line);
  const random = world.random('kinesis');
  const past: DynamoDBRecord[] = [];
  return {
    ...system,
    async handler({ Records }, context) {
      const again = past.length === 0 ? [] : [random.pick(past), random.pick(past)];
      past.push(...Records);
      const records = random.shuffle([...Records, ...again]);
      const { Records: delivered } = kinesisEvent(records.map((each) => kinesisPayload(each, 'MICROSECOND')));
      delivered.forEach(({ kinesis }, position) => {
        kinesis.sequenceNumber = records[position]?.dynamodb?.SequenceNumber ?? '';
      });
      return (await system.handler?.({ Records: delivered } as never, context)) ?? { batchItemFailures: [] };
    },
  };
};

test.each(MODES)(
  'by a Kinesis data stream, in mode %s, no promise breaks',
  { timeout: 120_000 },
  async (mode) => {
    let hits = 0;
    for (let seed = 1; seed <= rounds(40, 1_000); seed += 1) {
      const outcome = await run(byKinesis, mode, seed);
      hits += outcome.hits;
      expect({ seed, violations: outcome.violations }).toEqual({ seed, violations: [] });
    }
    expect(hits).toBeGreaterThan(0);
  },
);
