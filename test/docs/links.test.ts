import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, linksOf, PAGES, page, ROOT } from '../support/pages.js';

/** What npm publishes, as folders and files: these it adds by itself. */
const ALWAYS = ['package.json', 'README.md', 'LICENSE'];
const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const PUBLISHED: string[] = [...files, ...ALWAYS];

test.each(PAGES)('every link of %s leads somewhere, in the repository and in the package', (file) => {
  for (const target of linksOf(page(file))) {
    const [path = '', anchor] = target.split('#');
    const linked = path === '' ? file : join(dirname(file), path);
    expect(existsSync(join(ROOT, linked)), `${file}: ${target}`).toBe(true);
    expect(isPublished(linked), `${file}: ${target} is not in the package`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(page(linked)), `${file}: ${target}`).toContain(anchor);
  }
});

function isPublished(path: string): boolean {
  return PUBLISHED.some((entry) => path.replace(/\/$/, '') === entry || path.startsWith(`${entry}/`));
}
