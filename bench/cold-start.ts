import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

import { startMemcached } from '../test/support/memcached.js';
import { startMomento } from '../test/support/momento.js';
import { startRedis } from '../test/support/redis.js';
import type { Bench } from './bench.js';
import { startChild } from './child.js';
import { atMost, CONTEXT, type Figure, thousands, twoDigits } from './figure.js';
import { batchOf } from './load.js';
import { type Contender, each, interleave, ratio, typical } from './rounds.js';

const OURS = 'lambda.mjs';
const BARE = 'bare bundle';
const MEMCACHED = 'lambda.mjs on memcached';
const MOMENTO = 'lambda.mjs on Momento (stand-in)';

/** The function without code, as it is shipped. */
const BUILT = 'dist/lambda.mjs';

const PLAIN_BUNDLE: BuildOptions = {
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
};

/** In milliseconds: to load the bundle, and from there to the response of the first invocation. */
interface Start {
  readonly load: number;
  readonly first: number;
}

/** S8: what a new execution environment costs, and the size of what it loads. */
export async function coldStart({ rounds, scale }: Bench): Promise<Figure[]> {
  await access(BUILT).catch((cause) => {
    throw new Error(`There is no ${BUILT}: build it with \`npm run build\`.`, { cause });
  });
  const folder = await mkdtemp(join(tmpdir(), 'stream-cache-bench-'));
  const [server, memcached, momento] = await Promise.all([startRedis(), startMemcached(), startMomento()]);
  try {
    const bare = join(folder, 'bare.mjs');
    await build({ ...PLAIN_BUNDLE, entryPoints: ['bench/bare-handler.ts'], outfile: bare });
    const event = join(folder, 'event.json');
    await writeFile(event, JSON.stringify(batchOf(10)));

    const samples = await interleave(
      [
        start(OURS, BUILT, event, server.url),
        start(BARE, bare, event, server.url),
        start(MEMCACHED, BUILT, event, memcached.url),
        start(MOMENTO, BUILT, event, momento.url),
      ],
      {
        // Few milliseconds each, and each in a process of its own: it takes more of them to tell.
        rounds: Math.max(2, Math.ceil(rounds * 3 * scale)),
        warmUps: 1,
      },
    );
    const sizeOf = async (...files: string[]) => {
      const stats = await Promise.all(files.map((file) => stat(file)));
      return stats.reduce((sum, { size }) => sum + size, 0);
    };
    const sizes = [await sizeOf(BUILT), await sizeOf(bare)] as const;
    const onOther = async (name: string, file: string): Promise<Figure[]> => {
      const times = each(samples, ({ load, first }) => load + first);
      const size = await sizeOf(BUILT, file);
      return [
        {
          id: 'S8',
          what: `import and first invocation, ${name}`,
          ours: `${twoDigits(typical(times, name))} ms`,
          baseline: `${OURS} on Redis: ${twoDigits(typical(times, OURS))} ms`,
          ratio: ratio(times, name, OURS),
          aim: CONTEXT,
        },
        {
          id: 'S8',
          what: `size of what is loaded, ${name}`,
          ours: `${thousands(size)} B`,
          baseline: `${OURS} on Redis: ${thousands(sizes[0])} B`,
          ratio: size / sizes[0],
          aim: CONTEXT,
        },
      ];
    };
    const compared = (what: string, numberOf: (start: Start) => number, most?: number): Figure => {
      const times = each(samples, numberOf);
      const value = ratio(times, OURS, BARE);
      return {
        id: 'S8',
        what,
        ours: `${twoDigits(typical(times, OURS))} ms`,
        baseline: `${BARE}: ${twoDigits(typical(times, BARE))} ms`,
        ratio: value,
        aim: most === undefined ? CONTEXT : atMost(most, value),
      };
    };
    return [
      compared('import of the bundle', ({ load }) => load, 1.3),
      compared('first invocation, 10 records', ({ first }) => first, 1.3),
      compared('import and first invocation', ({ load, first }) => load + first, 1.3),
      {
        id: 'S8',
        what: 'size of the bundle',
        ours: `${thousands(sizes[0])} B`,
        baseline: `${BARE}: ${thousands(sizes[1])} B`,
        ratio: sizes[0] / sizes[1],
        aim: { text: '≤ 250 KB', isMet: sizes[0] <= 250_000 },
      },
      ...(await onOther(MEMCACHED, 'dist/lambda-memcached.mjs')),
      ...(await onOther(MOMENTO, 'dist/lambda-momento.mjs')),
    ];
  } finally {
    await Promise.all([server.stop(), memcached.stop(), momento.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

function start(name: string, bundle: string, event: string, url: string): Contender<Start> {
  return {
    name,
    async run() {
      const child = startChild('bench/start.mjs', [bundle, event], {
        env: { ...process.env, STREAM_CACHE_URL: url, POWERTOOLS_LOG_LEVEL: 'WARN' },
      });
      try {
        return await child.message<Start>();
      } finally {
        await child.end();
      }
    },
  };
}
