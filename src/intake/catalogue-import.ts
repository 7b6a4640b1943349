import type { CatalogueRow, Complaint, EntryOutcome, SharedGtin } from '../domain/catalogue.ts';
import { OnhandError } from '../domain/errors.ts';
import { CANDIDATES_NAMED_MAX } from '../domain/limits.ts';
import { openCatalogue } from '../formats/table/catalogue.ts';
import { parseColumnMap, type ColumnMapping } from '../formats/table/columns.ts';
import type { CatalogueStaging, GtinNamer } from '../store/staging.ts';
import type { Store } from '../store/store.ts';

/**
 * SKUs that are applied in one transaction, at most. More are hardly faster (5 % at 10,000) and take
 * tens of megabytes more, as a piece is held on both sides of the writer's thread.
 */
export const CHUNK_ENTRIES_MAX = 2_000;
/** Characters that such a piece holds, about: long titles make a piece shorter. */
export const CHUNK_CHARACTERS_MAX = 4_000_000;

const STAGED_AT_ONCE = 1_000;
const PAGE = 1_000;

export interface Import {
  readonly file: AsyncIterable<Uint8Array>;
  /** Where the file lies, if it does: a workbook cannot be read from a stream. */
  readonly path?: string;
  /** What foreign headers are to be read as: as read, or `header=column,header=column`, or empty. */
  readonly columnMap: string | readonly ColumnMapping[];
  readonly supplierId: number;
  /** Who imports; null is the operator at the command line. */
  readonly userId: number | null;
  /** Where it came from; without it, it is the operator's import. */
  readonly source?: 'file';
  /** Stops the import: at once while it reads, else after the piece that is being applied. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** `reading` counts the bytes of the file, `applying` its SKUs. */
export type ImportProgress =
  | { readonly phase: 'reading'; readonly bytes: number }
  | { readonly phase: 'applying'; readonly applied: number; readonly total: number };

export interface ImportSummary {
  /** Rows below the header, blank ones left out: SKUs created, updated and unchanged, and rows rejected. */
  readonly rowsRead: number;
  readonly skusCreated: number;
  readonly skusUpdated: number;
  readonly skusUnchanged: number;
  readonly rowsRejected: number;
  /** Rows that were taken with doubts. */
  readonly rowsDoubtful: number;
  readonly unknownColumns: readonly string[];
  /** SKUs that a stopped import did not come to. */
  readonly skusLeft: number;
  readonly isStopped: boolean;
}

/**
 * Loads or refreshes a supplier's catalogue. The whole file is read into `staging` first, so that a
 * file that breaks off applies nothing and memory is bounded; then its SKUs are applied in pieces. What
 * is wrong with its rows is left in `staging` as complaints.
 *
 * Rejects with `parameter_invalid` where the map is not one, with `body_malformed` where the file
 * cannot be read to its end, and with `store_unavailable`, saying how many SKUs were applied before.
 * An import can be repeated: it changes only what differs.
 */
export function importCatalogue(
  store: Pick<Store, 'applyCatalogue' | 'sharedGtins'>,
  staging: CatalogueStaging,
  request: Import,
): Promise<ImportSummary> {
  return new CatalogueImport(store, staging, request).run();
}

class CatalogueImport {
  readonly #store: Pick<Store, 'applyCatalogue' | 'sharedGtins'>;
  readonly #staging: CatalogueStaging;
  readonly #request: Import;
  #rowsRead = 0;
  #unknownColumns: readonly string[] = [];
  #total = 0;
  #applied = 0;
  readonly #outcomes: Record<EntryOutcome, number> = {
    created: 0,
    updated: 0,
    unchanged: 0,
    refused: 0,
  };

  constructor(
    store: Pick<Store, 'applyCatalogue' | 'sharedGtins'>,
    staging: CatalogueStaging,
    request: Import,
  ) {
    this.#store = store;
    this.#staging = staging;
    this.#request = request;
  }

  async run(): Promise<ImportSummary> {
    await this.#stage();
    if (!this.#isStopped) await this.#apply();
    if (!this.#isStopped) await this.#reportSharedGtins();
    return {
      rowsRead: this.#rowsRead,
      skusCreated: this.#outcomes.created,
      skusUpdated: this.#outcomes.updated,
      skusUnchanged: this.#outcomes.unchanged,
      ...this.#staging.countComplaints(),
      unknownColumns: this.#unknownColumns,
      skusLeft: this.#total - this.#applied,
      isStopped: this.#isStopped,
    };
  }

  get #isStopped(): boolean {
    return this.#request.signal?.aborted === true;
  }

  async #stage(): Promise<void> {
    const { columnMap, file, path } = this.#request;
    const mappings = typeof columnMap === 'string' ? parseColumnMap(columnMap) : columnMap;
    const source = { bytes: this.#counted(file), ...(path !== undefined && { path }) };
    const catalogue = await openCatalogue(source, mappings);
    this.#unknownColumns = catalogue.unknownColumns;
    let rows: CatalogueRow[] = [];
    for await (const row of catalogue.rows) {
      rows.push(row);
      this.#rowsRead += 1;
      if (rows.length < STAGED_AT_ONCE) continue;
      this.#staging.add(rows);
      rows = [];
      if (this.#isStopped) return;
    }
    this.#staging.add(rows);
    this.#rejectSuperseded(catalogue.skuIdHeader);
    this.#total = this.#staging.countEntries();
  }

  async *#counted(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of file) {
      bytes += chunk.length;
      this.#request.onProgress?.({ phase: 'reading', bytes });
      yield chunk;
    }
  }

  /** Of rows with one `sku_id` the last counts. */
  #rejectSuperseded(column: string): void {
    for (;;) {
      const superseded = this.#staging.takeSuperseded(PAGE);
      if (superseded.length === 0) return;
      this.#staging.complain(
        superseded.map(({ row, skuId, nextRow }) => ({
          row,
          column,
          value: skuId,
          reason: `this sku_id comes again in row ${nextRow}; the last row counts`,
          kind: 'rejected',
        })),
      );
    }
  }

  async #apply(): Promise<void> {
    let lastRow = 0;
    while (!this.#isStopped) {
      const piece = this.#staging.entriesAfter(lastRow, CHUNK_ENTRIES_MAX, CHUNK_CHARACTERS_MAX);
      lastRow = piece.at(-1)?.row ?? lastRow;
      if (piece.length === 0) return;
      await this.#applyPiece(piece.map(({ entry }) => entry));
      this.#request.onProgress?.({ phase: 'applying', applied: this.#applied, total: this.#total });
    }
  }

  async #applyPiece(entries: Parameters<Store['applyCatalogue']>[0]['entries']): Promise<void> {
    const { supplierId, userId, source = 'import' } = this.#request;
    try {
      const outcome = await this.#store.applyCatalogue({
        supplierId,
        userId,
        source,
        existing: 'update',
        entries,
      });
      for (const entry of outcome.entries) this.#outcomes[entry.outcome] += 1;
      this.#applied += entries.length;
    } catch (error) {
      if (!(error instanceof OnhandError)) throw error;
      throw new OnhandError(
        error.code,
        `${error.message} (${this.#applied} of ${this.#total} SKUs were applied before; ` +
          'the import can be repeated, it changes only what differs.)',
        { cause: error },
      );
    }
  }

  /** A GTIN on two SKUs stays on both: that may be right (two conditions of one thing), or a mistake. */
  async #reportSharedGtins(): Promise<void> {
    let afterGtin = 0;
    for (;;) {
      const page = await this.#store.sharedGtins(this.#request.supplierId, afterGtin, PAGE);
      for (const shared of page) this.#reportSharedGtin(shared);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      afterGtin = last.gtin;
    }
  }

  #reportSharedGtin({ gtin, skuIds }: SharedGtin): void {
    let afterRow = 0;
    for (;;) {
      const namers = this.#staging.namersOf(gtin, afterRow, PAGE);
      const last = namers.at(-1);
      if (last === undefined) return;
      this.#staging.complain(namers.map((namer) => sharedComplaint(namer, skuIds)));
      afterRow = last.row;
    }
  }
}

function sharedComplaint(
  { row, column, value, skuId }: GtinNamer,
  skuIds: readonly string[],
): Complaint {
  // One more than are named, as one of them may be this SKU itself.
  const others = skuIds.slice(0, CANDIDATES_NAMED_MAX + 1).filter((other) => other !== skuId);
  const named = others.slice(0, CANDIDATES_NAMED_MAX).map((other) => JSON.stringify(other));
  const unnamed = skuIds.length - 1 - named.length;
  return {
    row,
    column,
    value,
    reason: `this GTIN is also on the SKU${skuIds.length > 2 ? 's' : ''} ${named.join(', ')}${unnamed > 0 ? ` and ${unnamed} more` : ''}; both keep it`,
    kind: 'doubtful',
  };
}
