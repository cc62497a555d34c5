/** Whether all is tested, on all caches, with many random inputs: `npm run test:all`. Else what tells most in little time. */
export const isThorough = process.env.THOROUGH !== undefined;

/** What is only tested in the long run, such as a cluster beside one server. */
export function thoroughly<T>(...more: T[]): T[] {
  return isThorough ? more : [];
}

/** How many random inputs are tried. */
export function rounds(few: number, many: number): number {
  return isThorough ? many : few;
}
