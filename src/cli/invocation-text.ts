import type { Contents, Invocation, RecordResult } from './invocation.js';
import { notesOn } from './notes.js';
import { countOutcomes, MEANING, STYLE } from './outcomes.js';
import type { Run } from './run.js';
import { shortener } from './sequence-numbers.js';
import { alignColumns, GAP } from './table.js';
import type { Paint, Terminal } from './terminal.js';
import { count, truncate, visible } from './text.js';

type Screen = Pick<Terminal, 'width' | 'paint'>;

const INDENT = '  ';
const RESPONSE = 'response';
const CACHE = 'cache   ';

/** What is said before the first invocation. */
export function openingText({ cache, handler, restamped }: Run): string {
  const lines = [
    `Invoking ${handler === null ? 'the handler' : `the handler of ${handler}`} on the cache ${cache}`,
  ];
  if (restamped) lines.push(TIMES_ARE_MOVED);
  if (handler !== null && cache === 'memory:') lines.push(CACHE_IS_HIDDEN);
  return `${lines.map(visible).join('\n')}\n`;
}

/** One invocation: its records, the handler's response, and what is then in the cache. */
export function invocationText(invocation: Invocation, screen: Screen): string {
  const { file, records, response, contents } = invocation;
  const paint = screen.paint;
  const width = screen.width - INDENT.length;
  const shorten = shortener(records.map(({ sequenceNumber }) => sequenceNumber));

  const lines = [
    ...recordLines(records, shorten, { width, paint }),
    ...notesOn(invocation, shorten).map(({ style, text }) => paint(style, `! ${visible(text)}`)),
    ...labelled(RESPONSE, [truncate(JSON.stringify(response) ?? '(none)', width - LABEL_WIDTH)], paint),
    ...labelled(CACHE, contentLines(contents, { width: width - LABEL_WIDTH, paint }), paint),
  ];
  return `\n${paint('bold', visible(file))}\n${lines.map((line) => `${INDENT}${line}\n`).join('')}`;
}

/** What is said after the last: the outcomes of all, each with its meaning. */
export function closingText(invocations: readonly Invocation[], run: Run, { width, paint }: Screen): string {
  const records = invocations.flatMap((invocation) => invocation.records);
  const outcomes = countOutcomes(records);
  const digits = String(records.length).length;
  const rows = outcomes.map(([outcome, times]) => [
    String(times).padStart(digits),
    outcome,
    MEANING[outcome],
  ]);
  const lines = alignColumns(rows, width - INDENT.length).map(([times, name = '', meaning = ''], row) =>
    [times, paint(STYLE[outcomes[row]?.[0] ?? 'deleted'], name), paint('dim', meaning)].join(GAP),
  );
  if (run.restamped && outcomes.some(([outcome]) => outcome === 'disordered')) lines.push(INVOKED_BEFORE);
  const total = `${count(invocations.length, 'invocation')}, ${count(records.length, 'record')}`;
  return `\n${paint('bold', total)}\n${lines.map((line) => `${INDENT}${line}\n`).join('')}`;
}

const TIMES_ARE_MOVED =
  'Recorded times are moved: the newest record of each event was made just now (--as-recorded leaves them).';
const CACHE_IS_HIDDEN =
  'Its cache is inside it and cannot be looked into from here: name a Redis with --cache to see it.';
const INVOKED_BEFORE =
  'Disordered because they were invoked before, with their times of then: take another --namespace, or wait for guardSeconds.';

const LABEL_WIDTH = RESPONSE.length + GAP.length;

/** Lines with a label before the first. */
function labelled(label: string, lines: readonly string[], paint: Paint): string[] {
  return lines.map(
    (line, index) => `${index === 0 ? paint('dim', label) : ' '.repeat(label.length)}${GAP}${line}`,
  );
}

function recordLines(
  records: readonly RecordResult[],
  shorten: (sequenceNumber: string) => string,
  { width, paint }: Screen,
): string[] {
  if (records.length === 0) return [];
  const rows = records.map(({ sequenceNumber, eventName, key, outcome, poison }) => [
    shorten(sequenceNumber),
    eventName,
    key ?? '(none)',
    poison === undefined ? outcome : `${outcome} (poison)`,
  ]);
  const [head = [], ...aligned] = alignColumns([['record', 'event', 'key', 'outcome'], ...rows], width);
  const lines = aligned.map(([number, event, key, outcome = ''], row) => {
    const { outcome: name, poison } = records[row] as RecordResult;
    return [number, event, key, paint(STYLE[name] ?? (poison && 'yellow'), outcome)].join(GAP);
  });
  return [paint('dim', head.join(GAP)), ...lines];
}

function contentLines(contents: Contents = new Map(), { width, paint }: Screen): string[] {
  const entries = [...contents];
  const rows = entries.map(([key, text]) => [key, contentText(text)]);
  return alignColumns(rows, width).map(([key, text = ''], row) => {
    const isCached = typeof entries[row]?.[1] === 'string';
    return [key, paint(isCached ? undefined : 'dim', text)].join(GAP);
  });
}

function contentText(text: string | Error | undefined): string {
  if (text instanceof Error) return `(not readable: ${text.message})`;
  return text ?? '(not cached)';
}
