import type { LineDraft } from '../domain/lines.ts';

/** What the number of a row counts, from 1, in the file as it stands. */
export type RowUnit = 'row' | 'line' | 'element' | 'segment';

/** One row of an inventory feed: its line, which has a `refusal` where it cannot be read. */
export interface FeedRow {
  readonly row: number;
  /** The row as the file has it, for the file of results: as many as there are columns. */
  readonly cells: readonly string[];
  readonly line: LineDraft;
}

/** A row of which nothing can be read, with the message that says so. */
export function refusedRow(row: number, cells: readonly string[], message: string): FeedRow {
  return {
    row,
    cells,
    line: { skuId: null, gtins: [], fields: {}, refusal: { message, namesRead: false } },
  };
}
