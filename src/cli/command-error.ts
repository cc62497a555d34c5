/** What the command line tells its user in one line before it ends. */
export class CommandError extends Error {
  /** 2: it was called wrongly; 1: what it was asked to do failed. */
  readonly exitCode: 1 | 2;

  constructor(message: string, { exitCode = 2, cause }: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
