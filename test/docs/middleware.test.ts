import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as clientDynamodb from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from 'vitest';
import { cachingClient, tableOf } from '../support/examples.js';
import { page, ROOT } from '../support/pages.js';

const { BatchGetItemCommand, GetItemCommand } = clientDynamodb;
const PAGE = page('docs/middleware.md');

describe('the table of calls', () => {
  const [calls = []] = PAGE.tables();
  const named = calls.flatMap(([call = '']) => call.match(/(?<=`)[A-Z]\w+(?=`)/g) ?? []);
  const isCommand = (name: string) => `${name}Command` in clientDynamodb;

  test('names what the middleware answers, and what else reads items or writes them with PartiQL', () => {
    const middleware = readFileSync(join(ROOT, 'src/read/middleware.ts'), 'utf8');
    const answered = [...middleware.matchAll(/'(\w+)Command'/g)].map(([, name]) => name ?? '');
    expect(answered.length).toBeGreaterThan(0);
    const statements = ['ExecuteStatement', 'BatchExecuteStatement', 'ExecuteTransaction'];
    const expected = [...answered, 'TransactGetItems', ...statements];
    expect(expected.filter((name) => !isCommand(name))).toEqual([]);
    expect([...new Set(named.filter(isCommand))].sort()).toEqual(expected.sort());
  });

  test('and what follows it name the metadata that answers carry', async () => {
    const client = cachingClient(tableOf({ id: { S: '7' } }), { cache: 'memory:' });
    const key = { id: { S: '7' } };
    const batch = new BatchGetItemCommand({ RequestItems: { users: { Keys: [key] } } });
    const answers = [batch, new GetItemCommand({ TableName: 'users', Key: key })];
    for (const command of answers) {
      const { CacheMetadata = {} } = (await client.send(command as never)) as { CacheMetadata?: object };
      for (const member of Object.keys(CacheMetadata)) expect(PAGE.text).toContain(member);
    }
  });
});
