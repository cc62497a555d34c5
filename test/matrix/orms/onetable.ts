// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are OneTable's own templates
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Entity, type Model, Table } from 'dynamodb-onetable';
import { type Orm, page, unordered } from './orm.js';

const SCHEMA = {
  format: 'onetable:1.1.0',
  version: '0.0.1',
  indexes: {
    primary: { hash: 'pk', sort: 'sk' },
    gs1: { hash: 'gs1pk', sort: 'gs1sk' },
    gs2: { hash: 'gs2pk', sort: 'gs2sk', project: 'keys' },
    ls1: { type: 'local', sort: 'ls1sk' },
  },
  models: {
    Account: {
      pk: { type: String, value: 'account#${id}' },
      sk: { type: String, value: 'account#' },
      gs2pk: { type: String, value: 'plan#${plan}' },
      gs2sk: { type: String, value: 'account#${id}' },
      id: { type: String, required: true },
      name: { type: String, required: true },
      plan: { type: String, enum: ['free', 'pro'] as const, default: 'free' },
      address: {
        type: Object,
        schema: { street: { type: String }, city: { type: String }, zip: { type: Number } },
      },
    },
    User: {
      pk: { type: String, value: 'account#${accountId}' },
      sk: { type: String, value: 'user#${email}' },
      gs1pk: { type: String, value: 'user#${role}' },
      gs1sk: { type: String, value: 'user#${email}' },
      ls1sk: { type: String, value: 'age#${age}' },
      accountId: { type: String, required: true },
      email: { type: String, required: true },
      handle: { type: String, unique: true },
      role: { type: String, default: 'member' },
      age: { type: Number },
      tags: { type: Set },
      avatar: { type: Buffer as never },
      seen: { type: Date },
      history: { type: Array },
      // Packed into one attribute.
      theme: { type: String, map: 'settings.theme' },
      locale: { type: String, map: 'settings.locale' },
    },
    Session: {
      pk: { type: String, value: 'account#${accountId}' },
      sk: { type: String, value: 'session#${token}' },
      accountId: { type: String, required: true },
      token: { type: String, required: true },
      expires: { type: Date, ttl: true },
    },
  },
  params: { isoDates: true, timestamps: true },
} as const;

type Schema = typeof SCHEMA.models;

interface Models {
  readonly table: Table<typeof SCHEMA>;
  readonly accounts: Model<Entity<Schema['Account']>>;
  readonly users: Model<Entity<Schema['User']>>;
  readonly sessions: Model<Entity<Schema['Session']>>;
}

function open(client: DynamoDBClient, name: string): Models {
  const table = new Table({ client, name, schema: SCHEMA, partial: true, hidden: false });
  return {
    table,
    accounts: table.getModel('Account'),
    users: table.getModel('User'),
    sessions: table.getModel('Session'),
  };
}

const ada = { accountId: 'a1', email: 'ada@example.com' };
const bob = { accountId: 'a1', email: 'bob@example.com' };

export const onetable: Orm<Models> = {
  name: 'OneTable',
  open,
  writes: [
    {
      name: 'an account is created, with a nested schema and a default',
      run: ({ accounts }) =>
        accounts.create({
          id: 'a1',
          name: 'Acme',
          address: { street: '1 High St', city: 'Leeds', zip: 12.5 },
        }),
    },
    {
      name: 'a user is created, with a unique handle, a set, bytes, a date and packed attributes',
      run: ({ users }) =>
        users.create({
          ...ada,
          handle: 'ada',
          age: 36,
          tags: new Set(['author', 'mathematician']),
          avatar: Buffer.from([0, 1, 254, 255]) as never,
          seen: new Date('2020-02-29T12:00:00.250Z'),
          history: [{ at: 1, what: ['joined', null, { deep: true }] }, -0.5, 1e-30],
          theme: 'dark',
          locale: 'en-GB',
        }),
    },
    {
      name: 'another user with the same handle is refused',
      isRefused: true,
      run: ({ users }) => users.create({ accountId: 'a1', email: 'eve@example.com', handle: 'ada' }),
    },
    {
      name: 'another user is created',
      run: ({ users }) => users.create({ ...bob, handle: 'bob', age: 9, role: 'admin' }),
    },
    {
      name: 'an account that exists is refused',
      isRefused: true,
      run: ({ accounts }) => accounts.create({ id: 'a1', name: 'Other' }),
    },
    {
      name: 'a batch of users is written',
      async run({ table, accounts, sessions }) {
        const batch = {};
        for (const id of ['a2', 'a3']) await accounts.create({ id, name: `Account ${id}` }, { batch });
        await sessions.create({ accountId: 'a1', token: 't1', expires: new Date('2100-01-01') }, { batch });
        return table.batchWrite(batch);
      },
    },
    {
      name: 'a part of a nested schema is updated',
      run: ({ accounts }) => accounts.update({ id: 'a1', address: { city: 'York' } }, { partial: true }),
    },
    {
      name: 'an update moves a user within an index',
      run: ({ users }) => users.update({ ...ada, role: 'admin' }, { return: 'get' }),
    },
    {
      name: 'an update of expressions adds, appends and removes',
      run: ({ users }) =>
        users.update(ada, {
          add: { age: 1 },
          delete: { tags: new Set(['author']) },
          set: { 'history[1]': '{changed}' },
          remove: ['seen'],
        }),
    },
    {
      name: 'an update with a condition that does not hold is refused',
      isRefused: true,
      run: ({ users }) => users.update({ ...ada, role: 'none' }, { where: '${age} < {18}' }),
    },
    {
      name: 'an update of what is not there is refused',
      isRefused: true,
      run: ({ accounts }) => accounts.update({ id: 'none', name: 'None' }),
    },
    {
      name: 'a unique handle is changed',
      run: ({ users }) => users.update({ ...ada, handle: 'lovelace' }, { return: 'get' }),
    },
    {
      name: 'the handle that became free is taken',
      run: ({ users }) => users.update({ ...bob, handle: 'ada' }, { return: 'none' }),
    },
    {
      name: 'an upsert makes an item',
      run: ({ accounts }) => accounts.upsert({ id: 'a4', name: 'Upserted', plan: 'pro' }),
    },
    {
      name: 'an upsert changes an item, and its key in an index that has keys only',
      run: ({ accounts }) => accounts.upsert({ id: 'a2', plan: 'pro' }),
    },
    {
      name: 'a transaction writes several items',
      async run({ table, accounts, sessions, users }) {
        const transaction = {};
        await accounts.create({ id: 'a5', name: 'In a transaction' }, { transaction });
        await accounts.update({ id: 'a3', name: 'Renamed' }, { transaction });
        await sessions.remove({ accountId: 'a1', token: 't1' }, { transaction });
        users.check(bob, { transaction, exists: true });
        await table.transact('write', transaction);
      },
    },
    {
      name: 'a transaction that is cancelled writes nothing',
      isRefused: true,
      async run({ table, accounts }) {
        const transaction = {};
        await accounts.update({ id: 'a3', name: 'Never' }, { transaction });
        await accounts.create({ id: 'a1', name: 'Exists' }, { transaction });
        await table.transact('write', transaction);
      },
    },
    {
      name: 'an item is removed, and handed back',
      run: ({ accounts }) => accounts.remove({ id: 'a4' }, { return: 'get' }),
    },
    {
      name: 'an item with a unique attribute is removed',
      async run({ users }) {
        await users.remove(bob); // which hands back the transaction's response
      },
    },
    {
      name: 'items are removed by what a query finds',
      async run({ users, sessions }) {
        await sessions.create({ accountId: 'a1', token: 't2', expires: new Date('2100-01-01') });
        await sessions.create({ accountId: 'a1', token: 't3', expires: new Date('2100-01-01') });
        await users.update({ ...ada, age: 40 });
        return sessions.remove({ accountId: 'a1' }, { many: true });
      },
    },
    {
      name: 'an item comes again with other contents',
      run: ({ users }) => users.create({ ...bob, handle: 'bob', tags: new Set(['again']) }),
    },
    {
      name: 'an item is written without its model',
      run: ({ table }) =>
        table.putItem({ pk: 'raw#1', sk: 'raw#', any: { nested: [1, 'two', null] } }, { exists: null }),
    },
  ],
  reads: [
    { name: 'get', from: 'cache', run: ({ users }) => users.get(ada) },
    {
      name: 'get of what may not be there',
      from: 'cache',
      run: ({ accounts }) => accounts.get({ id: 'a4' }),
    },
    { name: 'get with hidden fields', from: 'cache', run: ({ users }) => users.get(bob, { hidden: true }) },
    {
      name: 'get of some fields',
      from: 'cache',
      run: ({ users }) => users.get(ada, { fields: ['email', 'tags', 'avatar'] }),
    },
    {
      name: 'get that is not parsed',
      from: 'cache',
      run: ({ accounts }) => accounts.get({ id: 'a1' }, { parse: false, hidden: true }),
    },
    {
      name: 'consistent get',
      from: 'table',
      run: ({ users }) => users.get(ada, { consistent: true }),
    },
    {
      name: 'get by an index',
      from: 'cache',
      isWithoutTtl: true,
      run: ({ users }) => users.get({ role: 'admin', email: ada.email }, { index: 'gs1' }),
    },
    {
      name: 'batch get',
      from: 'cache',
      async run({ table, accounts, users }) {
        const batch = {};
        for (const id of ['a1', 'a2', 'none']) await accounts.get({ id }, { batch });
        await users.get(bob, { batch });
        return unordered(await table.batchGet(batch, { parse: true, hidden: false }));
      },
    },
    {
      name: 'consistent batch get',
      from: 'table',
      async run({ table, accounts }) {
        const batch = {};
        await accounts.get({ id: 'a1' }, { batch });
        return table.batchGet(batch, { parse: true, consistent: true });
      },
    },
    {
      name: 'get in a transaction',
      from: 'table',
      async run({ table, accounts, users }) {
        const transaction = {};
        await accounts.get({ id: 'a1' }, { transaction });
        await users.get(ada, { transaction });
        return table.transact('get', transaction, { parse: true, hidden: true });
      },
    },
    {
      name: 'find by a sort key prefix',
      from: 'cache',
      run: async ({ users }) => page(await users.find({ accountId: 'a1' })),
    },
    {
      name: 'find by a range, backwards',
      from: 'cache',
      run: async ({ users }) =>
        page(
          await users.find(
            { accountId: 'a1', sk: { between: ['user#a', 'user#b'] } as never },
            { reverse: true },
          ),
        ),
    },
    {
      name: 'find with a filter',
      from: 'cache',
      run: async ({ users }) =>
        page(
          await users.find(
            { accountId: 'a1' },
            { where: '${age} > {10} and contains(${tags}, {mathematician})' },
          ),
        ),
    },
    {
      name: 'find of some fields',
      from: 'cache',
      isWithoutTtl: true,
      run: async ({ users }) => page(await users.find({ accountId: 'a1' }, { fields: ['email', 'theme'] })),
    },
    {
      name: 'count',
      from: 'cache',
      isWithoutTtl: true,
      run: async ({ users }) => page(await users.find({ accountId: 'a1' }, { count: true })),
    },
    {
      name: 'find by a global index',
      from: 'cache',
      isWithoutTtl: true,
      run: async ({ users }) => page(await users.find({ role: 'admin' }, { index: 'gs1' })),
    },
    {
      name: 'find by an index of keys that is followed',
      from: 'cache',
      isWithoutTtl: true,
      run: async ({ accounts }) => page(await accounts.find({ plan: 'pro' }, { index: 'gs2', follow: true })),
    },
    {
      name: 'find by an index of keys that is not followed',
      from: 'cache',
      isWithoutTtl: true,
      run: async ({ accounts }) =>
        page(await accounts.find({ plan: 'free' }, { index: 'gs2', hidden: true })),
    },
    {
      name: 'find by a local index',
      from: 'cache',
      isWithoutTtl: true,
      run: async ({ users }) =>
        page(await users.find({ accountId: 'a1', ls1sk: { begins: 'age#' } as never }, { index: 'ls1' })),
    },
    {
      name: 'find with statistics',
      from: 'cache',
      async run({ users }) {
        const stats: { count?: number; scanned?: number } = {};
        const found = page(await users.find({ accountId: 'a1' }, { stats }));
        return { ...found, count: stats.count, scanned: stats.scanned };
      },
    },
    {
      name: 'pages, forwards and back',
      from: 'cache',
      async run({ table }) {
        const key = { pk: 'account#a1' };
        const first = await table.queryItems(key, { limit: 1, parse: true, hidden: true });
        const second = await table.queryItems(key, {
          limit: 1,
          parse: true,
          hidden: true,
          next: first.next ?? {},
        });
        const back = second.prev
          ? await table.queryItems(key, { limit: 1, parse: true, hidden: true, prev: second.prev })
          : [];
        return [first, second, back].map((items) => page(items));
      },
    },
    {
      name: 'collection of several models',
      from: 'cache',
      run: ({ table }) => table.fetch(['Account', 'User', 'Session'], { pk: 'account#a1' }),
    },
    { name: 'scan of a model', from: 'cache', run: async ({ accounts }) => page(await accounts.scan()) },
    {
      name: 'scan with a filter',
      from: 'cache',
      run: async ({ users }) => page(await users.scan({}, { where: '${role} = {admin}' })),
    },
    {
      name: 'scan of each segment',
      from: 'cache',
      async run({ users }) {
        const scan = async (segment: number) => page(await users.scan({}, { segment, segments: 2 }));
        return [await scan(0), await scan(1)];
      },
    },
    {
      name: 'scan without a model, in pages',
      from: 'cache',
      async run({ table }) {
        const first = await table.scanItems({}, { limit: 2, parse: true, hidden: true });
        const second = await table.scanItems(
          {},
          { limit: 2, parse: true, hidden: true, next: first.next ?? {} },
        );
        return [first, second].map((items) => page(items));
      },
    },
    {
      name: 'get without its model',
      from: 'cache',
      run: ({ table }) => table.getItem({ pk: 'raw#1', sk: 'raw#' }, { parse: true, hidden: true }),
    },
  ],
};
