/** The message of what a call throws. */
export function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

/** The names that the message of an error lists as known, in order. */
export function knownIn(call: () => unknown): string[] {
  const [, names = ''] = /Known are: (.+)\.$/.exec(messageOf(call)) ?? [];
  return names.split(', ').sort();
}
