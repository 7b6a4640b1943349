import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EMPTY_CURSOR,
  parseCursor,
  printCursor,
  type Cursor,
  type CursorSeal,
} from '../../src/changes/cursor.ts';
import { SUPPLIERS_FOLLOWED_MAX } from '../../src/domain/changes.ts';
import { OnhandError } from '../../src/domain/errors.ts';

fc.configureGlobal({ seed: 20_261_123 });

const SEAL: CursorSeal = { key: Buffer.alloc(32, 7), readerId: 12 };

const number = fc.oneof(fc.nat({ max: 1000 }), fc.maxSafeNat());
const cursors: fc.Arbitrary<Cursor> = fc.record({
  sequences: fc
    .array(fc.tuple(fc.oneof(fc.integer({ min: 1, max: 2000 }), number), number), { maxLength: 60 })
    .map((entries) => new Map(entries)),
  turn: number,
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof OnhandError) return error.code;
    throw error;
  }
  return 'none';
}

test('printing and parsing a cursor returns the same cursor', () => {
  fc.assert(
    fc.property(cursors, (cursor) => {
      const text = printCursor(cursor, SEAL);
      expect(text).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(parseCursor(text, SEAL)).toEqual(cursor);
    }),
  );
});

test('printing and parsing an empty cursor returns an empty cursor', () => {
  expect(parseCursor(printCursor(EMPTY_CURSOR, SEAL), SEAL)).toEqual(EMPTY_CURSOR);
});

test('equal positions have the same text, whatever the order of their suppliers', () => {
  fc.assert(
    fc.property(cursors, ({ sequences, turn }) => {
      const turned = { sequences: new Map([...sequences].toReversed()), turn };
      expect(printCursor(turned, SEAL)).toBe(printCursor({ sequences, turn }, SEAL));
    }),
  );
});

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function placeIn(text: string, part: number): number {
  return Math.floor(part * text.length);
}

function refuse(text: string): void {
  expect(codeOf(() => parseCursor(text, SEAL))).toBe('parameter_invalid');
}

describe('rejects a cursor', () => {
  test('with one character replaced', () => {
    fc.assert(
      fc.property(
        cursors,
        place,
        fc.constantFrom(...Array.from('ABCXYZabcxyz0189-_+/= é')),
        (cursor, part, other) => {
          const text = printCursor(cursor, SEAL);
          const i = placeIn(text, part);
          fc.pre(text[i] !== other);
          refuse(text.slice(0, i) + other + text.slice(i + 1));
        },
      ),
    );
  });

  test('that is truncated or extended', () => {
    fc.assert(
      fc.property(cursors, place, fc.string({ minLength: 1 }), (cursor, part, more) => {
        const text = printCursor(cursor, SEAL);
        refuse(text.slice(0, placeIn(text, part)));
        refuse(text + more);
        refuse(more + text);
      }),
    );
  });

  test('that is arbitrary text', () => {
    fc.assert(fc.property(fc.string(), refuse));
    fc.assert(fc.property(fc.base64String(), refuse));
    refuse('A'.repeat(1_000_000));
  });

  test('of another reader, or of another database', () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        const text = printCursor(cursor, SEAL);
        for (const other of [
          { ...SEAL, readerId: 1 },
          { ...SEAL, key: Buffer.alloc(32, 8) },
        ]) {
          expect(codeOf(() => parseCursor(text, other))).toBe('parameter_invalid');
        }
      }),
    );
  });
});

test('a cursor with the maximum number of suppliers fits into a header', () => {
  const sequences = new Map(
    Array.from({ length: SUPPLIERS_FOLLOWED_MAX }, (_, i) => [
      Number.MAX_SAFE_INTEGER - i,
      Number.MAX_SAFE_INTEGER,
    ]),
  );
  const text = printCursor({ sequences, turn: 3 }, SEAL);
  expect(parseCursor(text, SEAL).sequences).toEqual(sequences);
  expect(text.length).toBeLessThan(12_000);
});

test('a cursor of five hundred suppliers with millions of changes has less than 4,000 characters', () => {
  const sequences = new Map(
    Array.from({ length: 500 }, (_, i) => [1 + i * 9, 1_000_000 + i * 7919]),
  );
  expect(printCursor({ sequences, turn: 3 }, SEAL).length).toBeLessThan(4000);
});
