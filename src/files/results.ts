import { APPLIED } from '../domain/batch-decision.ts';
import { OnhandError } from '../domain/errors.ts';
import type { Feed, InventoryFile } from '../formats/stock-file.ts';
import { printResults, resultCells, resultHeader } from '../formats/results/results.ts';
import type { FeedRow, RowUnit } from '../formats/rows.ts';
import { writeXlsx } from '../formats/xlsx/writer.ts';
import { print997 } from '../formats/x12/acknowledgement.ts';
import type { FileChunk, FileRecord } from '../domain/files.ts';
import type { FailedLine } from '../domain/batches.ts';
import { openFileOf, type FeedParts } from './parts.ts';

type ResultParts = Pick<FeedParts, 'store' | 'files' | 'language'> & {
  /** Whether no other process takes files for this database. */
  readonly isAlone: boolean;
};

const PAGE = 100;
const ROWS_AT_ONCE = 1000;
const NOT_APPLIED = 'Not applied.';
const WOULD_CHANGE_NOTHING = 'Would change nothing';

/** What became of each row of a feed that is over: made anew of the file and of what is kept of its batches. */
export class FileResults {
  readonly #parts: ResultParts;

  constructor(parts: ResultParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with `results_expired` where the file is no longer kept, with `store_unavailable` where another
   * node may have it.
   */
  async check(feed: FileRecord): Promise<void> {
    if (feed.isKept && (await this.#parts.files.has(feed.uuid))) return;
    if (feed.isKept && !this.#parts.isAlone) {
      throw new OnhandError(
        'store_unavailable',
        'The rows of this file lie on another node of the server; ask again until that one answers.',
      );
    }
    throw new OnhandError(
      'results_expired',
      'The rows of this file are no longer kept; what it counted still stands with it.',
    );
  }

  /** The results as a file. */
  async content(
    feed: FileRecord,
    kind: 'csv' | 'xlsx',
  ): Promise<AsyncIterable<string | Uint8Array>> {
    const report = kind === 'csv' ? 'report' : 'workbook';
    if (await this.#parts.files.has(feed.uuid, report)) {
      return this.#parts.files.read(feed.uuid, report);
    }
    return kind === 'csv' ? this.#csv(feed) : writeXlsx(this.#rows(feed));
  }

  async *#csv(feed: FileRecord): AsyncGenerator<string> {
    let some: (readonly string[])[] = [];
    for await (const cells of this.#rows(feed)) {
      some.push(cells);
      if (some.length < ROWS_AT_ONCE) continue;
      yield printResults(some);
      some = [];
    }
    yield printResults(some);
  }

  /** The header and the rows of the results of inventory. */
  async *#rows(record: FileRecord): AsyncGenerator<readonly string[]> {
    const feed = await this.#open(record);
    if (feed === undefined) {
      yield resultHeader([]);
      yield resultCells(
        { cells: [], statusCode: 400, message: record.problem?.detail ?? NOT_APPLIED },
        [],
      );
      return;
    }
    yield resultHeader(feed.header);
    try {
      for await (const { row, statusCode, message } of this.#judged(record, feed)) {
        yield resultCells({ cells: row.cells, statusCode, message }, feed.header);
      }
    } catch (error) {
      // The file breaks off here, as its problem says.
      if (!(error instanceof OnhandError) || record.state === 'done') throw error;
      yield resultCells({ cells: [], statusCode: 400, message: error.message }, feed.header);
    }
  }

  /** Undefined where the file cannot be opened: then its problem says why. */
  async #open(record: FileRecord): Promise<InventoryFile | undefined> {
    let feed: Feed;
    try {
      feed = await openFileOf(this.#parts, record);
    } catch (error) {
      if (error instanceof OnhandError && record.state !== 'done') return undefined;
      throw error;
    }
    if (feed.kind === 'inventory') return feed;
    await feed.rows.return(undefined);
    return undefined;
  }

  async *#judged(
    record: FileRecord,
    feed: InventoryFile,
  ): AsyncGenerator<{ row: FeedRow; statusCode: number; message: string }> {
    const pieces = this.#pieces(record);
    let piece: FileChunk | undefined = (await pieces.next()).value;
    let waiting: FeedRow[] = [];
    for await (const rows of feed.rows) {
      waiting = waiting.concat(rows);
      while (piece !== undefined && waiting.length >= piece.rowCount) {
        yield* this.#judgedPiece(record, piece, waiting.slice(0, piece.rowCount), feed.rowUnit);
        waiting = waiting.slice(piece.rowCount);
        piece = (await pieces.next()).value;
      }
      if (piece !== undefined) continue;
      yield* waiting.map(unjudged);
      waiting = [];
    }
    yield* waiting.map(unjudged);
  }

  async *#pieces(record: FileRecord): AsyncGenerator<FileChunk, undefined> {
    for (let from = 0; ;) {
      const page = await this.#parts.store.files.pieces(record, from, PAGE);
      yield* page;
      if (page.length < PAGE) return undefined;
      from += page.length;
    }
  }

  async *#judgedPiece(
    { supplierId, asked }: FileRecord,
    { batchUuid, told }: FileChunk,
    rows: readonly FeedRow[],
    unit: RowUnit,
  ): AsyncGenerator<{ row: FeedRow; statusCode: number; message: string }> {
    const success = asked.dryRun ? WOULD_CHANGE_NOTHING : 'success';
    const failed =
      batchUuid === null ? told : await this.#parts.store.batches.failures(supplierId, batchUuid);
    if (failed === undefined) throw new Error(`what is kept of batch ${batchUuid} has expired`);
    const failureOf = new Map(failed.map((failure) => [failure.index, failure]));
    for (const [index, row] of rows.entries()) {
      const failure = failureOf.get(index);
      yield failure === undefined
        ? { row, statusCode: APPLIED, message: success }
        : { row, statusCode: failure.status, message: this.#messageOf(failure, rows, unit) };
    }
  }

  #messageOf(failure: FailedLine, rows: readonly FeedRow[], unit: RowUnit): string {
    const { detail } = failure;
    if (detail?.kind !== 'left_out') return this.#parts.language.printFailure(failure);
    return `Left out because ${unit} ${rows[detail.because]?.row ?? 0} was not applied`;
  }

  /** The functional acknowledgements (997) of an X12 file; rejects with `file_state_wrong` for another. */
  async acknowledgement(record: FileRecord): Promise<string> {
    const feed = await this.#open(record);
    if (feed?.format !== 'x12') {
      await feed?.rows.return(undefined);
      throw new OnhandError('file_state_wrong', 'Only an X12 file is acknowledged; this is none.');
    }
    try {
      for await (const rows of feed.rows) if (rows.length === 0) continue;
    } catch (error) {
      if (!(error instanceof OnhandError)) throw error;
    }
    const isRefused = record.state === 'refused';
    const atMs = record.finishedAtMs ?? record.uploadedAtMs;
    return feed
      .interchanges()
      .map((received, i) =>
        print997(received, { controlNumber: controlNumberOf(record, i), atMs, isRefused }),
      )
      .join('\n');
  }
}

/** Rows that no piece came to. */
function unjudged(row: FeedRow): { row: FeedRow; statusCode: number; message: string } {
  const { refusal } = row.line;
  return refusal === undefined
    ? { row, statusCode: 424, message: NOT_APPLIED }
    : { row, statusCode: 400, message: refusal.message };
}

const INTERCHANGES_MAX = 1000;
const CONTROL_NUMBER_MAX = 999_999_999;

/** Unique for a supplier until it has sent a million files. */
function controlNumberOf({ number }: FileRecord, interchange: number): number {
  return ((number * INTERCHANGES_MAX + interchange) % CONTROL_NUMBER_MAX) + 1;
}
