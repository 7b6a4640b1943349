import type { CatalogueRow, Complaint, EntryOutcome, SharedGtin } from '../domain/catalogue.ts';
import { OnhandError } from '../domain/errors.ts';
import type { DecimalMark, ReadingRules } from '../domain/reading-rules.ts';
import { CANDIDATES_NAMED_MAX } from '../domain/lines.ts';
import { printCsv } from '../formats/csv/writer.ts';
import type { FormatLimits } from '../formats/format.ts';
import type { FileSource } from '../formats/open-file.ts';
import { openCatalogue } from '../formats/table/catalogue.ts';
import { inspectCatalogue } from '../formats/table/catalogue-inspection.ts';
import { ambiguousDecimals } from '../formats/table/decimal-evidence.ts';
import {
  FIRST_COMPLAINT,
  type CatalogueStaging,
  type GtinNamer,
  type StagedEntry,
} from '../store/staging.ts';
import type { Store } from '../store/store.ts';

/**
 * Most SKUs that are applied in one transaction. More are hardly faster (5 % at 10,000) and take tens of
 * megabytes of memory, since both threads hold a copy of the chunk.
 */
export const CHUNK_ENTRIES_MAX = 2_000;
/** About how many characters a chunk holds: chunks with long titles have fewer SKUs. */
export const CHUNK_CHARACTERS_MAX = 4_000_000;

const ROWS_PER_WRITE = 1_000;
const PAGE = 1_000;

export interface Import {
  readonly file: AsyncIterable<Uint8Array>;
  /** The path on disk. Workbooks need it, since they cannot be read from a stream. */
  readonly path?: string;
  readonly rules: ReadingRules;
  readonly limits: FormatLimits;
  readonly supplierId: number;
  /** Who imports; null for the operator on the command line. */
  readonly userId: number | null;
  /** `file` for an uploaded file; omitted for an import by the operator. */
  readonly source?: 'file';
  /** Stops the import: immediately while reading, otherwise after the current chunk. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Writes nothing; the outcomes are those that the entries would have. Chunks do not see each other. */
  readonly dryRun?: boolean;
  /** Receives the outcome of each row that was applied. */
  readonly onOutcome?: (row: number, outcome: EntryOutcome) => void;
}

/** `reading` counts the bytes of the file, `applying` its SKUs. */
export type ImportProgress =
  | { readonly phase: 'reading'; readonly bytes: number }
  | { readonly phase: 'applying'; readonly applied: number; readonly total: number };

export interface ImportSummary {
  /** Rows below the header, without blank ones: SKUs created, updated and unchanged, plus rows rejected. */
  readonly rowsRead: number;
  readonly skusCreated: number;
  readonly skusUpdated: number;
  readonly skusUnchanged: number;
  readonly rowsRejected: number;
  /** Rows that were accepted with a complaint. */
  readonly rowsDoubtful: number;
  readonly unknownColumns: readonly string[];
  /** SKUs that a stopped import did not apply. */
  readonly skusLeft: number;
  readonly isStopped: boolean;
}

/**
 * Loads or refreshes a supplier's catalogue. The whole file is read into `staging` first, so that a
 * damaged file applies nothing and memory is bounded. Then its SKUs are applied in chunks. Complaints
 * about its rows are left in `staging`.
 *
 * Rejects with `body_malformed` if the file cannot
 * be read to its end, and with `store_unavailable`, saying how many SKUs were applied before. An import
 * can be repeated: it changes only what differs.
 */
export function importCatalogue(
  store: Pick<Store, 'applyCatalogue' | 'sharedGtins'>,
  staging: CatalogueStaging,
  request: Import,
): Promise<ImportSummary> {
  return new CatalogueImport(store, staging, request).run();
}

/**
 * The decimal mark that the numbers of a catalogue need and show; null if they need none. Rejects with
 * `ambiguous_decimal` if the file does not show it.
 *
 * @param rule what the answer begins with, such as `--decimal `
 */
export async function decimalOfCatalogue(
  source: FileSource,
  rules: ReadingRules,
  limits: FormatLimits,
  rule: string,
): Promise<DecimalMark | null> {
  const { decimal, ambiguous } = await inspectCatalogue(source, rules, limits);
  if (ambiguous.length === 0) return null;
  if (decimal === null)
    throw new OnhandError('ambiguous_decimal', ambiguousDecimals(ambiguous, rule));
  return decimal;
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
    const { rules, limits, file, path } = this.#request;
    const source = { bytes: this.#counted(file), ...(path !== undefined && { path }) };
    const catalogue = await openCatalogue(source, rules, limits);
    this.#unknownColumns = catalogue.unknownColumns;
    try {
      if (!(await this.#stageRows(catalogue.rows))) return;
    } finally {
      await catalogue.close();
    }
    this.#rejectSuperseded(catalogue.skuIdHeader);
    this.#total = this.#staging.countEntries();
  }

  /** Resolves with false if the import was stopped. */
  async #stageRows(source: AsyncIterable<CatalogueRow>): Promise<boolean> {
    let rows: CatalogueRow[] = [];
    for await (const row of source) {
      rows.push(row);
      this.#rowsRead += 1;
      if (rows.length < ROWS_PER_WRITE) continue;
      this.#staging.add(rows);
      rows = [];
      if (this.#isStopped) return false;
    }
    this.#staging.add(rows);
    return true;
  }

  async *#counted(file: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of file) {
      bytes += chunk.length;
      this.#request.onProgress?.({ phase: 'reading', bytes });
      yield chunk;
    }
  }

  /** If several rows have the same `sku_id`, the last counts. */
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
      const chunk = this.#staging.entriesAfter(lastRow, CHUNK_ENTRIES_MAX, CHUNK_CHARACTERS_MAX);
      lastRow = chunk.at(-1)?.row ?? lastRow;
      if (chunk.length === 0) return;
      await this.#applyChunk(chunk);
      this.#request.onProgress?.({ phase: 'applying', applied: this.#applied, total: this.#total });
    }
  }

  async #applyChunk(chunk: readonly StagedEntry[]): Promise<void> {
    const { supplierId, userId, source = 'import', dryRun, onOutcome } = this.#request;
    try {
      const outcome = await this.#store.applyCatalogue({
        supplierId,
        userId,
        source,
        existing: 'update',
        entries: chunk.map(({ entry }) => entry),
        ...(dryRun === true && { dryRun }),
      });
      for (const [i, { row }] of chunk.entries()) {
        const entry = outcome.entries[i];
        if (entry === undefined) throw new Error('an entry has no outcome');
        this.#outcomes[entry.outcome] += 1;
        onOutcome?.(row, entry.outcome);
      }
      this.#applied += chunk.length;
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

  /** A GTIN on two SKUs stays on both: they may be two conditions of one product, or it is a mistake. */
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
  // One more than will be named, since one of them may be this SKU itself.
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

type Complaints = Pick<CatalogueStaging, 'complaintsFrom'>;

const REPORT_COLUMNS = ['row', 'column', 'value', 'reason', 'kind'] as const;

/** The complaints of an import as CSV. */
export function* printImportReport(staging: Complaints): Generator<string> {
  yield printCsv([REPORT_COLUMNS]);
  for (const complaints of complaintPages(staging)) yield printCsv(complaints.map(reportRow));
}

function* complaintPages(staging: Complaints): Generator<readonly Complaint[]> {
  for (let start = FIRST_COMPLAINT; ;) {
    const page = staging.complaintsFrom(start, PAGE);
    if (page.complaints.length === 0) return;
    yield page.complaints;
    start = page.next;
  }
}

function reportRow(complaint: Complaint): readonly string[] {
  return REPORT_COLUMNS.map((column) => String(complaint[column]));
}

/** The first complaints of an import, by row. */
export function firstComplaints(staging: Complaints, limit: number): readonly Complaint[] {
  return staging.complaintsFrom(FIRST_COMPLAINT, limit).complaints;
}
