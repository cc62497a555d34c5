// The operator's commands at scale, on real servers: `npm run proof:operate [-- verify|warm|purge [number]]`.
import { provePurge } from './purge.js';
import { proveVerify } from './verify.js';
import { proveWarm } from './warm.js';

const PROOFS = {
  verify: { prove: proveVerify, size: 200_000 },
  warm: { prove: proveWarm, size: 200_000 },
  purge: { prove: provePurge, size: 1_000_000 },
};

const [name, size] = process.argv.slice(2);
if (name !== undefined && !Object.hasOwn(PROOFS, name)) {
  throw new Error(`There is no ${name}. Known are: ${Object.keys(PROOFS).join(', ')}.`);
}
const faults: string[] = [];
for (const [each, { prove, size: usual }] of Object.entries(PROOFS)) {
  if (name !== undefined && each !== name) continue;
  console.log(`\n${each}`);
  faults.push(...(await prove(Number(size ?? usual))).map((fault) => `${each}: ${fault}`));
}
console.log(faults.length === 0 ? '\nNo fault.' : `\nFAULTS\n${faults.join('\n')}`);
process.exit(faults.length === 0 ? 0 : 1);
