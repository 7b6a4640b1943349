import { expect, test } from 'vitest';
import { RESTRICTIONS, restrictionCode, restrictionName } from '../../src/domain/inventory.ts';

test('a restriction has the same name after it was stored as a code', () => {
  for (const name of RESTRICTIONS) {
    const code = restrictionCode(name);
    if (code === undefined) throw new Error(`${name} has no code`);
    expect(restrictionName(code)).toBe(name);
  }
  expect(restrictionName(null)).toBeNull();
});

test.for([0, -1, RESTRICTIONS.length + 1, 1.5, Number.NaN])(
  'rejects the unknown restriction code %d instead of calling it unrestricted',
  (code) => {
    expect(() => restrictionName(code)).toThrow(RangeError);
  },
);
