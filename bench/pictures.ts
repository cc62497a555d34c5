import { mkdir, writeFile } from 'node:fs/promises';
import type { Bench } from './bench.js';
import { thousands, twoDigits } from './figure.js';
import { typical } from './rounds.js';
import { HANDLER } from './write-path.js';

const FOLDER = 'docs/performance';

/** Draws what was measured. What was not measured in this run keeps its picture. */
export async function drawPictures({ rates, costs, latencies, held, steps }: Bench): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const draw = (name: string, svg: string) => writeFile(`${FOLDER}/${name}.svg`, svg);
  const { near, far } = rates;
  if (near && far) {
    const group = (title: string, samples: typeof near): Group => ({
      title,
      bars: [...samples.keys()].map((name) => bar(name, typical(samples, name), thousands, name === HANDLER)),
    });
    await draw(
      'throughput',
      bars('Records per second into Redis', [
        group('on this machine', near),
        group('1 ms of network away', far),
      ]),
    );
  }
  if (costs.size > 0) {
    const one = [...costs].map(([size, micros]) =>
      bar(`batch of ${thousands(size)}`, micros, twoDigits, true),
    );
    await draw(
      'batches',
      bars('Microseconds for a record, by the size of the batch', [{ title: '', bars: one }]),
    );
  }
  if (latencies.size > 0) {
    const group = (title: string, index: 0 | 1): Group => ({
      title,
      bars: [...latencies].map(([name, values]) =>
        bar(name, values[index], twoDigits, /^middleware/.test(name)),
      ),
    });
    await draw(
      'hit',
      bars('Microseconds for a hit of GetItem', [group('median', 0), group('99th percentile', 1)]),
    );
  }
  if (steps.size > 0) {
    const one = [...steps]
      .sort(([, a], [, b]) => b - a)
      .map(([step, micros]) => bar(step, micros, twoDigits, true));
    await draw(
      'steps',
      bars('Microseconds of processor time for a record, by step', [{ title: '', bars: one }]),
    );
  }
  if (held.length > 0) {
    const one = held
      .filter((_, index) => index % 2 === 1)
      .map(({ invocations, heapMb }) =>
        bar(`after ${thousands(invocations)}`, heapMb, (value) => value.toFixed(1), true),
      );
    await draw(
      'heap',
      bars('Megabytes of heap, after so many invocations of 10,000 records', [{ title: '', bars: one }]),
    );
  }
}

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly isOurs: boolean;
}

interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

function bar(label: string, value: number, format: (value: number) => string, isOurs: boolean): Bar {
  return { label, value, text: format(value), isOurs };
}

const WIDTH = 820;
const LABELS = 270;
const ROW = 26;

/** Lying bars. */
function bars(title: string, groups: readonly Group[]): string {
  const longest = Math.max(...groups.flatMap((group) => group.bars.map(({ value }) => value)));
  const scale = (WIDTH - LABELS - 120) / longest;
  const rows: string[] = [];
  let y = 56;
  for (const { title: heading, bars } of groups) {
    if (heading !== '') {
      rows.push(`<text x="24" y="${y + 14}" font-weight="600">${escaped(heading)}</text>`);
      y += ROW;
    }
    for (const { label, value, text, isOurs } of bars) {
      const width = Math.max(1, value * scale).toFixed(1);
      rows.push(
        `<text x="${LABELS - 10}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>`,
        `<rect x="${LABELS}" y="${y}" width="${width}" height="18" rx="3" fill="${isOurs ? '#0b5cad' : '#9aa4af'}"/>`,
        `<text x="${LABELS + Number(width) + 8}" y="${y + 14}">${escaped(text)}</text>`,
      );
      y += ROW;
    }
    y += 10;
  }
  return card(title, WIDTH, y + 10, rows.join('\n'));
}

/** A picture's frame and title: a card of its own, so that it reads the same on light pages and dark ones. */
export function card(title: string, width: number, height: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="14" fill="#1f2328">
<rect x="1" y="1" width="${width - 2}" height="${height - 2}" rx="14" fill="#ffffff" stroke="#d0d7de"/>
<text x="24" y="36" font-size="16" font-weight="600">${escaped(title)}</text>
${content}
</svg>
`;
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
