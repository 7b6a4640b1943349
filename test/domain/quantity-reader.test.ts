import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { QUANTITY_MAX } from '../../src/domain/inventory.ts';
import { decimalEvidence, readQuantity } from '../../src/domain/quantity-text.ts';

/** How a country writes numbers: the mark before the fraction, and what groups thousands. */
const COUNTRIES = [
  { decimal: 'point', mark: '.', groups: [',', ' ', '\u00a0', "'", ''] },
  { decimal: 'comma', mark: ',', groups: ['.', ' ', '\u202f', '’', ''] },
] as const;

const written = fc
  .record({
    quantity: fc.integer({ min: 0, max: QUANTITY_MAX }),
    country: fc.constantFrom(...COUNTRIES),
    group: fc.nat(4),
    zeros: fc.nat(4),
  })
  .map(({ quantity, country: { decimal, mark, groups }, group, zeros }) => {
    const grouped = String(quantity).replaceAll(/\B(?=(?:\d{3})+$)/g, groups[group] ?? '');
    const text = zeros === 0 ? grouped : `${grouped}${mark}${'0'.repeat(zeros)}`;
    return { quantity, decimal, text };
  });

test('a quantity in the writing of any country is read by its mark, and never as another without it', () => {
  fc.assert(
    fc.property(written, ({ quantity, decimal, text }) => {
      expect(readQuantity(text, decimal)).toEqual({ quantity });
      const unaided = readQuantity(text, null);
      if (decimalEvidence(text) === 'either') expect(unaided).toHaveProperty('readings');
      else expect(unaided).toEqual({ quantity });
    }),
  );
});

test('a fraction that is not zero is no quantity, whatever its mark', () => {
  const fraction = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 99 }), fc.constantFrom('.', ','));
  fc.assert(
    fc.property(fraction, ([whole, hundredths, mark]) => {
      const text = `${whole}${mark}${String(hundredths).padStart(2, '0')}`;
      expect(readQuantity(text, null)).toBeNull();
    }),
  );
});
