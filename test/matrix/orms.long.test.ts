import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type DynamoDBServer, startDynamoDB } from '../support/dynamodb.js';
import { electrodb } from './orms/electrodb.js';
import { onetable } from './orms/onetable.js';
import type { Orm } from './orms/orm.js';
import { openStage, type Stage } from './orms/stage.js';
import { toolbox } from './orms/toolbox.js';
import type { Application, RecordReport } from './orms/world.js';

const ORMS: readonly Orm[] = [onetable, electrodb, toolbox];

/** What becomes of the records of items that no reader has touched for a while. */
const STORED = new Set<RecordReport['outcome']>(['written', 'deleted', 'superseded']);

describe('With the cache', () => {
  let server: DynamoDBServer;
  beforeAll(async () => {
    // What libraries put into items, such as when they were made, is to be the same in both tables.
    vi.useFakeTimers({ toFake: ['Date'] });
    server = await startDynamoDB();
  });
  afterAll(async () => {
    await server?.stop();
    vi.useRealTimers();
  });

  describe.each(ORMS.map((orm) => [orm.name, orm] as const))('%s answers as without', (_, orm) => {
    const writes = orm.writes.map((write) => [write.name, write] as const);

    describe('when others write: the state before until the stream brings it, and then the new one', () => {
      let stage: Stage;
      beforeAll(async () => {
        stage = await openStage(orm, server);
        await stage.fillCache();
      });
      afterAll(() => stage?.world.close());

      test.each(writes)('%s', async (_name, write) => {
        const { world, reader, readAll, readHits, fillCache } = stage;
        world.tick(); // what readers stored until now cannot be newer than the write
        const before = await readHits();
        const release = world.hold();
        onTestFinished(release); // or whatever follows a failure would wait for it
        await stage.write(write, world.other);
        expect((await readHits()).cacheable).toStrictEqual(before.cacheable);

        release();
        const records = await world.delivered();
        const { answers } = await readAll(world.plain);
        const after = await readAll(reader);
        expect(after.answers).toStrictEqual(answers);
        // Nobody has to read the table for what the stream has brought.
        expect(records.filter(({ outcome }) => !STORED.has(outcome))).toEqual([]);
        const keys = new Set(records.flatMap(({ outcome, key }) => (outcome === 'written' ? [key] : [])));
        expect(after.reports.filter((report) => report.type === 'miss' && keys.has(report.key))).toEqual([]);
        await fillCache();
        expect((await readHits()).answers).toStrictEqual(answers);
        expect(world.troubles).toEqual([]);
      });
    });

    describe('when it writes itself: the new state at once, in every application with the cache', () => {
      let stage: Stage;
      let writer: Application;
      beforeAll(async () => {
        stage = await openStage(orm, server, 'expires');
        writer = stage.world.application();
        await stage.fillCache();
      });
      afterAll(() => stage?.world.close());

      test.each(writes)('%s', async (_name, write) => {
        const { world, reader, readAll, readHits, fillCache } = stage;
        const release = world.hold();
        onTestFinished(release);
        await stage.write(write, writer);
        const { answers } = await readAll(world.plain);
        expect((await readAll(writer)).answers).toStrictEqual(answers);
        expect((await readAll(reader)).answers).toStrictEqual(answers);

        release();
        await world.delivered();
        expect((await readAll(reader)).answers).toStrictEqual(answers);
        await fillCache();
        expect((await readHits()).answers).toStrictEqual(answers);
        expect(world.troubles).toEqual([]);
      });
    });
  });
});
