import type { DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import fc from 'fast-check';
import type { AttributeMap } from '../../src/attributes.js';
import { EventError, NewStreamCacheHandler, type StreamCacheConfig } from '../../src/index.js';
import type { CacheStore } from '../../src/store/store.js';
import {
  attributeNameArbitrary,
  attributeValueArbitrary,
  inLambdaForm,
} from '../../test/support/arbitraries.js';
import { record } from '../../test/support/records.js';
import { attack, type CampaignOptions, type CampaignResult, newTally, violation } from './campaign.js';
import { type Mangling, mangled, manglingArbitrary } from './mangle.js';
import { ITEM_SECRET, KEY_SECRET, newWitness } from './witness.js';

const CONFIGURATIONS: readonly StreamCacheConfig[] = [
  {},
  { mode: 'refresh', ttlAttribute: 'logins', tables: { users: { partitionKey: 'id', sortKey: null } } },
  {
    mode: 'invalidate',
    tables: {
      users: {
        partitionKey: 'id',
        indexes: { byName: { partitionKey: 'name' }, byLogins: { partitionKey: 'logins' } },
      },
    },
  },
  { tables: { users: { partitionKey: 'id', indexes: { byName: { partitionKey: 'name' } } } } },
];

/** A stream event, mostly mangled: each record of it counts as one input. */
export async function fuzzStreamEvents(options: CampaignOptions, store: CacheStore): Promise<CampaignResult> {
  const tally = newTally();
  const witness = newWitness();
  const cache = witness.watch(store);
  const handlers = CONFIGURATIONS.map((config) =>
    NewStreamCacheHandler({ ...witness.config, ...config, cache }),
  );

  await attack(
    eventArbitrary(),
    options,
    Math.ceil(options.runs / RECORDS),
    async ({ documents, manglings, handler }) => {
      const event = mangled({ Records: documents }, manglings);
      const records = Array.isArray(event?.Records) ? event.Records.length : 0;
      let outcome: string;
      try {
        const response = await (handlers[handler] as (typeof handlers)[0])(event);
        outcome =
          responseFault(event, response) ??
          (response.batchItemFailures.length > 0 ? 'some failed' : 'applied');
        if (outcome.startsWith('!')) violation(outcome);
      } catch (error) {
        if (!(error instanceof EventError)) violation(`The handler threw ${error}`, error);
        outcome = 'refused';
      }
      for (let count = 0; count < Math.max(1, records); count += 1) tally.note(outcome);
      const complaint = witness.complaint();
      if (complaint !== undefined) violation(complaint);
    },
  );
  return { name: 'stream records', inputs: tally.total, outcomes: tally.outcomes };
}

const RECORDS = 4;

/** What Lambda would not understand in a response: anything but sequence numbers of the event. */
function responseFault(event: DynamoDBStreamEvent, response: unknown): string | undefined {
  const failures = (response as { batchItemFailures?: unknown })?.batchItemFailures;
  if (!Array.isArray(failures)) return '! The response has no batchItemFailures';
  const numbers = new Set(event.Records.map((each) => each.dynamodb?.SequenceNumber));
  const isKnown = failures.every(({ itemIdentifier }) => itemIdentifier && numbers.has(itemIdentifier));
  return isKnown ? undefined : '! The response names a record that is not in the event';
}

interface Attack {
  readonly documents: DynamoDBRecord[];
  readonly manglings: readonly Mangling[];
  /** Which of the configurations. */
  readonly handler: number;
}

function eventArbitrary(): fc.Arbitrary<Attack> {
  const attributes = fc
    .array(fc.tuple(attributeNameArbitrary(), attributeValueArbitrary()), { maxLength: 2 })
    .map((members) => inLambdaForm(Object.fromEntries(members)));
  const one = fc
    .record({
      eventName: fc.constantFrom('INSERT', 'MODIFY', 'REMOVE'),
      id: fc.constantFrom('1', '2', KEY_SECRET),
      number: fc.nat(30),
      age: fc.constantFrom(0, 0, 3, 100),
      item: attributes.map(
        (some): AttributeMap => ({ ...some, name: { S: ITEM_SECRET }, secret: { SS: [ITEM_SECRET] } }),
      ),
    })
    .map(record);
  return fc.record({
    documents: fc.array(one, { minLength: 1, maxLength: 2 * RECORDS - 1 }),
    manglings: fc.array(manglingArbitrary('JSON'), { maxLength: 3 }),
    handler: fc.nat(CONFIGURATIONS.length - 1),
  });
}
