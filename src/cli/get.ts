import { setTimeout as delay } from 'node:timers/promises';
import type { AttributeMap } from '../attributes.js';
import { decode } from '../codec.js';
import { toError } from '../errors.js';
import { type Difference, differencesBetween } from '../operate/difference.js';
import { guardInWords, span } from '../operate/guard-words.js';
import type { Look, Operated } from '../operate/operated.js';
import type { Settled } from '../store/store.js';
import { CommandError } from './command-error.js';
import { GET_HELP, type GetOptions, getOptions } from './get-options.js';
import { checkKey, keyOf, parseItemKey } from './item-key.js';
import { openOperatedCache } from './operated-cache.js';
import { openOperatedTable, tableFailure } from './operated-table.js';
import type { Terminal } from './terminal.js';
import { visible } from './text.js';

/** One key, as it was found. */
interface Found {
  readonly key: string;
  readonly look: Settled<Look>;
  /** What the table has otherwise; absent where it was not asked, or nothing is cached. */
  readonly differences?: readonly Difference[] | undefined;
}

type ReadItem = (key: AttributeMap) => Promise<AttributeMap | null>;

/** A change may come between the look into the cache and the read of the table: what differs is looked at once more. */
const AGAIN_AFTER_MS = 1_000;

/**
 * `stream-cache get`: what the cache has of items, and with `--compare` whether that is what the table has.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the cache or the table cannot be read
 */
export async function get(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = getOptions(args);
  if (options.help) {
    terminal.print(GET_HELP);
    return 0;
  }
  const cache = await openOperatedCache('get', options.cache);
  try {
    const readItem = options.compare ? await tableReader(options) : undefined;
    const found: Found[] = [];
    for (const text of options.keys) found.push(await find(cache, options, text, readItem));
    terminal.print(options.json ? documentOf(found) : found.map((each) => textOf(each, terminal)).join('\n'));
    const failed = found.map(({ look }) => look).find((look) => look instanceof Error);
    if (failed !== undefined) throw new CommandError(`stream-cache get: ${failed.message}`, { exitCode: 1 });
    return found.some(({ differences = [] }) => differences.length > 0) ? 1 : 0;
  } finally {
    await cache.close();
  }
}

async function find(
  cache: Operated,
  options: GetOptions,
  text: string,
  readItem: ReadItem | undefined,
): Promise<Found> {
  const attributes = parseItemKey('get', options, text);
  const key = keyOf('get', options, text);
  const first = await lookAndCompare(cache, key, attributes, readItem);
  if (!first.differences?.length) return first;
  await delay(AGAIN_AFTER_MS);
  return lookAndCompare(cache, key, attributes, readItem);
}

async function lookAndCompare(
  cache: Operated,
  key: string,
  attributes: AttributeMap,
  readItem: ReadItem | undefined,
): Promise<Found> {
  const [look] = (await cache.look([key])) as [Settled<Look>];
  if (readItem === undefined || look instanceof Error || look.value === undefined) return { key, look };
  const cached = decode(look.value);
  const item = await readItem(attributes);
  if (cached === undefined) return { key, look, differences: [NO_ITEM] };
  return { key, look, differences: differencesBetween(cached, item) };
}

const NO_ITEM: Difference = { attribute: '(all)', cache: '(a text that is no item)', table: '(an item)' };

async function tableReader(options: GetOptions): Promise<ReadItem> {
  const failed = (thrown: unknown) => {
    throw tableFailure('get', options.table, toError(thrown));
  };
  const table = await openOperatedTable('get', options);
  const described = await table.describe().catch(failed);
  for (const text of options.keys) checkKey('get', options, text, described);
  return (key) => table.read(key).catch(failed);
}

function textOf({ key, look, differences }: Found, { paint }: Terminal): string {
  const line = (name: string, text: string) => `  ${paint('dim', name.padEnd(8))}${text}\n`;
  const head = `${paint('bold', visible(key))}\n`;
  if (look instanceof Error) return head + line('failed', paint('red', look.message));
  const { value, ttlMs } = look;
  const guard = guardInWords(look);
  return [
    head,
    line('value', value === undefined ? paint('yellow', 'not cached') : visible(value)),
    ...(ttlMs === undefined ? [] : [line('lives', `${span(ttlMs)} more`)]),
    line('guard', guard.length === 0 ? 'none: nothing happened to it lately' : guard.join('; ')),
    ...(differences === undefined
      ? []
      : [line('table', differences.length === 0 ? paint('green', 'the same') : paint('red', 'differs'))]),
    ...(differences ?? []).map(({ attribute, cache, table }) =>
      line('', `${visible(attribute)}: cache ${visible(cache ?? 'none')}, table ${visible(table ?? 'none')}`),
    ),
  ].join('');
}

/** `null` stands for what is not there. */
function documentOf(found: readonly Found[]): string {
  const items = found.map(({ key, look, differences }) => {
    if (look instanceof Error) return { key, error: look.message };
    const { value = null, ttlMs = null, guard = null } = look;
    return { key, value, ttlMs, guard, ...(differences && { differences }) };
  });
  return `${JSON.stringify({ items }, null, 2)}\n`;
}
