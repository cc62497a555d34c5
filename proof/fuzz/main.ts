// Hostile input by the hundred thousand: `npm run proof:fuzz [-- --runs 100000 --seed 1]`.
import { parseArgs } from 'node:util';
import { openMemory } from '../../src/store/memory.js';
import type { CampaignResult } from './campaign.js';
import { fuzzNearHits } from './near-hits.js';
import { fuzzOnDynamoDB } from './on-dynamodb.js';
import { fuzzOnRedis } from './on-redis.js';
import { fuzzOwnWrites } from './own-writes.js';
import { fuzzRequests } from './requests.js';
import { fuzzStoredValues } from './stored-values.js';
import { fuzzStreamEvents } from './stream-events.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    only: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e6) },
  },
});
const options = { runs: Number(values.runs), seed: Number(values.seed) };
if (!(options.runs > 0) || !Number.isInteger(options.seed))
  throw new Error('--runs and --seed take numbers.');
// Real servers take longer for each.
const few = { ...options, runs: Math.ceil(options.runs / 20) };

console.log(`Hostile input, seed ${options.seed}.`);
const campaigns: Record<string, () => Promise<CampaignResult>> = {
  events: () => fuzzStreamEvents(options, openMemory(Date.now).store),
  requests: () => fuzzRequests(options),
  values: () => fuzzStoredValues(options),
  redis: () => fuzzOnRedis(few),
  dynamodb: () => fuzzOnDynamoDB(few),
  near: () => fuzzNearHits(options),
  writes: () => fuzzOwnWrites(options),
};
for (const [name, campaign] of Object.entries(campaigns)) {
  if (values.only === undefined || values.only === name) await run(campaign);
}
process.exit(process.exitCode ?? 0);

async function run(campaign: () => Promise<CampaignResult>): Promise<void> {
  const start = performance.now();
  try {
    const { name, inputs, outcomes } = await campaign();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const counts = Object.entries(outcomes).sort(([one], [other]) => (one < other ? -1 : 1));
    console.log(`\n${name}: ${inputs} inputs in ${seconds} s, none of which broke a rule`);
    for (const [outcome, count] of counts) console.log(`  ${String(count).padStart(8)}  ${outcome}`);
  } catch (error) {
    console.log('\nA RULE IS BROKEN');
    for (let cause = error; cause instanceof Error; cause = cause.cause) console.log(cause.stack);
    process.exitCode = 1;
  }
}
