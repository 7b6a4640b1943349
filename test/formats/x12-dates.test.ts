import { expect, test } from 'vitest';
import { asOfOfFile } from '../../src/formats/edi/report-date.ts';

test.for([
  [null, null],
  ['20200102', '2020-01-03T12:00:00Z'],
  ['202001021530', '2020-01-03T03:30:00Z'],
  ['202001022400', '2020-01-03T12:00:00Z'],
  ['20200102153059', '2020-01-03T03:30:59Z'],
  ['2020010215305999', '2020-01-03T03:30:59Z'],
  ['20261231', '2026-01-01T00:00:00Z'],
] as const)('a file dated %s is as of %s', ([dated, expected]) => {
  const uploadedAtMs = Date.parse('2026-01-01T00:00:00Z');
  const asOfUs = asOfOfFile(dated, uploadedAtMs);
  expect(asOfUs).toBe(expected === null ? null : Date.parse(expected) * 1000);
});

test.for(['20261341', '20260230', '202601022500', '202601021260', '20260102 9:15', '2026-01-02'])(
  'a file dated %s is refused, since it may be out of date',
  (dated) => {
    expect(() => asOfOfFile(dated, 0)).toThrow(
      `The date of the report, "${dated}", cannot be read, so the report may be out of date; write a calendar date as ccyymmdd and a time as hhmm or hhmmss, or upload the file with the header As-Of.`,
    );
  },
);
