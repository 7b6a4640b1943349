import { expect, test } from 'vitest';
import { parseName } from '../../src/accounts/validation.ts';

test.for([
  ['Acme', 'Acme'],
  ['  Acme Housewares\t', 'Acme Housewares'],
  ["O'Neill & Söhne, 東京 🏬", "O'Neill & Söhne, 東京 🏬"],
  ['x'.repeat(200), 'x'.repeat(200)],
])('the name %j is taken', ([text = '', name]) => {
  expect(parseName('The name', text)).toBe(name);
});

test.for([
  ['', /^The name is empty\.$/],
  [' \t\n', /^The name is empty/],
  ['x'.repeat(201), /^The name is longer than 200 characters/],
  ['two\nlines', /^The name has control characters/],
  ['\u001b[31mred', /control characters/],
  ['a\0b', /control characters/],
  ['half \ud83d', /half a character/],
] as const)('the name %j is refused', ([text, message]) => {
  expect(() => parseName('The name', text)).toThrow(message);
});
