/** Fewer digits look alike too easily. */
const LEAST_DIGITS = 7;

/** Shortens sequence numbers to their last digits, as many as it takes to tell those of one event apart. */
export function shortener(sequenceNumbers: readonly string[]): (sequenceNumber: string) => string {
  const different = new Set(sequenceNumbers).size;
  let digits = LEAST_DIGITS;
  while (new Set(sequenceNumbers.map((number) => number.slice(-digits))).size < different) digits += 1;
  return (number) => (number.length <= digits + 1 ? number : `…${number.slice(-digits)}`);
}
