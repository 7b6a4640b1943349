/**
 * The staging contract: where a file's rows wait until the file was read to its end. Scratch space of
 * one import, on disk and not durable; gone when it is closed, or its process ends.
 *
 * Every method throws `OnhandError` `store_unavailable` when the scratch disk is full or fails.
 */
import type { CatalogueEntry, CatalogueRow, Complaint } from '../domain/catalogue.ts';

export interface CatalogueStaging {
  /** Keeps rows and what is wrong with them. Rows come in ascending order. */
  add(rows: readonly CatalogueRow[]): void;
  /**
   * Takes out entries whose `sku_id` comes again further down, at most `limit` at a time, in order of
   * their rows. To be called, once all rows were added, until it gives none.
   */
  takeSuperseded(limit: number): readonly SupersededRow[];
  countEntries(): number;
  /**
   * The entries below row `afterRow`, in order: at most `limit`, and fewer where their texts together
   * pass `charactersMax`, but at least one where there is one.
   */
  entriesAfter(afterRow: number, limit: number, charactersMax: number): readonly StagedEntry[];
  /** The staged rows below `afterRow` that name this GTIN, in order, at most `limit`. */
  namersOf(gtin: number, afterRow: number, limit: number): readonly GtinNamer[];
  /** Adds complaints to those that came with the rows. */
  complain(complaints: readonly Complaint[]): void;
  /** Complaints by row, in the order in which they were made; `start` and `limit` page through them. */
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
  /** Where the `sku_id` comes next. */
  readonly nextRow: number;
}

export interface GtinNamer {
  readonly row: number;
  readonly skuId: string;
  readonly column: string;
  readonly value: string;
}

/** Behind which complaint a page begins. */
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
  /** Rows that were taken with doubts: a rejected row is not counted again. */
  readonly rowsDoubtful: number;
}
