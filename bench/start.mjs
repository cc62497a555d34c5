// What Lambda does in a new execution environment: import the bundle, invoke its handler.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [bundle, eventFile] = process.argv.slice(2);
const event = JSON.parse(await readFile(eventFile, 'utf8'));
const begun = performance.now();
const { handler } = await import(pathToFileURL(bundle).href);
const loaded = performance.now();
await handler(event);
process.send({ load: loaded - begun, first: performance.now() - loaded });
