import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export const ROOT = join(import.meta.dirname, '../..');

/** All that is written for users, as paths in the repository. */
export const DOCS = readdirSync(join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
export const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...DOCS];

/** A page as tests look at it: its text, its fenced blocks, its sections and their tables. */
export interface Page {
  readonly file: string;
  readonly text: string;
  /** The fenced blocks of a language. */
  blocks(language: string): string[];
  /** The one TypeScript block with a word in it. */
  exampleWith(word: string): string;
  /** What stands under a heading of level two, up to the next one. */
  section(title: string): string;
  /** The tables under a heading, or of the whole page, as rows of cells without the head. */
  tables(title?: string): string[][][];
  /** The page without its fenced blocks. */
  prose(): string;
}

export function page(file: string): Page {
  const text = readFileSync(join(ROOT, file), 'utf8');
  function blocks(language: string) {
    const fences = text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
    return [...fences].map(([, block = '']) => block);
  }
  function section(title: string) {
    const [, found = ''] = text.split(`\n## ${title}\n`);
    expect(found, `${file}, section ${title}`).not.toBe('');
    return found.split('\n## ')[0] ?? '';
  }
  return {
    file,
    text,
    blocks,
    section,
    exampleWith(word) {
      const found = blocks('ts').filter((example) => example.includes(word));
      expect(found, `${file}, example with ${word}`).toHaveLength(1);
      return found[0] ?? '';
    },
    tables(title) {
      const found = (title === undefined ? text : section(title)).match(/(?:^\|.*\|\n)+/gm) ?? [];
      return found.map((table) => table.trimEnd().split('\n').slice(2).map(cellsOf));
    },
    prose: () => text.replace(/^```.*?^```$/gms, ''),
  };
}

function cellsOf(row: string): string[] {
  return row
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** What a cell says, without the marks of code. */
export function code(cell = ''): string {
  return cell.replace(/^`(.*)`$/, '$1');
}

/** The file that an example says it is. */
export function fileOf(example: string): string | undefined {
  return /^\/\/ (\S+\.ts)\n/.exec(example)?.[1];
}

/** The links of a page that lead to a file or a heading, pictures included. */
export function linksOf({ prose }: Page): string[] {
  return [...prose().matchAll(/\]\(([^)]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target));
}

/** The anchors of a page's headings, as GitHub makes them: the second of the same name gets `-1`. */
export function anchorsOf({ prose }: Page): string[] {
  const seen = new Map<string, number>();
  return [...prose().matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => {
    const anchor = title
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}
