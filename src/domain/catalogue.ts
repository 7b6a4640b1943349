import type { Product } from './sku.ts';
import type { Inventory } from './inventory.ts';
import type { BatchOrigin } from './batches.ts';

/** One SKU as a catalogue gives it: members left out are not given and stay as they are. */
export interface CatalogueEntry {
  readonly skuId: string;
  /** Taken as given; without it one is made per `itemId`, else per SKU. */
  readonly itemUuid?: string;
  readonly product: Partial<Product>;
  readonly inventory: Partial<Inventory>;
}

export const COMPLAINT_KINDS = ['rejected', 'doubtful'] as const;

/** `rejected`: the row was not taken. `doubtful`: it was, but not all of it as it is written. */
export type ComplaintKind = (typeof COMPLAINT_KINDS)[number];

/** What is wrong with one row of a file. */
export interface Complaint {
  /** As a spreadsheet shows it: the header is row 1. */
  readonly row: number;
  /** The column as the file's header names it; empty where the row as a whole is meant. */
  readonly column: string;
  /** What the cell held, shortened where it is very long. */
  readonly value: string;
  readonly reason: string;
  readonly kind: ComplaintKind;
}

/** A GTIN as a row of a file names it. */
export interface NamedGtin {
  readonly gtin: number;
  readonly column: string;
  readonly value: string;
}

/** One row of a catalogue, read. */
export interface CatalogueRow {
  readonly row: number;
  /** What it says of its SKU; null where the row is rejected. */
  readonly entry: CatalogueEntry | null;
  /** The GTINs of the entry, each once. */
  readonly gtins: readonly NamedGtin[];
  readonly complaints: readonly Complaint[];
}

export interface CatalogueBatch extends BatchOrigin {
  readonly entries: readonly CatalogueEntry[];
  /** How to treat a `sku_id` that exists: `update` it, or `refuse` the entry. */
  readonly existing: 'update' | 'refuse';
}

export const ENTRY_OUTCOMES = ['created', 'updated', 'unchanged', 'refused'] as const;
export type EntryOutcome = (typeof ENTRY_OUTCOMES)[number];

export interface CatalogueOutcome {
  /** Null if every entry was refused, so that no batch was written. */
  readonly batchUuid: string | null;
  /** One per entry, with the uuid of its SKU. */
  readonly entries: readonly { readonly outcome: EntryOutcome; readonly uuid: string }[];
}

/** A GTIN that several SKUs of a supplier share. */
export interface SharedGtin {
  readonly gtin: number;
  readonly skuIds: readonly string[];
}
