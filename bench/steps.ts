import { NewStreamCacheHandler } from '../src/stream/handler.js';
import { startRedis } from '../test/support/redis.js';
import type { Bench } from './bench.js';
import { CONTEXT, type Figure, twoDigits } from './figure.js';
import { batchOf } from './load.js';
import { profile } from './profile.js';
import { SILENT } from './write-path.js';

/** The steps of a record, by the files that do them; the first that matches counts. */
const STEPS: readonly (readonly [step: string, files: RegExp])[] = [
  ['parse', /^src\/stream\/records/],
  ['key', /^src\/key/],
  ['codec', /^src\/(?:codec|attributes)/],
  ['plan and report', /^src\/(?:stream|report|lifetime|group-by)|powertools/],
  ['guard', /^src\/store/],
  ['client', /^(?:ioredis|denque|redis-|standard-as|cluster-key)|^node:/],
];

/** S11: where the processor's time for a record goes. */
export async function cpuBySteps({ scale, steps }: Bench): Promise<Figure[]> {
  const server = await startRedis();
  try {
    const handler = NewStreamCacheHandler({ cache: server.url, logger: SILENT });
    const records = 10_000 * scale;
    const batches = 10;
    for (let count = 0; count < 3; count += 1) await handler(batchOf(records));
    const events = Array.from({ length: batches }, () => batchOf(records));
    const spent = await profile(async () => {
      for (const event of events) await handler(event);
    });
    for (const { name, file, micros } of spent) {
      const step = stepOf(name, file);
      if (step !== undefined) steps.set(step, (steps.get(step) ?? 0) + micros / (records * batches));
    }
    const sorted = [...steps].sort(([, a], [, b]) => b - a);
    return [
      {
        id: 'S11',
        what: 'processor time of a record, under the profiler',
        ours: `${twoDigits(sorted.reduce((sum, [, micros]) => sum + micros, 0))} µs`,
        baseline: sorted.map(([step, micros]) => `${step} ${twoDigits(micros)}`).join(', '),
        aim: CONTEXT,
      },
    ];
  } finally {
    await server.stop();
  }
}

function stepOf(name: string, file: string): string | undefined {
  if (name === '(garbage collector)') return 'garbage collection';
  if (name === 'dispatch') return undefined; // the profiler itself
  if (/write|Utf8|Latin1|byteLength/i.test(name) && file === '') return 'client'; // the socket's own code
  return STEPS.find(([, files]) => files.test(file))?.[0] ?? 'else';
}
