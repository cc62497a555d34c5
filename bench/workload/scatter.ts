import { mkdir, writeFile } from 'node:fs/promises';
import { card, escaped } from '../pictures.js';

interface Point {
  readonly name: string;
  /** Shares of all reads. */
  readonly hits: number;
  readonly stale: number;
  readonly isOurs: boolean;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [70, 560, 60, 380];
/** Stale answers are drawn by their logarithm, from one in a hundred thousand on. */
const LEAST = 1e-5;

/** Hit rate against staleness, a point for each. */
export async function drawScatter(points: readonly Point[]): Promise<void> {
  await mkdir('docs/performance', { recursive: true });
  await writeFile('docs/performance/workload.svg', scatter(points));
}

function scatter(points: readonly Point[]): string {
  const most = Math.max(...points.map(({ stale }) => stale), 10 * LEAST);
  const decades = Math.ceil(Math.log10(most / LEAST));
  const x = (stale: number) => LEFT + ((RIGHT - LEFT) * Math.log10(Math.max(stale, LEAST) / LEAST)) / decades;
  const y = (hits: number) => BOTTOM - (BOTTOM - TOP) * hits;
  const lines = [0, 0.25, 0.5, 0.75, 1].map(
    (hits) =>
      `<path d="M${LEFT} ${y(hits)}H${RIGHT}" stroke="#d0d7de"/><text x="${LEFT - 10}" y="${y(hits) + 5}" text-anchor="end">${100 * hits} %</text>`,
  );
  const marks = Array.from({ length: decades + 1 }, (_, decade) => {
    const share = LEAST * 10 ** decade;
    const text = decade === 0 ? '≤ 0.001 %' : `${Number((100 * share).toPrecision(1))} %`;
    return `<path d="M${x(share).toFixed(1)} ${TOP}V${BOTTOM}" stroke="#eef1f4"/><text x="${x(share).toFixed(1)}" y="${BOTTOM + 22}" text-anchor="middle">${text}</text>`;
  });
  const dots = points.map(({ name, hits, stale, isOurs }, index) => {
    const fill = isOurs ? '#0b5cad' : '#6e7781';
    const [cx, cy] = [x(stale).toFixed(1), y(hits).toFixed(1)];
    const row = TOP + 8 + 36 * index;
    return `<circle cx="${cx}" cy="${cy}" r="10" fill="${fill}"/><text x="${cx}" y="${Number(cy) + 4.5}" text-anchor="middle" fill="#ffffff" font-size="12">${index + 1}</text>
<circle cx="${RIGHT + 34}" cy="${row}" r="10" fill="${fill}"/><text x="${RIGHT + 34}" y="${row + 4.5}" text-anchor="middle" fill="#ffffff" font-size="12">${index + 1}</text><text x="${RIGHT + 52}" y="${row + 5}">${escaped(name)}</text>`;
  });
  const content = [
    ...lines,
    ...marks,
    `<text x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 46}" text-anchor="middle">answers that were stale</text>`,
    ...dots,
  ];
  return card(
    'Share of reads that the cache answered, by the share of stale answers: one table',
    900,
    BOTTOM + 64,
    content.join('\n'),
  );
}
