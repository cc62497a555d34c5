import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createSchema, Entity, Service } from 'electrodb';
import { type Orm, unordered } from './orm.js';

const MEMBER = createSchema({
  model: { entity: 'member', service: 'work', version: '1' },
  attributes: {
    team: { type: 'string', required: true },
    email: { type: 'string', required: true },
    role: { type: ['lead', 'member'] as const, required: true, default: 'member' },
    skills: { type: 'set', items: 'string' },
    luckyNumbers: { type: 'set', items: 'number' },
    score: { type: 'number', default: 0 },
    address: {
      type: 'map',
      properties: { city: { type: 'string' }, geo: { type: 'list', items: { type: 'number' } } },
    },
    history: {
      type: 'list',
      items: { type: 'map', properties: { what: { type: 'string' }, at: { type: 'number' } } },
    },
    portrait: { type: 'any' },
    createdAt: { type: 'number', readOnly: true, default: () => Date.now() },
    updatedAt: { type: 'number', watch: '*', default: () => Date.now(), set: () => Date.now() },
    expires: { type: 'number' },
  },
  indexes: {
    byTeam: {
      collection: 'team',
      pk: { field: 'pk', composite: ['team'] },
      sk: { field: 'sk', composite: ['email'] },
    },
    byRole: {
      index: 'gs1',
      collection: 'board',
      pk: { field: 'gs1pk', composite: ['role'] },
      sk: { field: 'gs1sk', composite: ['team', 'email'] },
    },
    byEmail: {
      index: 'gs2',
      projection: 'keys_only',
      pk: { field: 'gs2pk', composite: ['email'] },
      sk: { field: 'gs2sk', composite: ['team'] },
    },
  },
});

const TASK = createSchema({
  model: { entity: 'task', service: 'work', version: '1' },
  attributes: {
    team: { type: 'string', required: true },
    id: { type: 'string', required: true },
    status: { type: 'string', required: true, default: 'open' },
    due: { type: 'string', required: true, default: '2030-01-01' },
    points: { type: 'number' },
    expires: { type: 'number' },
  },
  indexes: {
    byTeam: {
      collection: 'team',
      pk: { field: 'pk', composite: ['team'] },
      sk: { field: 'sk', composite: ['id'] },
    },
    byStatus: {
      index: 'gs1',
      pk: { field: 'gs1pk', composite: ['status'] },
      sk: { field: 'gs1sk', composite: ['due', 'id'] },
    },
    byDue: {
      index: 'ls1',
      pk: { field: 'pk', composite: ['team'] },
      sk: { field: 'ls1sk', composite: ['due'] },
    },
  },
});

/** What makes an email unique: an item of its own that is created with the member. */
const EMAIL = createSchema({
  model: { entity: 'email', service: 'work', version: '1' },
  attributes: { email: { type: 'string', required: true }, team: { type: 'string' } },
  indexes: {
    primary: { pk: { field: 'pk', composite: ['email'] }, sk: { field: 'sk', composite: [] } },
  },
});

function open(client: DynamoDBClient, table: string) {
  const config = { client: DynamoDBDocumentClient.from(client), table };
  const members = new Entity(MEMBER, config);
  const tasks = new Entity(TASK, config);
  const emails = new Entity(EMAIL, config);
  return { members, tasks, emails, work: new Service({ members, tasks, emails }, config) };
}

type Models = ReturnType<typeof open>;

const ada = { team: 'red', email: 'ada@example.com' };
const bob = { team: 'red', email: 'bob@example.com' };
const task = (id: string) => ({ team: 'red', id });
const FAR = 4_102_444_800; // 2100

export const electrodb: Orm<Models> = {
  name: 'ElectroDB',
  open,
  writes: [
    {
      name: 'a member is created, with sets, bytes, maps and times',
      run: ({ members }) =>
        members
          .create({
            ...ada,
            skills: ['analysis', 'poetry'],
            luckyNumbers: [7, 0.5, -12],
            address: { city: 'London', geo: [51.5, -0.1] },
            history: [{ what: 'joined', at: 1 }],
            portrait: Uint8Array.from([0, 1, 254, 255]),
          })
          .go(),
    },
    {
      name: 'a member that exists is refused',
      isRefused: true,
      run: ({ members }) => members.create(ada).go(),
    },
    {
      name: 'a member and the lock of its email are created in a transaction',
      run: ({ work }) =>
        work.transaction
          .write(({ members, emails }) => [
            members.create({ ...bob, role: 'lead' }).commit(),
            emails.create(bob).commit(),
          ])
          .go(),
    },
    {
      name: 'another member with the same email is cancelled',
      run: ({ work }) =>
        work.transaction
          .write(({ members, emails }) => [
            members.create({ ...bob, team: 'blue' }).commit(),
            emails.create({ ...bob, team: 'blue' }).commit({ response: 'all_old' }),
          ])
          .go(),
    },
    {
      name: 'a batch of tasks is put',
      run: ({ tasks }) =>
        tasks
          .put([
            { ...task('t1'), points: 3 },
            { ...task('t2'), points: 5, due: '2029-06-01', expires: FAR },
            { ...task('t3'), status: 'done', points: 1.25 },
            { ...task('t4'), team: 'blue' },
          ])
          .go(),
    },
    {
      name: 'an update adds to sets, lists, numbers and maps',
      run: ({ members }) =>
        members
          .update(ada)
          .data(({ score, skills, history, address }, { add, append, set }) => {
            add(score, 2.5);
            add(skills, ['engines']);
            append(history, [{ what: 'promoted', at: 2 }]);
            set(address.city, 'Turin');
          })
          .go({ response: 'all_new' }),
    },
    {
      name: 'an update removes from a set, and attributes',
      run: ({ members }) =>
        members
          .update(ada)
          .delete({ luckyNumbers: [7] })
          .remove(['portrait'])
          .go({ response: 'updated_old' }),
    },
    {
      name: 'an update moves a task within the indexes',
      run: ({ tasks }) => tasks.patch(task('t1')).set({ status: 'done', due: '2028-02-29' }).go(),
    },
    {
      name: 'a patch of what is not there is refused',
      isRefused: true,
      run: ({ tasks }) => tasks.patch(task('none')).set({ status: 'done' }).go(),
    },
    {
      name: 'an update with a condition that does not hold is refused',
      isRefused: true,
      run: ({ tasks }) =>
        tasks
          .patch(task('t2'))
          .set({ points: 8 })
          .where(({ points }, { gt }) => gt(points, 5))
          .go(),
    },
    {
      name: 'a patch that is rejected hands back what there is',
      run: ({ tasks }) =>
        tasks
          .patch(task('t2'))
          .set({ points: 8 })
          .where(({ points }, { gt }) => gt(points, 5))
          .go({ returnOnConditionCheckFailure: 'all_old' }),
    },
    {
      name: 'an upsert makes an item',
      run: ({ tasks }) => tasks.upsert({ ...task('t5'), points: 1 }).go({ response: 'all_new' }),
    },
    {
      name: 'an upsert changes an item',
      run: ({ tasks }) => tasks.upsert({ ...task('t5'), status: 'done' }).go({ response: 'all_new' }),
    },
    {
      name: 'a transaction writes several items',
      run: ({ work }) =>
        work.transaction
          .write(({ members, tasks, emails }) => [
            members.patch(bob).set({ role: 'member', score: 10 }).commit(),
            tasks.delete(task('t3')).commit(),
            tasks.create({ ...task('t6'), points: 2 }).commit(),
            emails
              .check(bob)
              .where(({ team }, { eq }) => eq(team, 'red'))
              .commit(),
          ])
          .go(),
    },
    {
      name: 'an item is deleted, and handed back',
      run: ({ tasks }) => tasks.delete(task('t2')).go({ response: 'all_old' }),
    },
    {
      name: 'removing what is not there is refused',
      isRefused: true,
      run: ({ tasks }) => tasks.remove(task('t2')).go(),
    },
    {
      name: 'a batch of tasks is deleted',
      run: ({ tasks }) => tasks.delete([task('t1'), task('t5'), task('none')]).go(),
    },
    {
      name: 'an item comes again with other contents',
      run: ({ tasks }) => tasks.put({ ...task('t2'), status: 'again', points: 13 }).go(),
    },
  ],
  reads: [
    { name: 'get', from: 'cache', run: ({ members }) => members.get(ada).go() },
    { name: 'get of what may not be there', from: 'cache', run: ({ tasks }) => tasks.get(task('t2')).go() },
    {
      name: 'get of some attributes',
      from: 'cache',
      run: ({ members }) => members.get(ada).go({ attributes: ['email', 'skills', 'portrait', 'address'] }),
    },
    {
      name: 'get with keys',
      from: 'cache',
      run: ({ members }) => members.get(bob).go({ data: 'includeKeys' }),
    },
    {
      name: 'consistent get',
      from: 'table',
      run: ({ members }) => members.get(ada).go({ consistent: true }),
    },
    {
      name: 'batch get',
      from: 'cache',
      async run({ tasks }) {
        const { data, unprocessed } = await tasks.get(['t1', 't2', 'none', 't5'].map(task)).go();
        return { data: unordered(data), unprocessed };
      },
    },
    {
      name: 'batch get in order',
      from: 'cache',
      run: ({ tasks }) =>
        tasks
          .get(['t5', 'none', 't1', 't3'].map(task))
          .go({ preserveBatchOrder: true, attributes: ['id', 'points'] }),
    },
    {
      name: 'get in a transaction',
      from: 'table',
      run: ({ work }) =>
        work.transaction
          .get(({ members, tasks }) => [members.get(ada).commit(), tasks.get(task('t2')).commit()])
          .go(),
    },
    {
      name: 'query of a partition',
      from: 'cache',
      run: ({ members }) => members.query.byTeam({ team: 'red' }).go(),
    },
    {
      name: 'query of a prefix',
      from: 'cache',
      run: ({ tasks }) => tasks.query.byTeam({ team: 'red' }).begins({ id: 't' }).go(),
    },
    {
      name: 'query of a range, backwards',
      from: 'cache',
      run: ({ tasks }) =>
        tasks.query.byTeam({ team: 'red' }).between({ id: 't1' }, { id: 't3' }).go({ order: 'desc' }),
    },
    {
      name: 'query with a filter',
      from: 'cache',
      run: ({ members }) =>
        members.query
          .byTeam({ team: 'red' })
          .where(({ skills, score }, { contains, gt }) => `${contains(skills, 'engines')} OR ${gt(score, 5)}`)
          .go(),
    },
    {
      name: 'query of some attributes',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ tasks }) => tasks.query.byTeam({ team: 'red' }).go({ attributes: ['id', 'status'] }),
    },
    {
      name: 'consistent query',
      from: 'table',
      run: ({ tasks }) => tasks.query.byTeam({ team: 'red' }).go({ consistent: true }),
    },
    {
      name: 'pages',
      from: 'cache',
      async run({ tasks }) {
        const pages = [];
        let cursor: string | null = null;
        do {
          const page: { data: unknown[]; cursor: string | null } = await tasks.query
            .byTeam({ team: 'red' })
            .go({ limit: 2, cursor });
          pages.push(page);
          cursor = page.cursor;
        } while (cursor !== null);
        return pages;
      },
    },
    {
      name: 'all pages',
      from: 'cache',
      run: ({ tasks }) => tasks.query.byTeam({ team: 'red' }).go({ pages: 'all', limit: 1 }),
    },
    {
      name: 'as many as are wanted',
      from: 'cache',
      run: ({ tasks }) => tasks.query.byTeam({ team: 'red' }).go({ count: 2 }),
    },
    {
      name: 'query of a global index',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ tasks }) => tasks.query.byStatus({ status: 'done' }).gte({ due: '2028-01-01' }).go(),
    },
    {
      name: 'query of an index of keys, hydrated',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ members }) => members.query.byEmail({ email: bob.email }).go({ hydrate: true }),
    },
    {
      name: 'query of a local index',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ tasks }) => tasks.query.byDue({ team: 'red' }).lt({ due: '2029-12-31' }).go(),
    },
    {
      name: 'collection',
      from: 'cache',
      run: ({ work }) => work.collections.team({ team: 'red' }).go(),
    },
    {
      name: 'collection of an index, hydrated',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ work }) => work.collections.board({ role: 'member' }).go({ hydrate: true }),
    },
    {
      name: 'match by an index',
      isWithoutTtl: true,
      from: 'cache',
      run: ({ tasks }) => tasks.match({ status: 'done' }).go(),
    },
    {
      name: 'find by an index',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ members }) => members.find({ role: 'lead' }).go(),
    },
    { name: 'match without a key', from: 'cache', run: ({ tasks }) => tasks.match({ points: 1.25 }).go() },
    { name: 'scan', from: 'cache', run: ({ members }) => members.scan.go() },
    {
      name: 'scan with a filter, in pages',
      from: 'cache',
      run: ({ tasks }) =>
        tasks.scan.where(({ points }, { gte }) => gte(points, 2)).go({ pages: 'all', limit: 3 }),
    },
  ],
};
