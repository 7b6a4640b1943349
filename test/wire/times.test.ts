import { describe, expect, test } from 'vitest';
import { printTime, printTimeUs, readAsOf, readTimeUs } from '../../src/wire/times.ts';

const us = (iso: string, extra = 0) => Date.parse(iso) * 1000 + extra;

describe('an RFC 3339 timestamp is read', () => {
  test.for([
    ['2026-11-23T16:21:19Z', us('2026-11-23T16:21:19Z')],
    ['2026-11-23t16:21:19z', us('2026-11-23T16:21:19Z')],
    ['2026-11-23T16:21:19.5Z', us('2026-11-23T16:21:19.500Z')],
    ['2026-11-23T16:21:19.123456Z', us('2026-11-23T16:21:19.123Z', 456)],
    ['2026-11-23T16:21:19.1234569999999Z', us('2026-11-23T16:21:19.123Z', 456)],
    ['2026-11-23T16:21:19+02:00', us('2026-11-23T14:21:19Z')],
    ['2026-11-23T00:30:00-05:45', us('2026-11-23T06:15:00Z')],
    ['2026-11-23T16:21:19-00:00', us('2026-11-23T16:21:19Z')],
    ['2024-02-29T23:59:59+23:59', us('2024-02-29T00:00:59Z')],
    ['2016-12-31T23:59:60Z', us('2017-01-01T00:00:00Z')],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['0001-01-01T00:00:00Z', us('0001-01-01T00:00:00Z')],
  ] as const)('%s', ([text, expected]) => {
    expect(readTimeUs(text)).toBe(expected);
  });
});

test.for([
  '',
  'now',
  '2026-11-23',
  '2026-11-23T16:21:19',
  '2026-11-23 16:21:19Z',
  '2026-11-23T16:21Z',
  '2026-11-23T24:00:00Z',
  '2026-11-23T16:60:00Z',
  '2026-11-23T16:21:61Z',
  '2026-11-23T16:21:19.Z',
  '2026-11-23T16:21:19,5Z',
  '2026-11-23T16:21:19+2:00',
  '2026-11-23T16:21:19+0200',
  '2026-11-23T16:21:19+24:00',
  '2025-02-29T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '+002026-11-23T16:21:19Z',
  ' 2026-11-23T16:21:19Z',
  '٢٠٢٦-11-23T16:21:19Z',
])('%j is no time', (text) => {
  expect(readTimeUs(text)).toBeUndefined();
});

test('a timestamp is printed in UTC with microseconds and read back unchanged', () => {
  expect(printTime(Date.parse('2026-11-23T16:21:19.041Z'))).toBe('2026-11-23T16:21:19.041000Z');
  for (const text of ['2026-11-23T16:21:19.123456Z', '1969-12-31T23:59:59.999999Z']) {
    expect(printTimeUs(readTimeUs(text) ?? 0)).toBe(text);
  }
});

test('a report may be in the future up to the tolerance', () => {
  const terms = { nowMs: Date.parse('2026-11-23T16:00:00Z'), asOfToleranceSeconds: 300 };
  expect(readAsOf('as_of', '2026-11-23T16:05:00Z', terms)).toBe(us('2026-11-23T16:05:00Z'));
  expect(readAsOf('as_of', '2026-11-23T16:05:00.000001Z', terms)).toBe(
    'as_of "2026-11-23T16:05:00.000001Z" is more than 300 seconds in the future.',
  );
  for (const value of [null, 5, true, {}, []]) {
    expect(readAsOf('as_of', value, terms)).toMatch(/^as_of must be a time with an offset or Z/);
  }
});
