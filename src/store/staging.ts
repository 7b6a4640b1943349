/**
 * The staging contract: scratch space for the rows of one file until the whole file is read. It is on disk
 * but not durable, and is deleted when it is closed or the process ends.
 *
 * Every method throws `OnhandError` `store_unavailable` when the scratch disk is full or fails.
 */
import type { CatalogueEntry, CatalogueRow, Complaint } from '../domain/catalogue.ts';

export interface CatalogueStaging {
  /** Adds rows and their complaints. Rows must come in ascending order. */
  add(rows: readonly CatalogueRow[]): void;
  /**
   * Removes entries whose `sku_id` occurs again in a later row, at most `limit` per call, in row order.
   * Call it after all rows were added, until it returns none.
   */
  takeSuperseded(limit: number): readonly SupersededRow[];
  countEntries(): number;
  /**
   * The entries after row `afterRow`, in order: at most `limit`, and fewer if their texts exceed
   * `charactersMax` in total, but at least one if there is one.
   */
  entriesAfter(afterRow: number, limit: number, charactersMax: number): readonly StagedEntry[];
  /** The staged rows after `afterRow` that name this GTIN, in order, at most `limit`. */
  namersOf(gtin: number, afterRow: number, limit: number): readonly GtinNamer[];
  /** Adds complaints beyond those of `add`. */
  complain(complaints: readonly Complaint[]): void;
  /** A page of complaints, ordered by row and then by when they were added. */
  complaintsFrom(start: ComplaintPosition, limit: number): ComplaintPage;
  countComplaints(): ComplaintCounts;
  close(): void;
}

export interface StagedEntry {
  readonly row: number;
  readonly entry: CatalogueEntry;
}

export interface SupersededRow {
  readonly row: number;
  readonly skuId: string;
  /** The next row with the same `sku_id`. */
  readonly nextRow: number;
}

export interface GtinNamer {
  readonly row: number;
  readonly skuId: string;
  readonly column: string;
  readonly value: string;
}

/** The complaint after which a page begins. */
export interface ComplaintPosition {
  readonly row: number;
  readonly id: number;
}

export const FIRST_COMPLAINT: ComplaintPosition = { row: 0, id: 0 };

export interface ComplaintPage {
  readonly complaints: readonly Complaint[];
  readonly next: ComplaintPosition;
}

export interface ComplaintCounts {
  readonly rowsRejected: number;
  /** Accepted rows with doubts. */
  readonly rowsDoubtful: number;
}
