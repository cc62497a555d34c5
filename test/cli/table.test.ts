import { describe, expect, test } from 'vitest';
import { shortener } from '../../src/cli/sequence-numbers.js';
import { alignColumns } from '../../src/cli/table.js';
import { painter } from '../../src/cli/terminal.js';
import { count, truncate, visible } from '../../src/cli/text.js';

describe('alignColumns', () => {
  test('pads every column but the last to its widest cell', () => {
    const rows = [
      ['a', 'bbb', 'c'],
      ['aaaa', 'b', 'ccc'],
    ];
    expect(lines(alignColumns(rows, 80))).toEqual(['a     bbb  c', 'aaaa  b    ccc']);
  });

  test('takes what does not fit from the widest columns', () => {
    const rows = [['id', 'x'.repeat(50), 'y'.repeat(20)]];
    expect(lines(alignColumns(rows, 40))).toEqual([`id  ${'x'.repeat(16)}…  ${'y'.repeat(16)}…`]);
  });

  test('counts characters, not UTF-16 units', () => {
    expect(
      lines(
        alignColumns(
          [
            ['🐘🐘', 'a'],
            ['bb', 'c'],
          ],
          80,
        ),
      ),
    ).toEqual(['🐘🐘  a', 'bb  c']);
  });

  test('keeps each row on its line', () => {
    expect(lines(alignColumns([['a\nb', '\u001b[2J']], 80))).toEqual(['a\\nb  \\u001b[2J']);
  });

  test('ends where there is no room at all, and for no rows', () => {
    expect(lines(alignColumns([['abc', 'def']], 0))).toEqual(['…  …']);
    expect(alignColumns([], 80)).toEqual([]);
  });
});

describe('shortener', () => {
  test('leaves the last seven digits', () => {
    expect(shortener(['31742600000000008164531298'])('31742600000000008164531298')).toBe('…4531298');
  });

  test('leaves as many digits as tell the numbers apart, and the same number alike', () => {
    const numbers = ['110001234567', '110001234567', '120001234567'];
    expect(numbers.map(shortener(numbers))).toEqual(numbers);
    const longer = numbers.map((number) => `9990${number}`);
    expect(longer.map(shortener(longer))).toEqual(['…10001234567', '…10001234567', '…20001234567']);
  });

  test('leaves short numbers whole', () => {
    expect(['1', '12345678'].map(shortener(['1', '12345678']))).toEqual(['1', '12345678']);
  });
});

test('visible writes control characters as escapes', () => {
  expect(visible('a\tb\r\n\u0007\u009b\u2028é🐘')).toBe('a\\tb\\r\\n\\u0007\\u009b\\u2028é🐘');
});

test('truncate says with one character that more follows', () => {
  expect([truncate('abcdef', 6), truncate('abcdef', 4), truncate('🐘🐘🐘', 2)]).toEqual([
    'abcdef',
    'abc…',
    '🐘…',
  ]);
});

test('count names one thing and many', () => {
  expect([count(0, 'record'), count(1, 'record'), count(2, 'record')]).toEqual([
    '0 records',
    '1 record',
    '2 records',
  ]);
});

test('painter styles text only where there are colours', () => {
  expect(painter(true)('green', 'written')).toBe('\u001b[32mwritten\u001b[39m');
  expect(painter(true)(undefined, 'deleted')).toBe('deleted');
  expect(painter(false)('green', 'written')).toBe('written');
});

function lines(cells: readonly (readonly string[])[]): string[] {
  return cells.map((row) => row.join('  '));
}
