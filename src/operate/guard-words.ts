import type { Look } from './operated.js';

/** What a guard says, for people. Empty where there is none: nothing happened to the item lately. */
export function guardInWords({ guard, now }: Pick<Look, 'guard' | 'now'>): string[] {
  if (guard === undefined) return [];
  if (guard === 'damaged') return ['cannot be read, and counts for one that settles'];
  const { version, at = 0, asOf, until = 0, settled, leased } = guard;
  return [
    ...(version === undefined ? [] : [`changed by the stream ${span(now - at)} ago`]),
    ...(asOf === undefined ? [] : [`read or written by an application ${span(now - until)} ago`]),
    settled > now
      ? `settles in ${span(settled - now)}: until then it is filled from strongly consistent reads`
      : 'settled',
    ...(leased === 0 ? ['what was read last cannot be stored, so nobody waits for it'] : []),
    ...(leased !== undefined && leased > now
      ? [`somebody reads it for all, others wait ${span(leased - now)} at most`]
      : []),
  ];
}

const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/**
 * A time in its two largest units.
 *
 * @example span(5_400_000) // 1 h 30 min
 */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  let left = ms;
  const parts = UNITS.flatMap(([unit, name]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count === 0 ? [] : [`${count} ${name}`];
  });
  return parts.slice(0, 2).join(' ');
}
