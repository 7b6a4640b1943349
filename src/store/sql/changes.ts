import { decodeRuns } from '../../domain/number-set.ts';
import { batchSourceOf } from './batch-source.ts';
import {
  FRESHNESS_AGES_MS,
  type Freshness,
  type Change,
  type HistoryEntry,
} from '../../domain/changes.ts';

/** A change as it is selected, with its SKU, supplier and batch. */
export interface ChangeRow {
  readonly sequence: number;
  readonly sku_uuid: string;
  readonly sku_id: string;
  readonly upca: string | null;
  readonly ean13: string | null;
  readonly gtin14: string | null;
  readonly isbn: string | null;
  readonly asin: string | null;
  readonly mpn: string | null;
  readonly supplier_uuid: string;
  readonly supplier_name: string;
  readonly batch_uuid: string;
  readonly applied_at_ms: number;
  readonly reason: string | null;
  readonly traceparent: string | null;
  readonly before_quantity_in_stock: number | null;
  readonly before_quantity_on_backorder: number | null;
  readonly before_backorder_date: number | null;
  readonly before_restrictions: number | null;
  readonly after_quantity_in_stock: number | null;
  readonly after_quantity_on_backorder: number | null;
  readonly after_backorder_date: number | null;
  readonly after_restrictions: number | null;
}

/** A change of a SKU's history as it is selected. */
export interface HistoryRow extends ChangeRow {
  readonly source: string;
  readonly username: string | null;
  readonly reference: string | null;
}

export function historyEntryOf(row: HistoryRow): HistoryEntry {
  const { source, username, reference } = row;
  return { ...changeOf(row), source: batchSourceOf(source), username, reference };
}

export function changeOf(row: ChangeRow): Change {
  const { upca, ean13, gtin14, isbn, asin, mpn } = row;
  return {
    supplier: { uuid: row.supplier_uuid, name: row.supplier_name },
    sku: {
      uuid: row.sku_uuid,
      skuId: row.sku_id,
      identifiers: { upca, ean13, gtin14, isbn, asin, mpn },
    },
    sequence: row.sequence,
    changedAtMs: row.applied_at_ms,
    before: {
      quantityInStock: row.before_quantity_in_stock,
      quantityOnBackorder: row.before_quantity_on_backorder,
      backorderDate: row.before_backorder_date,
      restrictions: row.before_restrictions,
    },
    after: {
      quantityInStock: row.after_quantity_in_stock,
      quantityOnBackorder: row.after_quantity_on_backorder,
      backorderDate: row.after_backorder_date,
      restrictions: row.after_restrictions,
    },
    batchUuid: row.batch_uuid,
    reason: row.reason,
    traceparent: row.traceparent,
  };
}

/** Stands for a retired SKU among the times of last reports. */
export const RETIRED_SKU = Number.NaN;

/**
 * Records the time of a batch's confirmations.
 *
 * @param reportedAtMs when each SKU was last reported, by SKU number
 * @param confirmed a set of SKU numbers (domain/number-set.ts)
 */
export function recordConfirmation(
  reportedAtMs: Float64Array,
  confirmed: Uint8Array,
  appliedAtMs: number,
): void {
  for (const [begin, length] of decodeRuns(confirmed)) {
    for (let number = begin; number < begin + length; number += 1) {
      if (appliedAtMs > (reportedAtMs[number] ?? Infinity)) reportedAtMs[number] = appliedAtMs;
    }
  }
}

/** Counts SKUs, without the retired ones, by the age of their last report. */
export function countByAge(reportedAtMs: Float64Array, nowMs: number): Freshness['skusByAge'] {
  const counts = Array.from({ length: FRESHNESS_AGES_MS.length + 1 }, () => 0);
  for (const atMs of reportedAtMs) {
    if (Number.isNaN(atMs)) continue;
    const found = FRESHNESS_AGES_MS.findIndex((ageMsMax) => nowMs - atMs <= ageMsMax);
    const bucket = found < 0 ? FRESHNESS_AGES_MS.length : found;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ ageMsMax: FRESHNESS_AGES_MS[i] ?? null, count }));
}
