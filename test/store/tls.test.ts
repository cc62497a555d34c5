import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/machine.js';
import { type RedisServer, startRedis } from '../support/redis.js';

const run = promisify(execFile);

describe('a rediss:// URL', () => {
  let folder: string;
  let server: RedisServer;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'stream-cache-tls-'));
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    await writeFile(join(folder, 'cert.pem'), cert);
    await writeFile(join(folder, 'key.pem'), key);
    const port = await freePort();
    const file = (name: string) => join(folder, name);
    server = await startRedis({
      args: [
        '--tls-port',
        String(port),
        '--tls-auth-clients',
        'no',
        '--tls-cert-file',
        file('cert.pem'),
        '--tls-key-file',
        file('key.pem'),
        '--tls-ca-cert-file',
        file('cert.pem'),
      ],
    });
    url = `rediss://localhost:${port}`;
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  /** A process of its own, since certificates to trust are read when Node starts. */
  const invoke = (env: NodeJS.ProcessEnv) =>
    run(process.execPath, ['dist/cli.js', 'invoke', 'events/insert.json', '--json', '--cache', url], {
      env: { ...process.env, ...env },
    }).then(
      () => 0,
      (error: { code: number }) => error.code,
    );

  test('refuses a server whose certificate nobody vouches for', async () => {
    expect(await invoke({})).toBe(1);
  });

  test('takes it once its issuer is trusted', async () => {
    expect(await invoke({ NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') })).toBe(0);
  });
});
