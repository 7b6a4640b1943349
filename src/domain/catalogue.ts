import type { Product } from './sku.ts';
import type { Inventory } from './inventory.ts';
import type { BatchOrigin } from './batches.ts';

/**
 * One SKU as a catalogue describes it. Members left out stay as they are. A retired SKU is brought back: members left
 * out are then as those of a new SKU.
 */
export interface CatalogueEntry {
  readonly skuId: string;
  /** Retires the SKU instead, if there is one; the other members are ignored. */
  readonly retires?: true;
  /** If not given, one is created per `itemId`, or else per SKU. */
  readonly itemUuid?: string;
  readonly product: Partial<Product>;
  readonly inventory: Partial<Inventory>;
}

export const COMPLAINT_KINDS = ['rejected', 'doubtful'] as const;

/** `rejected`: the row was not imported. `doubtful`: it was, but not exactly as written. */
export type ComplaintKind = (typeof COMPLAINT_KINDS)[number];

/** What is wrong with one row of a file. */
export interface Complaint {
  /** As a spreadsheet numbers it: the header is row 1. */
  readonly row: number;
  /** The column's name in the file's header; empty if the problem concerns the whole row. */
  readonly column: string;
  /** The cell's text; very long texts are cut. */
  readonly value: string;
  readonly reason: string;
  readonly kind: ComplaintKind;
}

/** A GTIN in a row of a file. */
export interface NamedGtin {
  readonly gtin: number;
  readonly column: string;
  readonly value: string;
}

/** One parsed row of a catalogue. */
export interface CatalogueRow {
  readonly row: number;
  /** Null if the row is rejected. */
  readonly entry: CatalogueEntry | null;
  /** The row's GTINs, without duplicates. */
  readonly gtins: readonly NamedGtin[];
  readonly complaints: readonly Complaint[];
}

export interface CatalogueBatch extends BatchOrigin {
  readonly entries: readonly CatalogueEntry[];
  /** How to treat a `sku_id` that exists: `update` it, or `refuse` the entry. */
  readonly existing: 'update' | 'refuse';
  /** Decides what would happen, and writes nothing. */
  readonly dryRun?: true;
}

export const ENTRY_OUTCOMES = ['created', 'updated', 'unchanged', 'refused'] as const;
export type EntryOutcome = (typeof ENTRY_OUTCOMES)[number];

export interface CatalogueOutcome {
  /** Null if no batch was written: every entry was refused, or it was a dry run. */
  readonly batchUuid: string | null;
  /** One per entry, with the uuid of its SKU. */
  readonly entries: readonly { readonly outcome: EntryOutcome; readonly uuid: string }[];
}

/** A GTIN that several SKUs of a supplier share. */
export interface SharedGtin {
  readonly gtin: number;
  readonly skuIds: readonly string[];
}
