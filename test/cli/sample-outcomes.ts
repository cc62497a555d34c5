import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { type AttributeMap, encode } from '../../src/index.js';

export interface SampleOutcome {
  readonly file: string;
  /** Per record, in the event's order. */
  readonly outcomes: readonly string[];
  /** What is in the cache afterwards, for each key that the event touches; `null` where nothing is. */
  readonly contents: Readonly<Record<string, string | null>>;
}

/** What the files of `events/` lead to, invoked in this order on one cache that was empty. */
export const SAMPLE_OUTCOMES: readonly SampleOutcome[] = [
  {
    file: 'events/binary-key.json',
    outcomes: ['superseded', 'written', 'written'],
    contents: {
      'documents:digest~q1qpcHTEVKBjIFfnBCINmmZ4-_dzoKWAb8CbgXOwcwk':
        '{"digest":"q1qpcHTEVKBjIFfnBCINmmZ4+/dzoKWAb8CbgXOwcwk=","revision":2,"title":"Notes by the translator","$types":{"/digest":"B"}}',
      'documents:digest~9BazY8bF8HAR9dxGOiOVhz7gNfD4vqPlhSl-xlBSxzc':
        '{"digest":"9BazY8bF8HAR9dxGOiOVhz7gNfD4vqPlhSl+xlBSxzc=","revision":1,"title":"Sketch of the Analytical Engine","$types":{"/digest":"B"}}',
    },
  },
  {
    file: 'events/composite-key.json',
    outcomes: ['superseded', 'written', 'written'],
    contents: {
      'orders:customerId=c1,orderId#7': '{"customerId":"c1","orderId":7,"status":"paid","total":129.9}',
      'orders:customerId=c1,orderId#8': '{"customerId":"c1","orderId":8,"status":"placed","total":15}',
    },
  },
  {
    file: 'events/every-attribute-type.json',
    outcomes: ['written'],
    contents: { 'users:id=40': encode(onlyImage('events/every-attribute-type.json')) },
  },
  {
    file: 'events/insert.json',
    outcomes: ['written'],
    contents: {
      'users:id=42':
        '{"email":"ada@example.com","id":"42","logins":1,"name":"Ada Lovelace","tags":["author","mathematician"],"$types":{"/tags":"SS"}}',
    },
  },
  {
    file: 'events/keys-only-view.json',
    outcomes: ['superseded', 'superseded', 'deleted', 'deleted'],
    contents: { 'sessions:token=s-9f2c': null, 'sessions:token=s-41d7': null },
  },
  {
    file: 'events/kinesis-data-stream.json',
    outcomes: ['superseded', 'deleted'],
    contents: { 'users:id=49': null },
  },
  {
    file: 'events/mixed-batch.json',
    outcomes: ['written', 'written', 'superseded', 'deleted', 'written'],
    contents: {
      'orders:customerId=c1,orderId#9': '{"customerId":"c1","orderId":9,"status":"placed","total":48.25}',
      'orders:customerId=c1,orderId#7': '{"customerId":"c1","orderId":7,"status":"shipped","total":129.9}',
      'orders:customerId=c2,orderId#1': '{"customerId":"c2","orderId":1,"status":"cancelled","total":5}',
      'orders:customerId=c1,orderId#8': null,
    },
  },
  {
    file: 'events/modify.json',
    outcomes: ['written'],
    contents: {
      'users:id=42':
        '{"email":"ada.lovelace@example.com","id":"42","logins":2,"name":"Ada Lovelace","tags":["author","mathematician"],"$types":{"/tags":"SS"}}',
    },
  },
  {
    file: 'events/pipe.json',
    outcomes: ['written', 'written'],
    contents: {
      'users:id=50': '{"id":"50","logins":1,"name":"Radia Perlman"}',
      'users:id=51': '{"id":"51","logins":1,"name":"Karen Spärck Jones"}',
    },
  },
  {
    file: 'events/poison-record.json',
    outcomes: ['written', 'deleted', 'written'],
    contents: {
      'users:id=43': '{"email":"grace@example.com","id":"43","logins":1,"name":"Grace Hopper"}',
      'users:id=44': null,
      'users:id=45': '{"expiresAt":1768471200,"id":"45","logins":1,"name":"Guest"}',
    },
  },
  {
    file: 'events/queue.json',
    outcomes: ['written', 'written'],
    contents: {
      'users:id=51': '{"id":"51","logins":2,"name":"Karen Spärck Jones"}',
      'users:id=52': '{"id":"52","logins":1,"name":"Barbara Liskov"}',
    },
  },
  { file: 'events/remove.json', outcomes: ['deleted'], contents: { 'users:id=42': null } },
  {
    file: 'events/replayed-and-out-of-order.json',
    outcomes: [
      ...['superseded', 'superseded', 'superseded', 'superseded', 'superseded'],
      ...['written', 'deleted', 'superseded', 'written', 'superseded'],
    ],
    contents: {
      'users:id=46': '{"email":"mary@example.com","id":"46","logins":3,"name":"Mary Somerville"}',
      'users:id=47': null,
      'users:id=43': '{"email":"grace@example.com","id":"43","logins":2,"name":"Grace Hopper"}',
    },
  },
  {
    file: 'events/same-item-many-times.json',
    outcomes: [...new Array(9).fill('superseded'), 'written'],
    contents: { 'users:id=48': '{"email":"hedy@example.com","id":"48","logins":10,"name":"Hedy Lamarr"}' },
  },
  { file: 'events/ttl-expiry.json', outcomes: ['deleted'], contents: { 'users:id=45': null } },
].map((sample) => ({ ...sample, file: join(sample.file) }));

/** Parsed, not imported: as a module, an attribute named `__proto__` would become a prototype. */
export function readEvent(file: string): DynamoDBStreamEvent {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function onlyImage(file: string): AttributeMap {
  return readEvent(file).Records[0]?.dynamodb?.NewImage as AttributeMap;
}
