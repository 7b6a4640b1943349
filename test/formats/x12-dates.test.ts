import { expect, test } from 'vitest';
import { asOfOfFile } from '../../src/formats/x12/inventory-advice.ts';

test.for([
  [null, null],
  ['20200102', '2020-01-03T12:00:00Z'],
  ['202001021530', '2020-01-03T03:30:00Z'],
  ['20261231', '2026-01-01T00:00:00Z'],
] as const)('a file dated %s is as of %s', ([dated, expected]) => {
  const uploadedAtMs = Date.parse('2026-01-01T00:00:00Z');
  const asOfUs = asOfOfFile(dated, uploadedAtMs);
  expect(asOfUs).toBe(expected === null ? null : Date.parse(expected) * 1000);
});
