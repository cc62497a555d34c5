import { toError } from '../errors.js';
import { span } from '../operate/guard-words.js';
import type { Operated } from '../operate/operated.js';
import { collectStats, ENDS_MS, type TableStats } from '../operate/stats.js';
import { bytesText } from './bytes-text.js';
import { CommandError } from './command-error.js';
import { openOperatedCache } from './operated-cache.js';
import { operatedFailure } from './operated-failure.js';
import { openProgress } from './progress.js';
import { STATS_HELP, type StatsOptions, statsOptions } from './stats-options.js';
import type { Terminal } from './terminal.js';
import { count, visible } from './text.js';

/**
 * `stream-cache stats`: what a cache holds.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the cache cannot be read
 */
export async function stats(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = statsOptions(args);
  if (options.help) {
    terminal.print(STATS_HELP);
    return 0;
  }
  const cache = await openOperatedCache('stats', options.cache);
  try {
    if (cache.list === undefined) {
      throw new CommandError(
        'stream-cache stats: this cache does not tell what it has. Ask it by its own means, or look at single keys with stream-cache get.',
      );
    }
    const tables = await collect(cache, options);
    terminal.print(options.json ? documentOf(tables) : textOf(tables, terminal));
    return 0;
  } catch (thrown) {
    throw operatedFailure('stats', options.tables.join(', '), toError(thrown));
  } finally {
    await cache.close();
  }
}

async function collect(cache: Operated, options: StatsOptions): Promise<TableStats[]> {
  const progress = openProgress('names', undefined);
  try {
    const collecting = collectStats(cache, options);
    for (;;) {
      const { done, value } = await collecting.next();
      if (done) return value;
      progress.update(value);
    }
  } finally {
    progress.stop();
  }
}

function textOf(tables: readonly TableStats[], { paint }: Terminal): string {
  if (tables.length === 0) return 'Nothing is cached.\n';
  return tables
    .map((stats) => {
      const { table, items, absent, results, tags, guards, settling, leased, damaged } = stats;
      const line = (name: string, text: string) => `  ${paint('dim', name.padEnd(8))}${text}\n`;
      if (table === undefined) {
        return `${paint('bold', '(other names)')}\n${line('names', `${number(items)}, ${bytesText(stats.bytes)}`)}`;
      }
      const states = [
        ...(settling > 0 ? [`${number(settling)} settle`] : []),
        ...(leased > 0 ? [`${number(leased)} being read for all`] : []),
        ...(damaged > 0 ? [paint('red', `${number(damaged)} cannot be read`)] : []),
      ];
      return [
        `${paint('bold', visible(table))}\n`,
        line(
          'items',
          `${number(items)}${absent > 0 ? `, of which ${number(absent)} are known not to exist` : ''}`,
        ),
        ...(results + tags > 0 ? [line('results', `${number(results)}, under ${count(tags, 'tag')}`)] : []),
        line('size', `${bytesText(stats.bytes)}, and ${bytesText(stats.guardBytes)} of guards`),
        line('guards', [number(guards), ...states].join(', ')),
        line('end', endsText(stats)),
      ].join('');
    })
    .join('\n');
}

function endsText({ ends, endless }: TableStats): string {
  const steps = ends.flatMap((entries, index) => {
    if (entries === 0) return [];
    const end = ENDS_MS[index] as number;
    return [
      end === Number.POSITIVE_INFINITY
        ? `${number(entries)} later`
        : `${number(entries)} within ${span(end)}`,
    ];
  });
  return [...steps, ...(endless > 0 ? [`${number(endless)} never`] : [])].join(', ') || 'nothing';
}

function documentOf(tables: readonly TableStats[]): string {
  const documents = tables.map(({ table = null, ends, ...stats }) => ({
    ...{ table, ...stats },
    ends: ends.map((entries, index) => {
      const end = ENDS_MS[index] as number;
      return { withinMs: end === Number.POSITIVE_INFINITY ? null : end, entries };
    }),
  }));
  return `${JSON.stringify({ tables: documents }, null, 2)}\n`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
