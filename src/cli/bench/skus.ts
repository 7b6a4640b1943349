import type { BenchServer } from './server.ts';

/** What every SKU of a bench is called at the beginning, so that everybody knows it. */
export const BENCH_PREFIX = 'onhand-bench-';

const NUMBER_DIGITS = 7;
const PIECE_LINES = 1000;
const CREATIONS_AT_ONCE = 8;

export function benchSkuId(number: number): string {
  return BENCH_PREFIX + String(number).padStart(NUMBER_DIGITS, '0');
}

/** Told how many SKUs are done, as soon as the first are touched. */
type OnDone = (count: number) => void;

/**
 * Sees to it that there are so many SKUs, in stock and without restrictions: those of an earlier bench are
 * taken again. Stops where `isStopped` says so.
 */
export async function prepareSkus(
  server: BenchServer,
  count: number,
  { onDone, isStopped }: { readonly onDone: OnDone; readonly isStopped: () => boolean },
): Promise<void> {
  for (let first = 0; first < count && !isStopped(); first += PIECE_LINES) {
    const numbers = numbersFrom(first, count);
    const missing = await server.updateThoseThere(linesOf(numbers, 1, null));
    onDone(first);
    const toMake = missing.map((index) => benchSkuId(first + index));
    await Promise.all(
      Array.from({ length: CREATIONS_AT_ONCE }, async () => {
        for (let skuId = toMake.pop(); skuId !== undefined; skuId = toMake.pop()) {
          await server.createSku(skuId);
        }
      }),
    );
    onDone(first + numbers.length);
  }
}

/** Leaves the SKUs with nothing in stock, discontinued; those that were never made are left out. */
export async function putAwaySkus(server: BenchServer, count: number): Promise<void> {
  for (let first = 0; first < count; first += PIECE_LINES) {
    await server.updateThoseThere(linesOf(numbersFrom(first, count), 0, 'discontd'));
  }
}

function numbersFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: Math.min(PIECE_LINES, count - first) }, (_, i) => first + i);
}

function linesOf(numbers: readonly number[], quantity: number, restrictions: string | null) {
  return JSON.stringify(
    numbers.map((number) => {
      return { sku_id: benchSkuId(number), quantity_in_stock: quantity, restrictions };
    }),
  );
}
