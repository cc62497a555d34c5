import type { MarkdownRenderer } from 'vitepress';

/**
 * A markdown-it plugin for pages that are also read in the repository: a link to a file that is no page of the site, such as
 * a template or a folder of events, becomes its text; one to README leads home.
 */
export function linkPages(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('link-pages', ({ tokens }) => {
    for (const block of tokens) {
      let isLeftOut = false;
      block.children = (block.children ?? []).filter((token) => {
        if (token.type === 'link_open') {
          const href = token.attrGet('href') ?? '';
          isLeftOut = !/^(?:https?:|#)|\.md(?:#.*)?$/.test(href);
          token.attrSet('href', href.replace(/\bREADME\.md/, 'index.md'));
        }
        return !(isLeftOut && token.type.startsWith('link_'));
      });
    }
  });
}
