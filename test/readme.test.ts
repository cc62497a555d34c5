import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as clientDynamodb from '@aws-sdk/client-dynamodb';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { transform } from 'esbuild';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import { DEV_HELP } from '../src/cli/dev-options.js';
import { invoke } from '../src/cli/invoke.js';
import { INVOKE_HELP } from '../src/cli/invoke-options.js';
import { MEANING } from '../src/cli/outcomes.js';
import { restamp } from '../src/cli/restamp.js';
import { painter } from '../src/cli/terminal.js';
import { resolveConfig } from '../src/config.js';
import { DEFAULT_SERVICE } from '../src/environment.js';
import { iamAuthentication } from '../src/iam/index.js';
import { PARAMETERS } from '../src/iam/target.js';
import * as dynamodbStreamCache from '../src/index.js';
import { guardKey, switchKey, tableTag } from '../src/key.js';
import { METRIC_NAMESPACE, METRICS } from '../src/metrics/names.js';
import { switchNote } from '../src/reader-switch.js';
import { record } from './support/records.js';
import { type UnreliableStore, unreliable } from './support/stores.js';

const { decode, encode, itemKey, memoryStore, NewCachingMiddleware, NewStreamCacheHandler } =
  dynamodbStreamCache;
const { BatchGetItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } = clientDynamodb;

const ROOT = join(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const EXAMPLES = blocks('ts');

afterEach(() => vi.unstubAllEnvs());

describe('the TypeScript examples', () => {
  test('compile against the types of the package', { timeout: 120_000 }, async () => {
    // Inside the repository, where the package's own name and its dependencies resolve; ignored by git and Biome.
    await mkdir(join(ROOT, 'dist'), { recursive: true });
    const folder = await mkdtemp(join(ROOT, 'dist', 'readme-'));
    try {
      const files = EXAMPLES.map((example, index) => fileOf(example) ?? `example-${index}.ts`);
      await Promise.all(files.map((file, index) => writeFile(join(folder, file), EXAMPLES[index] ?? '')));
      const compilerOptions = {
        // From the sources, so that no build has to come first.
        paths: {
          'dynamodb-stream-cache': [join(ROOT, 'src/index.ts')],
          'dynamodb-stream-cache/iam': [join(ROOT, 'src/iam/index.ts')],
          'dynamodb-stream-cache/local': [join(ROOT, 'src/local/index.ts')],
          'dynamodb-stream-cache/cdk': [join(ROOT, 'infra/index.ts')],
          'dynamodb-stream-cache/metrics': [join(ROOT, 'src/metrics/index.ts')],
        },
      };
      const tsconfig = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: [], files };
      // The sources import Lua as text, which they declare for themselves.
      tsconfig.files = [...files, join(ROOT, 'src/raw.d.ts')];
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));

      expect(EXAMPLES.length).toBeGreaterThan(3);
      expect(await complaintsOfTsc(folder)).toBe('');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('the pair is ten lines without imports, and both read and keep the text that is shown', async () => {
    const pair = EXAMPLES.slice(0, 3);
    expect(pair.map(fileOf)).toEqual(['cache.ts', 'handler.ts', 'client.ts']);
    const lines = pair.flatMap((example) => example.split('\n'));
    expect(lines.filter((line) => !/^$|^(?:import|\/\/) /.test(line))).toHaveLength(10);

    const namespace = `readme-${randomUUID()}`;
    vi.stubEnv('STREAM_CACHE_URL', inject('redisUrl'));
    vi.stubEnv('STREAM_CACHE_NAMESPACE', namespace);
    vi.stubEnv('STREAM_CACHE_READ_TIMEOUT_MS', '10000');
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    const table = tableOf({ id: { S: '7' }, name: { S: 'Grace Hopper' } });
    const config = await run(pair[0] ?? '');
    const { handler } = await run(pair[1] ?? '', { './cache.js': config });
    const { client } = await run(pair[2] ?? '', { './cache.js': config, '@aws-sdk/client-dynamodb': table });
    const get = (id: string) =>
      client.send(new GetItemCommand({ TableName: 'users', Key: { id: { S: id } } }));
    const redis = new Redis(inject('redisUrl'));
    try {
      expect(await handler(recorded('insert.json'))).toEqual({ batchItemFailures: [] });
      expect(README).toContain('`users:id=42`');
      const text = await redis.get(`${namespace}:users:id=42`);
      expect(text).toBe(JSON.stringify(JSON.parse(blocks('json')[0] ?? '')));
      expect(await redis.ttl(`${namespace}:users:id=42`)).toBeLessThanOrEqual(3600);

      expect(await get('42')).toMatchObject({ Item: decode(text ?? ''), CacheMetadata: { CacheHit: true } });
      expect(table.requests).toEqual([]);
      expect(await get('7')).not.toHaveProperty('CacheMetadata');
      expect(await get('7')).toMatchObject({
        Item: { name: { S: 'Grace Hopper' } },
        CacheMetadata: { CacheHit: true },
      });
      expect(table.requests).toEqual(['GetItem']);
    } finally {
      const keys = [...(await redis.keys(`${namespace}:*`)), ...(await redis.keys(`{${namespace}:*`))];
      await redis.unlink(keys);
      redis.disconnect();
    }
  });

  test('the one of a test passes where the mapping brings what is written', async () => {
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    let isStopped = false;
    class LocalEventSourceMapping {
      readonly #handler: dynamodbStreamCache.StreamCacheHandler;
      constructor({ handler }: { handler: dynamodbStreamCache.StreamCacheHandler }) {
        this.#handler = handler;
      }
      async start() {}
      async drained() {
        const NewImage = { id: { S: '42' }, name: { S: 'Ada Lovelace' } };
        await this.#handler({ Records: [record({ newImage: NewImage })] });
      }
      async stop() {
        isStopped = true;
      }
    }
    const bodies: (() => Promise<void>)[] = [];
    await run(exampleWith('LocalEventSourceMapping'), {
      '@aws-sdk/client-dynamodb': tableOf(),
      'dynamodb-stream-cache/local': { LocalEventSourceMapping },
      vitest: { expect, test: (_name: string, body: () => Promise<void>) => bodies.push(body) },
    });
    for (const body of bodies) await body();
    expect(isStopped).toBe(true);
  });

  test('the one of keys makes the keys that it seems to make', async () => {
    const reports = subscribed();
    vi.stubEnv('STREAM_CACHE_URL', 'memory:');
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    const { handler } = await run(exampleWith('alsoDelete'));
    await handler({
      Records: [...recorded('modify.json').Records, ...recorded('composite-key.json').Records],
    });
    reports.stop();
    expect(reports.of('record').map(({ key, outcome }) => `${key} ${outcome}`)).toEqual([
      'user/42 written',
      'orders:customerId=c1,orderId#7 superseded',
      'orders:customerId=c1,orderId#8 deleted',
      'orders:customerId=c1,orderId#7 deleted',
    ]);
  });

  test('the one of a store for tests finds what the handler cached', async () => {
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
    const { handler, cachedUser } = await run(exampleWith('cachedUser'));
    await handler(recorded('insert.json'));
    expect(decode(await cachedUser('42'))).toMatchObject({ name: { S: 'Ada Lovelace' } });
  });

  test('the one that listens counts what was late', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const subscribed: ((message: unknown) => void)[] = [];
    await run(exampleWith('subscribe'), {
      'node:diagnostics_channel': {
        subscribe: (_name: string, listener: (message: unknown) => void) => subscribed.push(listener),
      },
    });
    for (const listener of subscribed) listener({ type: 'batch', records: 3, outcomes: { late: 2 } });
    expect(log).toHaveBeenCalledWith('2 of 3 were late');
  });
});

describe('the command line', () => {
  test('prints what is shown', async () => {
    vi.stubEnv('STREAM_CACHE_URL', '');
    const [, args = ''] = /npx stream-cache invoke (.+)/.exec(README) ?? [];
    let printed = '';
    const code = await invoke(args.split(' '), {
      width: 120,
      paint: painter(false),
      print: (text) => {
        printed += text;
      },
      flush: async () => {},
    });
    expect(code).toBe(0);
    expect(blocks('text')).toContain(printed);
  });

  test('has the options that are listed', () => {
    const options = (text: string) => [...new Set(text.match(/(?<!\w)--[a-z][a-z-]*/g))].sort();
    expect(options(section('Invoke it locally'))).toEqual(options(INVOKE_HELP));
    const loop = section('The loop on one machine').replace(/^(?:npm|docker) .*$/gm, '');
    expect(options(loop)).toEqual(options(DEV_HELP));
  });

  test('has every event file that is there to be tried', () => {
    const listed = section('Invoke it locally').match(/`[a-z-]+\.json`/g) ?? [];
    expect(listed.map((name) => name.slice(1, -1)).sort()).toEqual(readdirSync(join(ROOT, 'events')).sort());
  });
});

describe('the table of calls', () => {
  const [calls = []] = tables('What the middleware does');
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
      for (const member of Object.keys(CacheMetadata))
        expect(section('What the middleware does')).toContain(member);
    }
  });
});

describe('the options', () => {
  const [common = [], ofTables = [], ofHandler = []] = tables('Options').map((rows) =>
    rows.map(([option = '', environment = '', fallback = '']) => ({
      option: code(option),
      environment: code(environment),
      fallback: code(fallback),
    })),
  );

  test('are those that the configuration knows', () => {
    const known = knownIn(() => resolveConfig({ cache: 'memory:', nonsense: 1 } as object, {}));
    expect([...common, ...ofHandler].map(({ option }) => option).sort()).toEqual(known);
    const knownOfTables = knownIn(() =>
      resolveConfig({ cache: 'memory:', tables: { users: { nonsense: 1 } as object } }, {}),
    );
    expect([...common, ...ofTables].map(({ option }) => option).sort()).toEqual(knownOfTables);
  });

  test('stand beside the environment variables that the configuration reads', () => {
    const known = knownIn(() => resolveConfig({}, { STREAM_CACHE_NONSENSE: '1' }));
    const variables = [...common, ...ofTables, ...ofHandler].flatMap(({ environment }) => environment || []);
    const ofTheFunction = section('Deploy').match(/(?<=`)STREAM_CACHE_METRICS(?=`)/g) ?? [];
    expect([...variables, ...ofTheFunction].sort()).toEqual(known);
    const namedAnywhere = new Set(README.match(/STREAM_CACHE_[A-Z_]*[A-Z]/g));
    expect(known).toEqual(expect.arrayContaining([...namedAnywhere]));
    for (const { option, environment } of [...common, ...ofHandler]) {
      const message = messageOf(() => resolveConfig({ cache: 'memory:', [option]: Symbol('wrong') }, {}));
      expect(message).toContain(`Option ${option} `);
      expect(/STREAM_CACHE_\w+/.exec(message)?.[0] ?? '').toBe(environment);
    }
  });

  test('have the defaults that are listed', () => {
    const settings = resolveConfig({ cache: 'memory:' }, {});
    const { mode, ttlMs, ttlJitter, rules } = settings.table('users');
    const listed = [...common, ...ofHandler].map(({ option, fallback }) => [option, fallback]);
    expect(Object.fromEntries(listed)).toMatchObject({
      mode,
      ttlSeconds: String(ttlMs.item / 1000),
      ttlJitter: String(ttlJitter),
      lateAfterSeconds: String(rules.lateAfterMs / 1000),
      guardSeconds: String(rules.guardMs / 1000),
      settleSeconds: String(rules.settleMs / 1000),
      readTimeoutMs: String(settings.readTimeoutMs),
    });
    const further = [...section('Options').matchAll(/`(itemNegative|query|scan)` \((\d+)\)/g)];
    expect(Object.fromEntries(further.map(([, name, seconds]) => [name, Number(seconds) * 1000]))).toEqual({
      itemNegative: ttlMs.itemNegative,
      query: ttlMs.query,
      scan: ttlMs.scan,
    });
    expect(() =>
      resolveConfig({ cache: 'memory:', lateAfterSeconds: 100, guardSeconds: 105 }, {}),
    ).not.toThrow();
    expect(() => resolveConfig({ cache: 'memory:', lateAfterSeconds: 100, guardSeconds: 104 }, {})).toThrow();
  });

  test('modes are those that the configuration takes', () => {
    const modes = tables('Modes')
      .flat()
      .map(([mode = '']) => code(mode));
    expect(messageOf(() => resolveConfig({ mode: 'nonsense' as 'write' }, {}))).toContain(
      `expected ${modes.slice(0, -1).join(', ')} or ${modes.at(-1)}, not "nonsense".`,
    );
  });
});

describe('the keys', () => {
  const rows = tables('Keys').flat();

  test.each(rows)('of %s with key %s is %s', (table, keys, expected) => {
    const [, name = '', namespace] = /^`(\w+)`(?:, in namespace `(\w+)`)?$/.exec(table ?? '') ?? [];
    expect(itemKey(namespace, name, JSON.parse(code(keys)))).toBe(code(expected));
  });

  test('over 1,024 bytes are hashed as described', () => {
    const id = 'x'.repeat(1_024);
    const digest = createHash('sha256').update(`shop:users:id=${id}`).digest('base64url');
    expect(itemKey('shop', 'users', { id: { S: id } })).toBe(`shop:users:sha256.${digest}`);
    expect(itemKey(undefined, 'users', { id: { S: id.slice('users:id='.length) } })).toMatch(/^users:id=x+$/);
  });

  test('of guards are as described', () => {
    expect(section('Keys')).toContain(`\`${guardKey('K')}\``);
    expect(guardKey('user:{42}')).toMatch(/^user:\{42\}.*:guard$/);
    expect(section('Keys')).toContain(`\`${guardKey(tableTag(undefined, 'users'))}\``);
  });
});

describe('the stored values', () => {
  const rows = tables('Stored values').flat();

  test.each(rows)('of %s is %s, type %s', (attribute, json, type) => {
    const [value, stored, kind] = [JSON.parse(code(attribute)), code(json), code(type)];
    const types = kind === '' ? '' : `,"$types":{"/it":"${kind}"}`;
    expect(encode({ it: value })).toBe(`{"it":${stored}${types}}`);
  });

  test('name every type of DynamoDB', () => {
    const types = rows.map(([attribute]) => Object.keys(JSON.parse(code(attribute)))[0]);
    expect([...new Set(types)].sort()).toEqual(['B', 'BOOL', 'BS', 'L', 'M', 'N', 'NS', 'NULL', 'S', 'SS']);
  });

  test('are read by what the Python example does, whatever the item', () => {
    const item = recorded('every-attribute-type.json').Records[0]?.dynamodb?.NewImage as never;
    expect(blocks('python')).toHaveLength(1);
    expect(readLikePython(encode(item))).toEqual(plainMembers(item));
    expect(readLikePython(encode({ $types: { S: 'own' }, $$types: { NS: ['1'] } }))).toEqual(
      new Map<string, unknown>([
        ['$types', 'own'],
        ['$$types', new Set([new Decimal('1')])],
      ]),
    );
    expect(readLikePython('null')).toBeNull();
  });
});

describe('what is said of observability', () => {
  const [reportRows = [], outcomeRows = [], logRows = []] = tables('Observability');

  test('names every type of report and its fields', async () => {
    const byType: Record<dynamodbStreamCache.Report['type'], true> = {
      record: true,
      poison: true,
      'invalidates-only': true,
      batch: true,
      hit: true,
      miss: true,
      fill: true,
      'strong-read': true,
      undecodable: true,
      void: true,
      declined: true,
      shadow: true,
      'reader-mode': true,
      'left-alone': true,
      uncertain: true,
      'cache-failure': true,
      breaker: true,
    };
    const typesOf = (cell = '') => cell.split(', ').map(code);
    expect(reportRows.flatMap(([types]) => typesOf(types)).sort()).toEqual(Object.keys(byType).sort());

    const reports = subscribed();
    await everythingThatIsLogged();
    reports.stop();
    for (const [types, , holds = ''] of reportRows) {
      const named = [...holds.matchAll(/`(\w+)`/g)].map(([, name]) => name);
      for (const type of typesOf(types)) {
        const held = reports.of(type).flatMap((report) => Object.keys(report));
        expect([...new Set(held)].filter((name) => name !== 'type').sort(), type).toEqual(named.sort());
      }
    }
  });

  test('names every outcome', () => {
    expect(outcomeRows.map(([outcome]) => code(outcome)).sort()).toEqual(Object.keys(MEANING).sort());
  });

  test('names every line that can be logged, with its level', async () => {
    const named = logRows.flatMap(([level, lines = '']) =>
      [...lines.matchAll(/`([A-Z][^`]+)`/g)].map(([, line]) => `${level} ${line}`),
    );
    expect([...new Set(await everythingThatIsLogged())].sort()).toEqual(named.sort());
  });
});

describe('the options of IAM authentication', () => {
  const rows = tables('IAM authentication').flat();

  test('are those that it knows', () => {
    const known = knownIn(() => iamAuthentication({ nonsense: 1 } as object));
    expect(rows.map(([, option]) => code(option)).sort()).toEqual(known);
  });

  test('stand beside the parameters of the URL', () => {
    const named = rows.flatMap(([parameter]) => code(parameter) || []);
    expect([...named].sort()).toEqual([...PARAMETERS].sort());
    const [, url = ''] = /^STREAM_CACHE_URL=(rediss:.*iam=.*)$/m.exec(README) ?? [];
    const credentials = () => ({ accessKeyId: 'local', secretAccessKey: 'local' });
    const iam = iamAuthentication({ credentials, region: 'eu-west-1' });
    expect(() => resolveConfig({ cache: url, iam }, {})).not.toThrow();
  });
});

describe('the metrics', () => {
  const rows = tables('Metrics').flat();

  test('are all that there are, with their units and dimensions', () => {
    const listed = rows.flatMap(([names = '', unit, dimensions]) =>
      names.split(', ').map((name) => [code(name), { unit, dimensions }]),
    );
    const all = Object.entries(METRICS).map(([name, { unit, per }]) => [
      name,
      { unit, dimensions: per === 'table' ? 'service, table' : 'service' },
    ]);
    expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(all));
  });

  test('are in the namespace, and of the service, that is named', () => {
    expect(section('Metrics')).toContain(`\`${METRIC_NAMESPACE}\``);
    expect(section('Metrics')).toContain(`\`${DEFAULT_SERVICE}\``);
  });
});

test('every link leads somewhere', () => {
  const pages = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  for (const file of ['README.md', 'CONTRIBUTING.md', ...pages.map((name) => `docs/${name}`)]) {
    for (const [, target = ''] of proseOf(file).matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith('https://')) continue;
      const [path = '', anchor] = target.split('#');
      const linked = path === '' ? file : join(dirname(file), path);
      expect(existsSync(join(ROOT, linked)), `${file}: ${target}`).toBe(true);
      const titles = anchor === undefined ? [] : [...proseOf(linked).matchAll(/^#+ (.+)$/gm)];
      if (anchor !== undefined)
        expect(
          titles.map(([, title = '']) => anchorOf(title)),
          file,
        ).toContain(anchor);
    }
  }
});

function proseOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8').replace(/^```.*?^```$/gms, '');
}

/** The file that an example says it is. */
function fileOf(example: string): string | undefined {
  return /^\/\/ (\S+\.ts)\n/.exec(example)?.[1];
}

/** The README's fenced blocks of a language. */
function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  );
}

function exampleWith(word: string): string {
  const found = EXAMPLES.filter((example) => example.includes(word));
  expect(found).toHaveLength(1);
  return found[0] ?? '';
}

function section(title: string): string {
  const [, text = ''] = README.split(`\n## ${title}\n`);
  expect(text, `section ${title}`).not.toBe('');
  return text.split('\n## ')[0] ?? '';
}

/** The tables of a section, as rows of cells without the head. */
function tables(title: string): string[][][] {
  const found = section(title).match(/(?:^\|.*\|\n)+/gm) ?? [];
  return found.map((table) =>
    table
      .trimEnd()
      .split('\n')
      .slice(2)
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
  );
}

/** What a cell says, without the marks of code. */
function code(cell = ''): string {
  return cell.replace(/^`(.*)`$/, '$1');
}

function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

/** The names that an error message lists as known. */
function knownIn(call: () => unknown): string[] {
  const [, names = ''] = /Known are: (.+)\.$/.exec(messageOf(call)) ?? [];
  return names.split(', ').sort();
}

/** A file of `events/` as if it had just happened. */
function recorded(file: string): DynamoDBStreamEvent {
  return restamp(JSON.parse(readFileSync(join(ROOT, 'events', file), 'utf8')), Date.now());
}

/** Runs an example, and returns what it exports. */
async function run(example: string, modules: Record<string, unknown> = {}) {
  const { code: script } = await transform(example, { loader: 'ts', format: 'cjs' });
  const known: Record<string, unknown> = { 'dynamodb-stream-cache': dynamodbStreamCache, ...modules };
  const module = { exports: {} };
  const require = (name: string) => known[name] ?? expect.unreachable(`the example imports ${name}`);
  new Function('require', 'module', 'exports', script)(require, module, module.exports);
  // biome-ignore lint/suspicious/noExplicitAny: the other test has checked the example's types.
  return module.exports as Record<string, any>;
}

/** What the compiler says against the files of a folder; what it says against the sources is for `npm run types`. */
async function complaintsOfTsc(folder: string): Promise<string> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const all = await promisify(execFile)(process.execPath, [tsc, '-p', folder], { cwd: ROOT }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; message: string }) => error.stdout || error.message,
  );
  return all.replace(/^src\/.*\n(?: .*\n)*/gm, '').trim();
}

/** The module of the SDK with a client that answers with one item, or with none, and notes what it is asked. */
function tableOf(item?: dynamodbStreamCache.AttributeMap) {
  const requests: string[] = [];
  async function handle({ headers }: { headers: Record<string, string> }) {
    const operation = headers['x-amz-target']?.split('.')[1] ?? '';
    requests.push(operation);
    const answers: Record<string, object> = {
      GetItem: { Item: item },
      BatchGetItem: { Responses: { users: [item] } },
    };
    const body = new TextEncoder().encode(JSON.stringify(answers[operation] ?? {}));
    return { response: { statusCode: 200, headers: {}, body } };
  }
  class DynamoDBClient extends clientDynamodb.DynamoDBClient {
    constructor() {
      super({
        region: 'eu-west-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        requestHandler: { handle } as never, // all that the SDK needs of one
      });
    }
  }
  return { ...clientDynamodb, DynamoDBClient, requests };
}

function cachingClient(
  { DynamoDBClient }: ReturnType<typeof tableOf>,
  config: dynamodbStreamCache.StreamCacheConfig,
) {
  const client = new DynamoDBClient();
  client.middlewareStack.use(NewCachingMiddleware({ readTimeoutMs: 5_000, ...config }));
  return client;
}

function subscribed() {
  const reports: dynamodbStreamCache.Report[] = [];
  const listen = (report: unknown) => reports.push(report as dynamodbStreamCache.Report);
  diagnostics.subscribe(dynamodbStreamCache.REPORT_CHANNEL, listen);
  return {
    of: <T extends string>(type: T) =>
      reports.filter(
        (report): report is Extract<dynamodbStreamCache.Report, { type: T }> => report.type === type,
      ),
    stop: () => diagnostics.unsubscribe(dynamodbStreamCache.REPORT_CHANNEL, listen),
  };
}

/** Has a handler and a reader meet all that they have something to say about; returns what they logged. */
async function everythingThatIsLogged(): Promise<string[]> {
  const said: string[] = [];
  const at = (level: string) => (message: string) => said.push(`${level} ${message}`);
  const store = unreliable(memoryStore());
  const config = {
    cache: store,
    logger: { debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') },
  };
  await everyHandlerReport(config);
  await everyReaderReport(config);
  await everyReaderMode(config);
  return said;
}

async function everyHandlerReport(config: { cache: UnreliableStore }): Promise<void> {
  const handler = NewStreamCacheHandler(config);
  await handler(recorded('poison-record.json'));
  await handler(recorded('keys-only-view.json'));
  config.cache.failWhen(() => true);
  await handler({ Records: [record()] });
  config.cache.failWhen(() => false);
}

async function everyReaderReport(config: { cache: UnreliableStore }): Promise<void> {
  const item = { id: { S: '7' } };
  const client = cachingClient(tableOf(item), config);
  await client.send(new PutItemCommand({ TableName: 'orders', Item: item })); // of which nobody has named a key
  await client.send(new clientDynamodb.DeleteItemCommand({ TableName: 'carts', Key: {} }));
  for (const id of ['id', 'name']) {
    await client.send(new GetItemCommand({ TableName: 'staff', Key: { [id]: { S: '7' } } }));
  }
  const get = () => client.send(new GetItemCommand({ TableName: 'users', Key: item }));
  await get();
  await get();
  await client.send(new PutItemCommand({ TableName: 'users', Item: item }));
  await get();
  await config.cache.put([{ key: 'users:id=7', value: 'not ours', ttlMs: 60_000 }]);
  await get();
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  config.cache.failWhen(() => true);
  for (let failures = 0; failures < 3; failures += 1) await get();
  config.cache.failWhen(() => false);
  now.mockReturnValue(60_000);
  await get();
  now.mockRestore();
  client.middlewareStack.add((next) => next, { step: 'deserialize', priority: 'low' });
  await get();
  const ofAnOldSdk = (next: () => void) => next;
  const stack = new DynamoDBClient().middlewareStack;
  NewCachingMiddleware(config).applyToStack({
    ...stack,
    add: (first: typeof ofAnOldSdk) =>
      (first as (...args: unknown[]) => void)(() => {}, { commandName: 'GetItemCommand' }),
  });
}

/** The switch is turned to each mode, where an entry is stale. */
async function everyReaderMode(config: { cache: UnreliableStore }): Promise<void> {
  const Key = { id: { S: '8' } };
  const client = cachingClient(tableOf(Key), config);
  const text = encode({ ...Key, name: { S: 'of before' } });
  await config.cache.put([{ key: itemKey(undefined, 'users', Key), value: text, ttlMs: 60_000 }]);
  const now = vi.spyOn(Date, 'now');
  for (const mode of ['off', 'shadow', 'on'] as const) {
    now.mockReturnValue(Date.now() + 5_000);
    if (mode === 'on') await config.cache.delete([switchKey(undefined)]);
    else await config.cache.put([switchNote(undefined, mode)]);
    await client.send(new GetItemCommand({ TableName: 'users', Key }));
  }
  now.mockRestore();
}

class Decimal {
  readonly text: string;

  constructor(number: unknown) {
    this.text = number instanceof Decimal ? number.text : String(number);
  }
}

/** The README's Python, line by line; a Map is a dict, a Buffer bytes. */
function readLikePython(text: string): Map<string, unknown> | null {
  const types: Record<string, (value: never) => unknown> = {
    N: (number: string) => new Decimal(number),
    B: base64,
    SS: (texts: string[]) => new Set(texts),
    NS: (numbers: unknown[]) => new Set(numbers.map((number) => new Decimal(number))),
    BS: (texts: string[]) => new Set(texts.map(base64)),
  };
  const item = asInPython(JSON.parse(text)) as Map<string, unknown> | null;
  if (item === null) return null;
  const pointers = (item.get('$types') ?? new Map()) as Map<string, string>;
  item.delete('$types');
  for (const [pointer, kind] of pointers) {
    const path = pointer
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = path.pop() ?? '';
    let parent: unknown = item;
    for (const step of path)
      parent = Array.isArray(parent) ? parent[Number(step)] : (parent as Map<string, unknown>).get(step);
    const typed = types[kind] ?? expect.unreachable(kind);
    if (Array.isArray(parent)) parent[Number(last)] = typed(parent[Number(last)] as never);
    else
      (parent as Map<string, unknown>).set(last, typed((parent as Map<string, unknown>).get(last) as never));
  }
  return new Map([...item].map(([name, value]) => [name.replace(/^\$(\$+types)$/, '$1'), value]));
}

function asInPython(json: unknown): unknown {
  if (typeof json === 'number') return new Decimal(json);
  if (Array.isArray(json)) return json.map(asInPython);
  if (typeof json !== 'object' || json === null) return json;
  return new Map(Object.entries(json).map(([name, value]) => [name, asInPython(value)]));
}

/** What the members of an item are to a program, told from the item itself. */
function plainMembers(item: dynamodbStreamCache.AttributeMap): Map<string, unknown> {
  return new Map(Object.entries(item).map(([name, value]) => [name, plain(value)]));
}

function plain(value: dynamodbStreamCache.AttributeValue): unknown {
  if ('N' in value) return new Decimal(value.N);
  if ('B' in value) return base64(value.B as string);
  if ('SS' in value) return new Set(value.SS);
  if ('NS' in value) return new Set(value.NS.map((number) => new Decimal(number)));
  if ('BS' in value) return new Set(value.BS.map((text) => base64(text as string)));
  if ('M' in value) return plainMembers(value.M);
  if ('L' in value) return value.L.map(plain);
  if ('NULL' in value) return null;
  return 'S' in value ? value.S : value.BOOL;
}

function base64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}
