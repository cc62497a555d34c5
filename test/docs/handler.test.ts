import { expect, test } from 'vitest';
import { resolveConfig } from '../../src/config.js';
import { code, page } from '../support/pages.js';
import { messageOf } from '../support/refusals.js';

const PAGE = page('docs/handler.md');

test('the modes are those that the configuration takes', () => {
  const modes = PAGE.tables('Modes')
    .flat()
    .map(([mode = '']) => code(mode));
  expect(messageOf(() => resolveConfig({ mode: 'nonsense' as 'write' }, {}))).toContain(
    `expected ${modes.slice(0, -1).join(', ')} or ${modes.at(-1)}, not "nonsense".`,
  );
});
