import type { DynamoDBStreamEvent } from 'aws-lambda';
import { expect, test } from 'vitest';
import { restamp } from '../../src/cli/restamp.js';
import { deliveredIn } from '../../src/stream/delivered.js';
import { readEvent } from './sample-outcomes.js';

const NOW = Date.parse('2030-01-01T00:00:00.900Z');
const NOW_SECONDS = Math.floor(NOW / 1000);

test('the newest record was made just now, in whole seconds, and the others keep their distance to it', () => {
  const event = {
    Records: [recordAt(1_700_000_030), recordAt(1_700_000_000), recordAt(1_700_000_029)],
  };
  expect(timesOf(restamp(event, NOW))).toEqual([NOW_SECONDS, NOW_SECONDS - 30, NOW_SECONDS - 1]);
});

test('nothing but the times changes, and the event given stays as it was', () => {
  const event = readEvent('events/every-attribute-type.json');
  const before = structuredClone(event);
  const [record] = restamp(event, NOW).Records;
  expect(event).toEqual(before);
  expect(record).toEqual({
    ...before.Records[0],
    dynamodb: { ...before.Records[0]?.dynamodb, ApproximateCreationDateTime: NOW_SECONDS },
  });
  expect(Object.keys(record?.dynamodb?.NewImage ?? {})).toContain('__proto__');
});

test('times in other units and as ISO text are moved to seconds', () => {
  const event = { Records: [1_700_000_030_500, 1_700_000_000_000_000, '2023-11-14T22:13:20Z'].map(recordAt) };
  const newest = NOW_SECONDS;
  expect(timesOf(restamp(event, NOW))).toEqual([newest, newest - 30.5, newest - 30.5]);
});

test('a record without a time stays without one', () => {
  const event = { Records: [{ dynamodb: {} }, recordAt(5)] };
  expect(timesOf(restamp(event, NOW))).toEqual([undefined, NOW_SECONDS]);
  expect(restamp({ Records: [{ dynamodb: {} }] }, NOW)).toEqual({ Records: [{ dynamodb: {} }] });
});

test('what is no record is left for the handler to refuse', () => {
  const event = JSON.parse('{"Records":[null,{},7]}');
  expect(restamp(event, NOW)).toEqual(event);
});

test.each(['events/kinesis-data-stream.json', 'events/queue.json', 'events/pipe.json'])(
  '%s keeps its form, and the times of what it carries are moved',
  (file) => {
    const event = readEvent(file);
    const restamped = restamp(event, NOW);
    const [before = [], after = []] = [event, restamped].map((each) =>
      deliveredIn(each).map(({ record: { dynamodb, ...rest }, identifier }) => ({
        dynamodb,
        rest,
        identifier,
      })),
    );
    expect(after.map(({ rest, identifier }) => [rest, identifier])).toEqual(
      before.map(({ rest, identifier }) => [rest, identifier]),
    );
    expect(Math.max(...after.map(({ dynamodb }) => Number(dynamodb?.ApproximateCreationDateTime)))).toBe(
      NOW_SECONDS,
    );
    expect(Array.isArray(restamped)).toBe(Array.isArray(event));
  },
);

test('what carries nothing that can be read stays as it is', () => {
  const entries = [{ kinesis: { data: 'AAAA' } }, { body: 'text' }, { body: '7' }] as never[];
  expect(restamp({ Records: entries }, NOW).Records).toEqual(entries);
});

function recordAt(time: number | string) {
  return { dynamodb: { ApproximateCreationDateTime: time as number } };
}

function timesOf(event: DynamoDBStreamEvent): (number | undefined)[] {
  return event.Records.map((record) => record.dynamodb?.ApproximateCreationDateTime);
}
