import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { anchorOf } from '../anchors.js';
import { linkPages } from '../links.js';
import { withoutNode } from '../simulation/plugin.js';

const ROOT = join(import.meta.dirname, '../..');
const { name, description } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** A value, and the guard beside it. */
const ICON =
  'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="3" width="9" height="10" rx="2" fill="%233451b2"/><rect x="12" y="3" width="3" height="10" rx="1" fill="%231a7f37"/></svg>';

/** The pages as they stand in the repository; only these move: the front door, and what is the site's own. */
const MOVED = {
  'README.md': 'index.md',
  'site/simulation.md': 'simulation.md',
  'site/api/:page': 'api/:page',
};

export default defineConfig({
  title: name,
  description,
  head: [['link', { rel: 'icon', href: ICON }]],
  srcDir: '..',
  srcExclude: ['!(README|CONTRIBUTING|CHANGELOG|docs|site)/**', '!(README|CONTRIBUTING|CHANGELOG).md'],
  outDir: '../.cache/site',
  cacheDir: '../.cache/vitepress',
  rewrites: MOVED,
  cleanUrls: false,
  lastUpdated: false,
  markdown: {
    anchor: { slugify: anchorOf },
    config: (markdown) => markdown.use(linkPages),
  },
  vite: {
    plugins: [withoutNode()],
    worker: { format: 'es', plugins: () => [withoutNode()] },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'See it happen', link: '/simulation' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [
      { text: 'The front door', link: '/' },
      { text: 'See it happen', link: '/simulation' },
      { text: 'Documentation', items: docsOfReadme() },
      { text: 'API', link: '/api/', collapsed: true, items: apiPages() },
      {
        text: 'The project',
        items: [
          { text: 'Changes', link: '/CHANGELOG' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
        ],
      },
    ],
  },
});

/** The pages by the names and in the order of README's map of them. */
function docsOfReadme(): DefaultTheme.SidebarItem[] {
  const [, map = ''] = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n## The documentation\n');
  const rows = map.matchAll(/^\| .* \| \[(.+)\]\((docs\/.+)\.md\) \|$/gm);
  return [...rows].map(([, text = '', page]) => ({
    text: text.replace(/`(.*?)`/g, '<code>$1</code>'),
    link: `/${page}`,
  }));
}

function apiPages(): DefaultTheme.SidebarItem[] {
  const pages = readdirSync(join(ROOT, 'site/api')).map((file) => file.replace(/\.md$/, ''));
  return pages
    .filter((page) => page !== 'index')
    .sort()
    .map((page) => ({ text: page === name ? name : page.replace(`${name}.`, '/'), link: `/api/${page}` }));
}
