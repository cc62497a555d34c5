const UNITS: readonly (readonly [size: number, name: string])[] = [
  [1e9, 'GB'],
  [1e6, 'MB'],
  [1e3, 'kB'],
];

/** @example bytesText(1_234_567) // 1.2 MB */
export function bytesText(bytes: number): string {
  const [size, name] = UNITS.find(([least]) => bytes >= least) ?? [1, 'bytes'];
  const value = bytes / size;
  return `${value.toLocaleString('en', { maximumFractionDigits: size > 1 && value < 100 ? 1 : 0 })} ${name}`;
}
