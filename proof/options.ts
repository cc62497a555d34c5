import { parseArgs } from 'node:util';
import { OURS } from './names.js';
import { RULES } from './rules.js';
import type { Mode } from './simulation/weather.js';
import { SYSTEMS } from './systems.js';

export const MODES: readonly Mode[] = [
  'write',
  'refresh',
  'invalidate',
  'write+through',
  'refresh+through',
  'invalidate+through',
];

export const USAGE = `npm run proof [-- options]

  --seeds N        runs of each system in each mode; default 5000
  --rules          takes every rule out, one at a time, and looks for the first run that breaks a promise
  --seed S         tells the story of one run
    --mode MODE      of ours in write, refresh or invalidate, with +through when it writes through; default write
    --system NAME    of another system, or on another cache: ${Object.keys(SYSTEMS).slice(1).join('; ')}
    --without RULE   of the code without a rule, by a part of its name; also with --rules
`;

export function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '5000' },
      rules: { type: 'boolean', default: false },
      seed: { type: 'string' },
      mode: { type: 'string', default: 'write' },
      system: { type: 'string' },
      without: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { without } = values;
  const rules = RULES.filter(({ name }) => (without === undefined ? values.rules : name.includes(without)));
  if (without !== undefined && (values.rules ? rules.length === 0 : rules.length !== 1)) {
    const names = (rules.length === 0 ? RULES : rules).map(({ name }) => `  ${name}`);
    throw new Error(
      `--without ${without} is not a part of one rule's name. Choose from:\n${names.join('\n')}`,
    );
  }
  return {
    seeds: wholeNumber('--seeds', values.seeds),
    seed: values.seed === undefined ? undefined : wholeNumber('--seed', values.seed),
    rules: values.rules,
    mode: oneOf('--mode', values.mode, MODES),
    system: oneOf('--system', values.system ?? rules[0]?.system ?? OURS, Object.keys(SYSTEMS)),
    without: rules,
    help: values.help,
  };
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`${option} ${text} is not a whole number.`);
}

function oneOf<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text);
  if (choice === undefined)
    throw new Error(`${option} ${text} is unknown. Choose from: ${choices.join(', ')}.`);
  return choice;
}
