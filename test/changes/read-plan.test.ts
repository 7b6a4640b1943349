import type { ChangeHead } from '../../src/domain/changes.ts';
import { describe, expect, test } from 'vitest';
import type { Cursor } from '../../src/changes/cursor.ts';
import {
  cursorAfter,
  cursorAtNow,
  cursorAtStart,
  planReading,
  refuseAhead,
} from '../../src/changes/read-plan.ts';
import { OnhandError, type ErrorCode } from '../../src/domain/errors.ts';

function head(lastSequence: number, oldestSequence = 1): ChangeHead {
  return { lastSequence, oldestSequence };
}

function cursorOf(sequences: Readonly<Record<number, number>>, turn = 0): Cursor {
  return {
    sequences: new Map(Object.entries(sequences).map(([id, sequence]) => [Number(id), sequence])),
    turn,
  };
}

function errorOf(act: () => unknown): OnhandError {
  try {
    act();
  } catch (error) {
    if (error instanceof OnhandError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function expectRefusal(act: () => unknown, code: ErrorCode, text: RegExp): void {
  const error = errorOf(act);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(text);
}

/** Plans for a reader at 7 of 10 where changes before `oldestSequence` have been dropped. */
function planKept(oldestSequence: number): unknown {
  return planReading({
    cursor: cursorOf({ 1: 7 }),
    supplierIds: [1],
    heads: new Map([[1, head(10, oldestSequence)]]),
    limit: 10,
  });
}

describe('a read plan', () => {
  test('reads from the cursor up to the head', () => {
    const heads = new Map([
      [1, head(10)],
      [2, head(4)],
    ]);
    const cursor = cursorOf({ 1: 7, 2: 4 });
    const plan = planReading({ cursor, supplierIds: [1, 2], heads, limit: 100 });
    expect(plan).toEqual({
      left: [],
      entered: [],
      reads: [{ supplierId: 1, afterSequence: 7, count: 3 }],
      cursor,
      hasMore: false,
    });
  });

  test('shares the limit and gives unused shares to longer backlogs', () => {
    const heads = new Map([
      [1, head(1000)],
      [2, head(2)],
      [3, head(1000)],
    ]);
    const cursor = cursorOf({ 1: 0, 2: 0, 3: 0 });
    const plan = planReading({ cursor, supplierIds: [1, 2, 3], heads, limit: 12 });
    expect(plan.reads.map(({ supplierId, count }) => [supplierId, count])).toEqual([
      [1, 5],
      [2, 2],
      [3, 5],
    ]);
    expect(plan.hasMore).toBe(true);
  });

  test('lets suppliers take turns if the limit is smaller than their number', () => {
    const supplierIds = [1, 2, 3, 4, 5];
    const heads = new Map(supplierIds.map((id) => [id, head(1000)]));
    let cursor = cursorAtStart(supplierIds, heads);
    const served: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const plan = planReading({ cursor, supplierIds, heads, limit: 2 });
      served.push(...plan.reads.map(({ supplierId }) => supplierId));
      cursor = cursorAfter(
        plan.cursor,
        plan.reads.map(({ supplierId, afterSequence, count }) => ({
          supplierId,
          lastSequence: afterSequence + count,
        })),
      );
    }
    expect(served).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
  });

  test('reports new suppliers at their head, and suppliers no longer visible at their last read sequence', () => {
    const heads = new Map([
      [1, head(10)],
      [2, head(20)],
    ]);
    const plan = planReading({
      cursor: cursorOf({ 1: 7 }),
      supplierIds: [2],
      heads,
      limit: 100,
    });
    expect(plan).toEqual({
      left: [{ supplierId: 1, sequence: 7 }],
      entered: [{ supplierId: 2, sequence: 20 }],
      reads: [],
      cursor: cursorOf({ 2: 20 }),
      hasMore: false,
    });
  });

  test('skips a supplier whose head is not known yet', () => {
    const plan = planReading({
      cursor: cursorOf({}),
      supplierIds: [3],
      heads: new Map(),
      limit: 1,
    });
    expect(plan).toMatchObject({ entered: [], reads: [], hasMore: false });
    expect(plan.cursor.sequences.size).toBe(0);
  });

  test('skips a supplier whose head lags behind the cursor', () => {
    const plan = planReading({
      cursor: cursorOf({ 1: 9 }),
      supplierIds: [1],
      heads: new Map([[1, head(8)]]),
      limit: 10,
    });
    expect(plan).toMatchObject({ reads: [], hasMore: false });
    expect(plan.cursor.sequences.get(1)).toBe(9);
  });

  test('rejects a cursor only if an unread change has been dropped', () => {
    expect(planKept(8)).toMatchObject({ reads: [{ afterSequence: 7, count: 3 }] });
    expectRefusal(() => planKept(9), 'cursor_expired', /older .* from=now/s);
    expectRefusal(() => planKept(11), 'cursor_expired', /older .* from=now/s);
  });

  test('accepts a cursor if all changes were read before they were dropped', () => {
    const plan = planReading({
      cursor: cursorOf({ 1: 10 }),
      supplierIds: [1],
      heads: new Map([[1, head(10, 11)]]),
      limit: 10,
    });
    expect(plan.reads).toEqual([]);
  });

  test('ignores dropped changes of a supplier that left', () => {
    const plan = planReading({
      cursor: cursorOf({ 1: 7 }),
      supplierIds: [],
      heads: new Map([[1, head(100, 90)]]),
      limit: 10,
    });
    expect(plan.left).toEqual([{ supplierId: 1, sequence: 7 }]);
  });
});

test('a cursor that is ahead of the database is rejected', () => {
  const heads = new Map([[1, head(8)]]);
  refuseAhead(cursorOf({ 1: 8, 2: 5 }), heads);
  expectRefusal(() => refuseAhead(cursorOf({ 1: 9 }), heads), 'cursor_expired', /restored/);
});

test('from=now has nothing to read, from=start every stored change', () => {
  const heads = new Map([
    [1, head(10, 4)],
    [2, head(0)],
  ]);
  expect(cursorAtNow([1, 2, 3], heads)).toEqual(cursorOf({ 1: 10, 2: 0 }));
  const cursor = cursorAtStart([1, 2, 3], heads);
  expect(planReading({ cursor, supplierIds: [1, 2], heads, limit: 50 }).reads).toEqual([
    { supplierId: 1, afterSequence: 3, count: 7 },
  ]);
});

test('at most five hundred suppliers can be followed', () => {
  const ids = Array.from({ length: 501 }, (_, i) => i + 1);
  const heads = new Map(ids.map((id) => [id, head(1)]));
  const cursor = cursorAtNow(ids.slice(1), heads);
  planReading({ cursor, supplierIds: ids.slice(1), heads, limit: 1 });
  const refused = [
    () => cursorAtNow(ids, heads),
    () => planReading({ cursor, supplierIds: ids, heads, limit: 1 }),
  ];
  for (const act of refused) expectRefusal(act, 'parameter_invalid', /501 .* supplier_uuids/s);
});
