/** With its zone, as JSON and Python write a time. */
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*(?:Z|[+-]\d\d:\d\d)$/;

/** In the year 5138: what would be later is in a smaller unit. */
const FAR_MS = 1e14;

/**
 * An `ApproximateCreationDateTime` in whole milliseconds since the epoch, or `undefined` when it is no time. Lambda
 * delivers seconds; other sources milliseconds or microseconds, which their size tells apart; an SDK has a `Date`, which
 * is ISO text once it was saved as JSON.
 */
export function timeOf(value: unknown): number | undefined {
  const time =
    typeof value === 'string' && ISO.test(value) ? Date.parse(value) : value instanceof Date ? +value : value;
  if (typeof time !== 'number' || !(time > 0)) return undefined;
  let ms = time * 1000;
  for (const _unit of ['milliseconds', 'microseconds']) if (ms >= FAR_MS) ms /= 1000;
  return ms < FAR_MS ? Math.round(ms) : undefined;
}
