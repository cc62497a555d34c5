import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefaultTheme, defineConfig } from 'vitepress';
import { anchorOf } from '../anchors.js';
import { linkPages } from '../links.js';

const ROOT = join(import.meta.dirname, '../..');
const { name, description } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The pages as they stand in the repository; only these move: the front door, and what is the site's own. */
const MOVED = {
  'README.md': 'index.md',
  'site/simulation.md': 'simulation.md',
  'site/api/:page': 'api/:page',
};

export default defineConfig({
  title: name,
  description,
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
  return [...rows].map(([, text = '', page]) => ({ text, link: `/${page}` }));
}

function apiPages(): DefaultTheme.SidebarItem[] {
  const files = readdirSync(join(ROOT, 'site/api')).filter((file) => file !== 'index.md');
  return files.map((file) => {
    const [, text = ''] = /^# (.+)$/m.exec(readFileSync(join(ROOT, 'site/api', file), 'utf8')) ?? [];
    return { text, link: `/api/${file.replace(/\.md$/, '')}` };
  });
}
