import { access, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';

import { startRedis } from '../test/support/redis.js';
import type { Bench } from './bench.js';
import { startChild } from './child.js';
import { atMost, CONTEXT, type Figure, thousands, twoDigits } from './figure.js';
import { batchOf } from './load.js';
import { type Contender, each, interleave, ratio, typical } from './rounds.js';

const OURS = 'lambda.mjs';
const BARE = 'bare bundle';

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
  const server = await startRedis();
  try {
    const bare = join(folder, 'bare.mjs');
    await build({ ...PLAIN_BUNDLE, entryPoints: ['bench/bare-handler.ts'], outfile: bare });
    const event = join(folder, 'event.json');
    await writeFile(event, JSON.stringify(batchOf(10)));

    const samples = await interleave(
      [start(OURS, BUILT, event, server.url), start(BARE, bare, event, server.url)],
      {
        // Few milliseconds each, and each in a process of its own: it takes more of them to tell.
        rounds: Math.max(2, Math.ceil(rounds * 3 * scale)),
        warmUps: 1,
      },
    );
    const sizes = [(await stat(BUILT)).size, (await stat(bare)).size] as const;
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
    ];
  } finally {
    await server.stop();
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
