import type { BatchSource } from './batches.ts';
import type { GtinForm } from './gtin.ts';
import type { Inventory } from './inventory.ts';
import type { Product } from './sku.ts';

/** A SKU's identifiers other than its `sku_id`. */
export type ProductIdentifiers = Pick<Product, GtinForm | 'asin' | 'mpn'>;

/** A supplier as the change feed names it. */
export interface NamedSupplier {
  readonly uuid: string;
  readonly name: string;
}

/** One SKU's inventory before and after a batch. */
export interface Change {
  readonly supplier: NamedSupplier;
  readonly sku: {
    readonly uuid: string;
    readonly skuId: string;
    readonly identifiers: ProductIdentifiers;
  };
  /** Numbers the supplier's changes from 1, without gaps. */
  readonly sequence: number;
  /** When its batch was applied: milliseconds since 1970-01-01T00:00Z. */
  readonly changedAtMs: number;
  readonly before: Inventory;
  readonly after: Inventory;
  readonly batchUuid: string;
  /** The batch's reason, if it has one. */
  readonly reason: string | null;
  /** The trace context in which the batch was sent. It is for this server and for webhooks, not for the change feed. */
  readonly traceparent: string | null;
}

/** A change in the history of its SKU, with what its batch says about itself. */
export interface HistoryEntry extends Change {
  readonly source: BatchSource;
  /** Who sent the batch; null is the operator at the command line. */
  readonly username: string | null;
  readonly reference: string | null;
}

/** One element of the change feed. */
export type ChangeRecord =
  | { readonly kind: 'change'; readonly change: Change }
  /** The supplier became visible to the reader. Its changes after `sequence` follow. */
  | {
      readonly kind: 'supplier_entered';
      readonly supplier: NamedSupplier;
      readonly sequence: number;
    }
  /** The supplier is no longer visible to the reader. Changes up to `sequence` were delivered. */
  | {
      readonly kind: 'supplier_left';
      readonly supplier: NamedSupplier;
      readonly sequence: number;
    };

/** Most suppliers that one cursor can hold. */
export const SUPPLIERS_FOLLOWED_MAX = 500;

/** The range of a supplier's changes. */
export interface ChangeHead {
  /** The sequence of the last change; 0 if there is none. */
  readonly lastSequence: number;
  /** The sequence of the oldest change kept; `lastSequence` + 1 if there is none. */
  readonly oldestSequence: number;
}

/** How recently a supplier reported. */
export interface Freshness {
  /** When the last batch was applied; null if there is none. */
  readonly lastHeardAtMs: number | null;
  readonly expectedIntervalMinutes: number | null;
  /** SKUs by the age of their last report, changed or confirmed: one count per age limit, then the rest (null). */
  readonly skusByAge: readonly { readonly ageMsMax: number | null; readonly count: number }[];
}

/** When a supplier that is expected to report last did. */
export interface ExpectedReport {
  readonly supplierId: number;
  readonly name: string;
  readonly intervalMinutes: number;
  /** When its last batch was applied; null if there is none. */
  readonly lastHeardAtMs: number | null;
}

/** Whether a supplier has not reported for longer than expected. */
export function isLate(
  lastHeardAtMs: number | null,
  intervalMinutes: number,
  nowMs: number,
): boolean {
  return nowMs - (lastHeardAtMs ?? 0) > intervalMinutes * 60_000;
}

/** The age limits: an hour, a day, a week, four weeks. */
export const FRESHNESS_AGES_MS: readonly number[] = [1, 24, 7 * 24, 28 * 24].map(
  (hours) => hours * 3_600_000,
);
