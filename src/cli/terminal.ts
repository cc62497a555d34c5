/** Where a command's output goes, and what can be shown there. */
export interface Terminal {
  /** Characters in a line. */
  readonly width: number;
  readonly paint: Paint;
  print(text: string): void;
  /** Resolves when everything printed has left the process. */
  flush(): Promise<void>;
}

export type Style = keyof typeof STYLES;
/** The text in a style; plain without one, and where there are no colours. */
export type Paint = (style: Style | undefined, text: string) => string;

/** The width of what is not a terminal: a file, a pipe, a log. */
const DEFAULT_WIDTH = 120;

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

/** Standard output as it is now: what a handler does to it later has no effect on what is printed here. */
export function openTerminal(): Terminal {
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read it, `head` for one, has read enough.
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  return {
    width: stdout.columns || DEFAULT_WIDTH,
    paint: painter(stdout.isTTY === true && !process.env.NO_COLOR),
    print: (text) => {
      write(text);
    },
    flush: () => new Promise((resolve) => write('', () => resolve())),
  };
}

export function painter(hasColours: boolean): Paint {
  if (!hasColours) return (_style, text) => text;
  return (style, text) =>
    style === undefined ? text : `\u001b[${STYLES[style][0]}m${text}\u001b[${STYLES[style][1]}m`;
}
