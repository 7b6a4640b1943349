import { expect, test } from 'vitest';
import { FAULTS, simulatedHistory } from './simulated.ts';
import { faultOf, type StockInput, type StockOperation, type StockOutput } from './stock.ts';

const SEEDS = 200;

/** Operations by their times, each of a client of its own. */
function historyOf(
  ...operations: readonly (readonly [from: number, to: number, StockInput, StockOutput?])[]
): readonly StockOperation[] {
  return operations.map(([calledAt, returnedAt, input, output], i) => {
    return { client: `c${i}`, calledAt, returnedAt, input, output };
  });
}

const read: StockInput = { kind: 'read' };
const reads = (stock: number): StockOutput => ({ kind: 'read', stock });
const set = (to: number): StockInput => ({ kind: 'set', to });
const applied = (before: number, after: number): StockOutput => ({
  kind: 'applied',
  before,
  after,
});

test('operations that overlap may take effect in any order', () => {
  const history = historyOf(
    [0, 10, set(1), applied(2, 1)],
    [0, 10, set(2), applied(0, 2)],
    [5, 9, read, reads(0)],
    [6, 9, read, reads(2)],
    [11, 12, read, reads(1)],
  );
  expect(faultOf(history, 0)).toBeUndefined();
});

test('a read that returns an older value than an earlier read is found', () => {
  const history = historyOf(
    [0, 20, set(1), applied(0, 1)],
    [1, 5, read, reads(1)],
    [6, 8, read, reads(0)],
  );
  expect(faultOf(history, 0)).toContain('c2 {"kind":"read"}');
});

test('a write without an answer may take effect late or never, but not before its call', () => {
  const unknown = [2, Infinity, set(7)] as const;
  expect(faultOf(historyOf(unknown, [3, 4, read, reads(0)], [50, 51, read, reads(7)]), 0)).toBe(
    undefined,
  );
  expect(faultOf(historyOf(unknown, [50, 51, read, reads(0)]), 0)).toBe(undefined);
  expect(faultOf(historyOf(unknown, [0, 1, read, reads(7)]), 0)).toBeDefined();
  expect(
    faultOf(historyOf(unknown, [3, 4, read, reads(7)], [5, 6, read, reads(0)]), 0),
  ).toBeDefined();
});

const swap = (to: number): StockInput => ({ kind: 'compareAndSet', expected: 0, to });

test('two compare-and-set operations that expect the same value cannot both be applied', () => {
  const refused: StockOutput = { kind: 'refused', stock: 1 };
  expect(faultOf(historyOf([0, 9, swap(1), applied(0, 1)], [0, 9, swap(2), refused]), 0)).toBe(
    undefined,
  );
  expect(
    faultOf(historyOf([0, 9, swap(1), applied(0, 1)], [0, 9, swap(2), applied(0, 2)]), 0),
  ).toBeDefined();
});

test('a change that was applied twice is found', () => {
  const add: StockInput = { kind: 'change', by: 1 };
  expect(faultOf(historyOf([0, 9, add, applied(0, 1)], [10, 11, read, reads(2)]), 0)).toBeDefined();
});

test(`the histories of ${SEEDS} simulated runs without a fault are linearizable`, () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { history, initial } = simulatedHistory(seed);
    expect(faultOf(history, initial), `seed ${seed}`).toBeUndefined();
  }
});

test.for(FAULTS)('a simulated server that %s is found', (fault) => {
  let seed = 0;
  for (; seed < SEEDS; seed += 1) {
    const { history, initial } = simulatedHistory(seed, fault);
    if (faultOf(history, initial) !== undefined) break;
  }
  expect(seed).toBeLessThan(20);
});

test('a history of thousands of operations and dozens without an answer is checked in moderate time', () => {
  let stock = 0;
  const history = Array.from({ length: 4000 }, (_, i): StockOperation => {
    const isUnknown = i % 100 === 50;
    const before = stock;
    const by = i % 2 === 0 ? 1 : 2;
    stock += by;
    return {
      client: `c${i % 5}`,
      input: { kind: 'change', by },
      output: isUnknown ? undefined : applied(before, stock),
      calledAt: i * 10,
      returnedAt: isUnknown ? Infinity : i * 10 + 45,
    };
  });
  expect(faultOf(history, 0)).toBeUndefined();
});
