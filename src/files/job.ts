import type { ReadStream } from 'node:fs';
import type { SafetyLimit } from '../domain/safety-limit.ts';
import type { FileFindings, FileChunk, StatusCounts } from '../domain/files.ts';
import type { BatchOutcome, BatchOptions, FailedLine } from '../domain/batches.ts';
import { APPLIED, UNREADABLE } from '../domain/batch-decision.ts';
import { OnhandError } from '../domain/errors.ts';
import { sameInventory } from '../domain/inventory.ts';
import { type Lines, LinesBuilder } from '../domain/lines.ts';
import type { CatalogueFile, Feed, InventoryFile } from '../formats/stock-file.ts';
import { failedLines } from '../store/failures.ts';
import { asOfOfFile } from './file-dates.ts';
import { applyCatalogueFile } from './catalogue.ts';
import {
  checkFileOf,
  type FeedGo,
  type FeedParts,
  type FileJobOutcome,
  openFileOf,
} from './parts.ts';
import { chunksOf, wholeOf } from './chunks.ts';
import type { Intake } from '../intake/intake.ts';

/** Keys of pieces live as long as anybody may take to apply a feed: a server that was off for months goes on. */
const KEY_LIVES_MS = 366 * 24 * 3_600_000;
const CONFIRMATION_MS = 3_600_000;

/** Failures that pass. */
const PASSING = ['overloaded', 'store_unavailable', 'request_in_progress'];
const RETRY_MS = 1000;

/** Judges and applies one feed, from the first piece that was not applied yet. */
export class FileJob {
  readonly #parts: FeedParts;
  readonly #go: FeedGo;
  #rowCount: number;
  readonly #statusCounts: Record<string, number>;
  /** By how much of the file the rows read so far take. */
  #rowsExpected: number | null = null;

  constructor(parts: FeedParts, go: FeedGo) {
    this.#parts = parts;
    this.#go = go;
    this.#rowCount = go.feed.rowCount;
    this.#statusCounts = { ...go.feed.statusCounts };
  }

  /** Rejects where the work broke off for no fault of the file, and is to be tried again. */
  async run(): Promise<FileJobOutcome> {
    try {
      const bytes = this.#parts.files.read(this.#go.feed.uuid);
      const feed = await openFileOf(this.#parts, this.#go.feed, bytes);
      return feed.kind === 'catalogue'
        ? await this.#runCatalogue(feed)
        : await this.#runInventory(feed, bytes);
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code === 'store_unavailable') throw error;
      return this.#refusal(error);
    }
  }

  /**
   * Ends a feed whose file is not here. A piece may have been applied and not recorded: its key is used
   * again, with nothing in it, so that it is recorded, or can no longer be applied.
   */
  async giveUp(): Promise<FileJobOutcome> {
    const { feed, signal } = this.#go;
    if (feed.found?.kind === 'inventory' && !feed.asked.dryRun) {
      const piece = await this.#countDone();
      const nothing = new LinesBuilder(0).build();
      const { uuid } = await this.#submit(piece, nothing, {});
      const batch = uuid && (await this.#parts.store.batches.find(feed.supplierId, uuid));
      if (batch && batch.lineCount > 0) {
        const { lineCount: rowCount, statusCounts } = batch;
        await this.#record({ piece, rowCount, batchUuid: uuid, told: [] }, statusCounts);
      }
    }
    if (signal.reason === 'canceled') return { state: 'canceled', problem: null };
    const detail = 'The file is no longer on the server; upload it again.';
    return { state: 'failed', problem: { code: 'store_unavailable', detail } };
  }

  #refusal({ code, message }: OnhandError): FileJobOutcome {
    const { asked } = this.#go.feed;
    const isUntouched = this.#rowCount === 0 || asked.dryRun;
    const detail = isUntouched
      ? message
      : `${message} The ${this.#rowCount} rows before were applied.`;
    return { state: isUntouched ? 'refused' : 'failed', problem: { code, detail } };
  }

  async #describe(feed: Feed, isWhole: boolean): Promise<void> {
    const { files } = this.#parts.store;
    await files.describe(this.#go.feed, this.#go.nodeId, foundOf(feed, isWhole));
  }

  async #runCatalogue(feed: CatalogueFile): Promise<FileJobOutcome> {
    await feed.rows.return(undefined);
    await this.#describe(feed, false);
    return applyCatalogueFile(this.#parts, this.#go);
  }

  async #runInventory(feed: InventoryFile, bytes: ReadStream): Promise<FileJobOutcome> {
    try {
      const isWhole = await this.#isJudgedWhole();
      await this.#describe(feed, isWhole);
      const outcome = isWhole ? await this.#applyWhole(feed) : await this.#applyPieces(feed, bytes);
      // Which encoding it was is sure only now.
      await this.#describe(feed, isWhole);
      return outcome;
    } finally {
      await feed.rows.return(undefined);
    }
  }

  /** What was decided before a crash stands, though the supplier has another breaker by now. */
  async #isJudgedWhole(): Promise<boolean> {
    const { supplierId, asked, found } = this.#go.feed;
    if (found !== null) return found.isWhole;
    if (asked.isSnapshot || asked.atomic) return true;
    return (await this.#parts.store.batches.safetyLimitOf(supplierId)) !== null;
  }

  async #applyPieces(feed: InventoryFile, bytes: ReadStream): Promise<FileJobOutcome> {
    const doneCount = await this.#countDone();
    // What was begun had been found whole.
    if (doneCount === 0) await checkFileOf(this.#parts, this.#go, feed);
    // Of archives, which are read by their directory, it tells nothing.
    const isInOrder = feed.sheet === null && feed.packing !== 'zip';
    let piece = 0;
    let rowsRead = 0;
    let last: Promise<void> = Promise.resolve();
    try {
      for await (const lines of chunksOf(feed.rows, () => this.#asOfUs(feed))) {
        // While one piece is being applied, the next is read.
        await last;
        if (this.#go.signal.aborted) return this.#stopped();
        rowsRead += lines.count;
        if (isInOrder) {
          const share = bytes.bytesRead / this.#go.feed.bytes;
          this.#rowsExpected = Math.round(rowsRead / share);
        }
        const number = piece;
        piece += 1;
        if (number < doneCount) continue;
        last = this.#applyPiece(number, lines, null);
        // Whoever awaits it is told; nobody may be there yet when it fails.
        last.catch(() => undefined);
      }
    } finally {
      await last;
    }
    return { state: 'done', problem: null };
  }

  /** How many pieces were recorded; one more may have been applied. */
  async #countDone(): Promise<number> {
    const { files } = this.#parts.store;
    let count = 0;
    for (;;) {
      const page = await files.pieces(this.#go.feed, count, PAGE);
      count += page.length;
      if (page.length < PAGE) return count;
    }
  }

  async #applyWhole(feed: InventoryFile): Promise<FileJobOutcome> {
    const { asked } = this.#go.feed;
    const lines = await wholeOf(feed.rows, () => this.#asOfUs(feed), this.#parts.settings.linesMax);
    if (this.#go.signal.aborted) return this.#stopped();
    if ((await this.#countDone()) === 0) {
      if (asked.isSnapshot) refuseEmptySnapshot(lines);
      try {
        await this.#applyPiece(0, lines, this.#wholeTerms(feed));
      } catch (error) {
        const isTripped = error instanceof OnhandError && error.code === 'breaker_tripped';
        if (!isTripped || asked.dryRun) throw error;
        return { state: 'held', problem: { code: error.code, detail: error.message } };
      }
    }
    const applied = this.#statusCounts[APPLIED] ?? 0;
    if (!asked.atomic || applied === this.#rowCount) return { state: 'done', problem: null };
    return {
      state: 'refused',
      problem: {
        code: 'line_failed',
        detail: `Of ${this.#rowCount} rows not all can be applied, and none was, as this was asked to be atomic; its results say which.`,
      },
    };
  }

  #wholeTerms(feed: InventoryFile): BatchOptions {
    const { asked } = this.#go.feed;
    const { snapshotBreakerPercent, snapshotBreakerSkusMin } = this.#parts.settings;
    const defaultSafetyLimit: SafetyLimit = {
      percentMax: snapshotBreakerPercent,
      skusMin: snapshotBreakerSkusMin,
    };
    return {
      ...(asked.atomic && { atomic: true }),
      ...(asked.isSnapshot && { snapshot: { asOfUs: this.#asOfUs(feed), defaultSafetyLimit } }),
    };
  }

  async #applyPiece(piece: number, lines: Lines, whole: BatchOptions | null): Promise<void> {
    const isNothingRead = lines.refusals.size === lines.count;
    const outcome =
      isNothingRead && whole?.snapshot === undefined
        ? {
            statuses: new Uint16Array(lines.count).fill(UNREADABLE),
            details: new Map(),
            effects: new Map(),
            uuid: null,
          }
        : await this.#submit(piece, lines, whole ?? {});
    await this.#record(
      {
        piece,
        rowCount: lines.count,
        batchUuid: outcome.uuid,
        told: outcome.uuid === null ? this.#told(lines, outcome) : [],
      },
      countsOf(outcome.statuses),
    );
  }

  /** What is told of the lines of a piece of which no batch tells: those that fail, or would change something. */
  #told(
    lines: Lines,
    outcome: Pick<BatchOutcome, 'statuses' | 'details' | 'effects'>,
  ): readonly FailedLine[] {
    const told = [...failedLines(lines, outcome)];
    for (const [index, { before, after }] of outcome.effects) {
      if (sameInventory(before, after)) continue;
      const message = this.#parts.language.printWouldChange(before, after);
      told.push({ index, status: APPLIED, message, detail: null, skuId: null, asSent: null });
    }
    return told;
  }

  async #submit(piece: number, lines: Lines, whole: BatchOptions): Promise<BatchOutcome> {
    const { feed } = this.#go;
    const { supplierId, userId, uuid, uploadedAtMs, asked, reason, reference } = feed;
    const options: BatchOptions = {
      ...whole,
      ...(asked.dryRun
        ? { dryRun: true, withEffects: true }
        : {
            idempotency: {
              // A client's key has no space.
              key: `feed ${uuid} ${piece}`,
              fingerprint: Buffer.from(uuid),
              requestId: uuid,
              expiresAtMs: uploadedAtMs + KEY_LIVES_MS,
            },
          }),
      ...(feed.isConfirmed && { confirmation: await this.#confirmation() }),
    };
    return this.#untilTaken({
      supplierId,
      userId,
      source: 'file',
      lines,
      options,
      ...(reason !== null && { reason }),
      ...(reference !== null && { reference }),
    });
  }

  async #confirmation(): Promise<{ code: string; fingerprint: Uint8Array }> {
    const { supplierId, uuid } = this.#go.feed;
    const fingerprint = Buffer.from(uuid);
    const { batches } = this.#parts.store;
    const code = await batches.confirm(supplierId, fingerprint, Date.now() + CONFIRMATION_MS);
    return { code, fingerprint };
  }

  /** Tries again while the store or the queue has no room; a server that closes gives up. */
  async #untilTaken(batch: Parameters<Intake['submit']>[0]): Promise<BatchOutcome> {
    for (;;) {
      try {
        return await this.#parts.intake.submit(batch);
      } catch (error) {
        const isPassing = error instanceof OnhandError && PASSING.includes(error.code);
        if (!isPassing || this.#go.signal.aborted) throw error;
        await pause(RETRY_MS, this.#go.signal);
      }
    }
  }

  async #record(piece: FileChunk, counts: StatusCounts): Promise<void> {
    this.#rowCount += piece.rowCount;
    for (const [status, count] of Object.entries(counts)) {
      this.#statusCounts[status] = (this.#statusCounts[status] ?? 0) + count;
    }
    await this.#parts.store.files.record(this.#go.feed, this.#go.nodeId, piece, {
      rowCount: this.#rowCount,
      statusCounts: this.#statusCounts,
      rowsExpected: this.#rowsExpected,
    });
  }

  #asOfUs(feed: InventoryFile): number | null {
    const { asked, uploadedAtMs } = this.#go.feed;
    return asked.asOfUs ?? asOfOfFile(feed.datedAs(), uploadedAtMs);
  }

  #stopped(): FileJobOutcome {
    return this.#go.signal.reason === 'canceled' ? { state: 'canceled', problem: null } : 'stopped';
  }
}

const PAGE = 1000;

function countsOf(statuses: Uint16Array): StatusCounts {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

function foundOf(feed: Feed, isWhole: boolean): FileFindings {
  return {
    kind: feed.kind,
    format: feed.format,
    packing: feed.packing,
    encoding: feed.kind === 'inventory' ? feed.encoding() : null,
    rowUnit: feed.rowUnit,
    columns: feed.columns.map(({ header, target, by }) => ({ header, target, by })),
    unknownColumns: feed.unknownColumns,
    sheet: feed.sheet === null ? null : { name: feed.sheet.name, others: feed.sheet.others },
    isWhole,
  };
}

function refuseEmptySnapshot({ count, refusals }: Lines): void {
  if (refusals.size < count) return;
  throw new OnhandError(
    'snapshot_refused',
    'A snapshot with no row that can be read would take every SKU to zero; send the complete file. Nothing was applied.',
  );
}

/** Waits, at most until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener('abort', end);
  });
}
