import { isUtf8 } from 'node:buffer';
import { array, assert, constantFrom, property } from 'fast-check';
import { expect, test } from 'vitest';
import { firstNotUtf8 } from '../../src/wire/utf8.ts';

test.for([
  [[0xff], 1, 1],
  [[0x61, 0x0a, 0x62, 0xe2, 0x82], 2, 2],
  [[0xc3, 0xa9, 0x80], 1, 2],
  [[0xf0, 0x9f, 0x98, 0x80, 0xc0, 0x80], 1, 3],
  [[0xed, 0xa0, 0x80], 1, 1],
  [[0xef, 0xbf, 0xbd, 0x0a, 0x0a, 0xf5], 3, 1],
] as const)(
  'the first bytes of %j that are not UTF-8 are in line %d, column %d',
  ([bytes, line, column]) => {
    expect(firstNotUtf8(Buffer.from(bytes))).toEqual({ line, column });
  },
);

test('a position is found in exactly the bytes that are not UTF-8', () => {
  const byte = constantFrom(
    0x41,
    0x80,
    0x90,
    0xa0,
    0xbf,
    0xc0,
    0xc3,
    0xe0,
    0xe2,
    0xed,
    0xf0,
    0xf4,
    0xf5,
  );
  assert(
    property(array(byte, { maxLength: 8 }), (given) => {
      const bytes = Buffer.from(given);
      const { column } = firstNotUtf8(bytes);
      const isWhole = column === bytes.toString().length + 1;
      expect(isUtf8(bytes)).toBe(isWhole);
    }),
    { numRuns: 2000 },
  );
});
