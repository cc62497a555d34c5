import fc from 'fast-check';

/** What a campaign is told, and what it tells. */
export interface CampaignOptions {
  /** How many hostile inputs, at least. */
  readonly runs: number;
  readonly seed: number;
  /** Whether the first input that breaks a rule will do; otherwise the smallest such input is looked for. */
  readonly endOnFailure?: boolean;
}

export interface CampaignResult {
  readonly name: string;
  readonly inputs: number;
  /** What became of them. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Counts what became of inputs. */
export function newTally() {
  const outcomes: Record<string, number> = {};
  return {
    outcomes,
    note(outcome: string) {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    },
    get total() {
      return Object.values(outcomes).reduce((sum, count) => sum + count, 0);
    },
  };
}

/**
 * Tries many inputs.
 *
 * @throws Error with the smallest input that breaks a rule, when one does, or a promise is rejected and nobody handles it
 */
export async function attack<T>(
  arbitrary: fc.Arbitrary<T>,
  { seed, endOnFailure = false }: CampaignOptions,
  sequences: number,
  check: (input: T) => Promise<void>,
): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    await fc.assert(
      fc.asyncProperty(arbitrary, async (input) => {
        await check(input);
        if (unhandled.length > 0)
          throw new Error('A rejection was not handled.', { cause: unhandled.splice(0)[0] });
      }),
      { seed, numRuns: sequences, endOnFailure },
    );
    await new Promise((resolve) => setImmediate(resolve)); // when Node tells of rejections
  } finally {
    process.off('unhandledRejection', note);
  }
  if (unhandled.length > 0) throw new Error('A rejection was not handled.', { cause: unhandled[0] });
}

export function violation(what: string, cause?: unknown): never {
  throw new Error(what, { cause });
}
