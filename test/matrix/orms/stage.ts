import { expect } from 'vitest';
import type { Report } from '../../../src/index.js';
import type { DynamoDBServer } from '../../support/dynamodb.js';
import type { Orm, Read, Step, Write } from './orm.js';
import { type Application, openWorld, type World } from './world.js';

/** A world, and applications in it that use one library. */
export interface Stage {
  readonly world: World;
  /** The application with the cache that reads everything after each write. */
  readonly reader: Application;
  /** Makes a write through an application and on the table without a cache, and fails unless they come to the same. */
  write(write: Write, application: Application): Promise<void>;
  /** Every read, all at once. */
  readAll(application: Application): Promise<Readings>;
  /** Every read by the reader, and fails unless the cache answers all that it can, and nothing that it may not. */
  readHits(): Promise<Readings>;
  /** Lets the reader read until all is stored that can be. */
  fillCache(): Promise<void>;
}

/** What one application was answered, and what the cache had to do with it. */
export interface Readings {
  /** By the names of the reads. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** Answers of the reads that the cache can answer. */
  readonly cacheable: Readonly<Record<string, unknown>>;
  readonly reports: readonly Report[];
}

/** @param ttlAttribute the table's TTL attribute, if it is told of one */
export async function openStage(orm: Orm, server: DynamoDBServer, ttlAttribute?: string): Promise<Stage> {
  const world = await openWorld(server, ttlAttribute);
  const reader = world.application();
  const models = new Map<Application, unknown>();

  function run({ run }: Step, application: Application): Promise<unknown> {
    const { client, TableName } = application;
    if (!models.has(application)) models.set(application, orm.open(client, TableName));
    return run(models.get(application));
  }

  /** What a write is answered, or refused with. */
  async function outcomeOf(write: Write, application: Application): Promise<unknown> {
    try {
      return { answer: await run(write, application) };
    } catch (error) {
      const { name, code, message } = error as Error & { code?: unknown };
      return { refused: { name, code, message: message.replaceAll(application.TableName, 'the table') } };
    }
  }

  const isCacheable = (read: Read) => read.from === 'cache' && !(ttlAttribute && read.isWithoutTtl);

  function readings(entries: readonly (readonly [Read, unknown])[], reports: readonly Report[]): Readings {
    const named = (of: typeof entries) => Object.fromEntries(of.map(([{ name }, answer]) => [name, answer]));
    return {
      answers: named(entries),
      cacheable: named(entries.filter(([read]) => isCacheable(read))),
      reports,
    };
  }

  async function readAll(application: Application) {
    application.reports();
    const entries = orm.reads.map(async (read) => [read, await run(read, application)] as const);
    return readings(await Promise.all(entries), application.reports());
  }

  /** One by one, to see of each where its answer came from. */
  async function readHits() {
    const entries: (readonly [Read, unknown])[] = [];
    const hits: Report[] = [];
    const surprises: string[] = [];
    for (const read of orm.reads) {
      reader.reports();
      entries.push([read, await run(read, reader)]);
      const reports = reader.reports();
      const types = new Set(reports.map(({ type }) => type));
      hits.push(...reports.filter(({ type }) => type === 'hit'));
      const isExpected = isCacheable(read)
        ? types.size === 1 && types.has('hit')
        : read.from === 'cache' || !types.has('hit');
      if (!isExpected) surprises.push(`${read.name}: ${JSON.stringify(reports)}`);
    }
    expect(surprises).toEqual([]);
    expect(hits.length).toBeGreaterThan(0);
    return readings(entries, hits);
  }

  return {
    world,
    reader,
    async write(write, application) {
      const outcome = await outcomeOf(write, world.plain);
      expect(outcome).toHaveProperty(write.isRefused ? 'refused' : 'answer');
      expect(await outcomeOf(write, application)).toStrictEqual(outcome);
    },
    readAll,
    readHits,
    async fillCache() {
      world.tick(); // results of indexes are not stored before
      await readAll(reader);
      await readAll(reader); // a scan is stored at its second request
    },
  };
}
