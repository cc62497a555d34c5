#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { CommandError } from './command-error.js';
import { dev } from './dev.js';
import { doctor } from './doctor.js';
import { get } from './get.js';
import { invoke } from './invoke.js';
import { purge } from './purge.js';
import { replay } from './replay.js';
import { stats } from './stats.js';
import { turnSwitch } from './switch.js';
import { openTerminal } from './terminal.js';
import { visible } from './text.js';
import { verify } from './verify.js';
import { warm } from './warm.js';

const HELP = `Usage: stream-cache <command> [options]

Commands:
  invoke   invokes the stream handler with recorded events and shows what became of each record
  dev      reads a table's stream and invokes the stream handler with it, until it is interrupted
  doctor   checks what most often goes wrong, and says what to do
  get      shows what the cache has of items, and whether that is what the table has
  stats    shows what a cache holds, by table
  verify   compares all that is cached of a table with the table
  warm     fills the cache from a table
  replay   invokes the stream handler with what Lambda gave up on
  purge    takes items out of the cache, or all of a table
  switch   turns reading from the cache off for all readers, or only compares

Options:
  --help      shows this; stream-cache <command> --help says more of a command
  --version   shows the version
`;

// Which Node the SDK will leave behind is for who installs it; here it would stand in the middle of what was asked for.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ||= 'true';

const terminal = openTerminal();
const code = await main(process.argv.slice(2));
// What a handler keeps for its next invocation, such as a connection, would keep this process alive.
await terminal.flush();
process.exit(code);

async function main([command, ...args]: readonly string[]): Promise<number> {
  try {
    switch (command) {
      case 'invoke':
        return await invoke(args, terminal);
      case 'dev':
        return await dev(args, terminal);
      case 'doctor':
        return await doctor(args, terminal);
      case 'get':
        return await get(args, terminal);
      case 'stats':
        return await stats(args, terminal);
      case 'verify':
        return await verify(args, terminal);
      case 'warm':
        return await warm(args, terminal);
      case 'replay':
        return await replay(args, terminal);
      case 'purge':
        return await purge(args, terminal);
      case 'switch':
        return await turnSwitch(args, terminal);
      case '--version':
        return show(await version());
      case '--help':
      case '-h':
        return show(HELP);
      default:
        throw new CommandError(
          `stream-cache: ${command === undefined ? 'no command is named' : `there is no command ${command}`}. See stream-cache --help.`,
        );
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(visible(error.message));
    if (args.includes('--verbose') && error.cause) console.error(error.cause);
    return error.exitCode;
  }
}

function show(text: string): number {
  terminal.print(text);
  return 0;
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return `${JSON.parse(text).version}\n`;
}
