import type { GtinForm } from './gtin.ts';
import type { Inventory } from './inventory.ts';
import type { Product } from './sku.ts';

/** What a SKU is called beside its `sku_id`. */
export type ProductIdentifiers = Pick<Product, GtinForm | 'asin' | 'mpn'>;

/** A supplier as readers of its changes know it. */
export interface NamedSupplier {
  readonly uuid: string;
  readonly name: string;
}

/** One SKU's inventory before and after a batch, as it is told to readers. */
export interface Change {
  readonly supplier: NamedSupplier;
  readonly sku: {
    readonly uuid: string;
    readonly skuId: string;
    readonly identifiers: ProductIdentifiers;
  };
  /** Its place among the supplier's changes, from 1, without gaps. */
  readonly sequence: number;
  /** When its batch was applied: milliseconds since 1970-01-01T00:00Z. */
  readonly changedAtMs: number;
  readonly before: Inventory;
  readonly after: Inventory;
  readonly batchUuid: string;
  /** Why, where the batch said so. */
  readonly reason: string | null;
}

/** What a reader of changes is told, one after another. */
export type ChangeRecord =
  | { readonly kind: 'change'; readonly change: Change }
  /** From here on the reader is told of this supplier: of its changes after `sequence`. */
  | {
      readonly kind: 'supplier_entered';
      readonly supplier: NamedSupplier;
      readonly sequence: number;
    }
  /** The reader may no longer see this supplier; it was told of its changes up to `sequence`. */
  | {
      readonly kind: 'supplier_left';
      readonly supplier: NamedSupplier;
      readonly sequence: number;
    };

/** How many suppliers one reader follows at most: what a cursor can hold. */
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

/** The age limits: an hour, a day, a week, four weeks. */
export const FRESHNESS_AGES_MS: readonly number[] = [1, 24, 7 * 24, 28 * 24].map(
  (hours) => hours * 3_600_000,
);
