import { mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toError } from '../errors.js';
import { CommandError } from './command-error.js';
import { visible } from './text.js';

/** What a run is about: another can go on only with the same. */
export interface Run {
  readonly command: string;
  readonly table: string;
  readonly namespace?: string | undefined;
}

/** A token longer than this is a burden to copy: it stands in a file. */
const LONGEST_TOKEN = 1_500;

/**
 * What a run has come to, in its file, as JSON: written whole at each call, so that a run that is killed can be gone on with. It holds no
 * content of an item.
 *
 * @throws CommandError when the file cannot be written
 */
export function writeRunFile(
  file: string,
  run: Run,
  state: object,
  isDone: boolean,
  more: object = {},
): void {
  const own = `${file}.${process.pid}.new`; // two runs may have one report
  const document = { ...documentOf(run, state), at: new Date().toISOString(), isDone, ...more };
  try {
    // A reader, and a kill, find the last one whole.
    writeFileSync(own, `${JSON.stringify(document, null, 2)}\n`);
    renameSync(own, file);
  } catch (cause) {
    throw new CommandError(
      `stream-cache ${run.command}: cannot write the report ${file}: ${toError(cause).message}`,
      { cause },
    );
  }
}

/** How to go on with a run, in words. */
export function goOn(run: Run, state: object, file: string | undefined): string {
  const resume = resumeArgument(run, state, file);
  return `Go on with: stream-cache ${run.command} ${visible(run.table)} --resume ${resume}, and the options that you gave.`;
}

function resumeArgument(run: Run, state: object, file: string | undefined): string {
  if (file !== undefined) return file;
  const token = Buffer.from(JSON.stringify(documentOf(run, state))).toString('base64url');
  if (token.length <= LONGEST_TOKEN) return token;
  const own = join(mkdtempSync(join(tmpdir(), 'stream-cache-')), `${run.command}.json`);
  writeRunFile(own, run, state, false);
  return own;
}

/**
 * The state of the run that `--resume` names, by its file or its token.
 *
 * @param isState whether it is what such a run writes beside its places
 * @throws CommandError when it is none, or of another run
 */
export function resumedState<T>(run: Run, text: string, isState: (state: object) => boolean): T {
  const found = parse(text) ?? parse(Buffer.from(text, 'base64url').toString());
  const wrong = (why: string) =>
    new CommandError(`stream-cache ${run.command}: --resume: ${why}. Give what the interrupted run printed.`);
  if (found === undefined) throw wrong('it is no report file and no token');
  const { state, ...of } = found;
  const expected = documentOf(run, {});
  for (const name of ['command', 'table', 'namespace'] as const) {
    if ((of[name] ?? undefined) !== (expected[name] ?? undefined)) {
      throw wrong(`it is of ${name} ${of[name] ?? '(none)'}, not ${expected[name] ?? '(none)'}`);
    }
  }
  const { places } = state as { places?: unknown };
  if (typeof places !== 'object' || places === null || !isState(state))
    throw wrong('it is no state of a run');
  return state as T;
}

interface Document extends Run {
  readonly state: object;
}

function documentOf({ command, table, namespace }: Run, state: object): Document {
  return { command, table, ...(namespace !== undefined && { namespace }), state };
}

/** Of a file of that name, or of the text itself. */
function parse(text: string): Document | undefined {
  let json = text;
  try {
    json = readFileSync(text, 'utf8');
  } catch {
    // it is no file
  }
  try {
    const document = JSON.parse(json);
    return typeof document?.state === 'object' && document.state !== null ? document : undefined;
  } catch {
    return undefined;
  }
}
