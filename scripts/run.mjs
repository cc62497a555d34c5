// Runs a TypeScript program of this repository: `node scripts/run.mjs <entry.ts> [arguments]`.
import { pathToFileURL } from 'node:url';
import { bundleProgram } from './bundle.mjs';

const [entry] = process.argv.splice(2, 1);
if (entry === undefined) throw new Error('Usage: node scripts/run.mjs <entry.ts> [arguments]');

const program = await bundleProgram(entry);
process.setSourceMapsEnabled(true);
await import(pathToFileURL(program).href);
