import { afterAll } from 'vitest';

/** A warning of Node, of the SDK or of ours fails the file whose tests caused it: it would only be read once. */
const warnings: string[] = [];

process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));

const { warn } = console;
console.warn = (...said: unknown[]) => {
  warnings.push(said.join(' '));
  warn(...said);
};

afterAll(async () => {
  await new Promise(setImmediate); // Node tells of a warning in the turn after it
  if (warnings.length > 0) throw new Error(`The tests of this file caused warnings:\n${warnings.join('\n')}`);
});
