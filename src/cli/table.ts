import { truncate, visible } from './text.js';

/** What stands between two columns. */
export const GAP = '  ';

/**
 * Cells made as wide as their columns. Where a row would be wider than `width`, the widest columns give way until it
 * fits. The last column is not padded.
 */
export function alignColumns(rows: readonly (readonly string[])[], width: number): string[][] {
  const cells = rows.map((row) => row.map((cell) => truncate(visible(cell), width)));
  const widths = fittingWidths(naturalWidths(cells), width);
  return cells.map((row) =>
    row.map((cell, column) => {
      const text = truncate(cell, widths[column] ?? 0);
      return column === row.length - 1 ? text : text + ' '.repeat((widths[column] ?? 0) - lengthOf(text));
    }),
  );
}

function naturalWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, lengthOf(cell));
    });
  }
  return widths;
}

function fittingWidths(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const room = width - GAP.length * (widths.length - 1);
  while (widths.reduce((sum, each) => sum + each, 0) > Math.max(room, widths.length)) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function lengthOf(text: string): number {
  return [...text].length;
}
