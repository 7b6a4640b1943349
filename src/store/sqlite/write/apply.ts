import type { Database, Statement } from 'better-sqlite3';
import {
  APPLIED,
  BatchDecision,
  findsUnretired,
  hasNewChange,
  hasNewerAsOf,
  type BatchChange,
  type ClosedBatch,
  type DecidedLines,
  type SkuState,
} from '../../../domain/batch-decision.ts';
import {
  applicableSafetyLimit,
  checkSafetyLimit,
  failedLines,
  type Batch,
  type BatchOrigin,
  type BatchOutcome,
  type BatchOptions,
  type Confirmation,
} from '../../../domain/batches.ts';
import { misfitQuestions, recordingMisfits } from '../../../domain/misfits.ts';
import { checkSnapshot } from '../../../domain/safety-limit.ts';
import { finish, type Steps } from '../../../domain/steps.ts';
import {
  type BatchSummary,
  encodingEffects,
  encodingFailures,
  namingDetails,
  namingEffects,
} from '../../sql/batch-row.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import { BatchRows } from './batch-rows.ts';
import { canWait, type WriterInventory } from '../recent/writer-inventory.ts';
import { ChangeRows, type InventoryRow } from './inventory-rows.ts';
import type { InventoryCache } from './inventory-cache.ts';
import { skuKey } from '../schema/migrations.ts';
import { TransactionSkus } from './transaction-skus.ts';

/** How many SKUs a snapshot reads between two pauses, and sets to zero before their states are released. */
const ZEROED_PER_STEP = 5000;

const NO_OPTIONS: BatchOptions = {};

/** The SKUs that a snapshot sets to zero because no line names them. */
interface UnnamedSkus {
  readonly skuNumbers: readonly number[];
  /** How many of them are live. */
  readonly fallCount: number;
}

const NO_UNNAMED_SKUS: UnnamedSkus = { skuNumbers: [], fallCount: 0 };

/** A batch whose changes are numbered and not yet written. */
interface NumberedBatch {
  readonly number: number;
  /** The supplier's last sequence before the batch. */
  readonly sequenceBefore: number;
  readonly closed: ClosedBatch;
}

/** A batch that is decided and not yet written. */
export interface PreparedBatch<T> {
  readonly supplierId: number;
  readonly number: number;
  /** In the order of their sequences, which are consecutive. */
  readonly changes: readonly BatchChange[];
  /** The outcome of a dry run, which writes nothing. */
  readonly preview: T;
  /** Writes all but the changes. */
  readonly write: () => T;
}

/** Decides a batch, with pauses. `done` is the outcome of a batch that writes nothing. */
export type Preparing<T> = Steps<PreparedBatch<T> | { readonly done: T }>;

/** Uses up a confirmation; throws `confirmation_invalid` if there is none such. */
export type Confirm = (supplierId: number, confirmation: Confirmation, nowMs: number) => void;

/**
 * Applies batches inside a transaction that the caller opens and commits: finds the SKUs that lines name,
 * decides line by line, and writes the changes. Statements are prepared once per connection.
 */
export class Applier {
  readonly stock: TransactionSkus;
  readonly #cache: InventoryCache;
  readonly #batchRows: BatchRows;
  readonly #inventory: WriterInventory;
  readonly #changeRows: ChangeRows;
  readonly #skuUuidOf: Statement<[number], [string]>;
  readonly #stockOfAll: Statement<[number, number], [number, number | null, number | null]>;
  readonly #updateHead: Statement<[number, number, number, number, number, number | null, number]>;
  /** The SKUs whose rows the current transaction leaves to a later sweep, by supplier. */
  readonly #waiting = new Map<number, readonly SkuState[]>();

  constructor(db: Database, cache: InventoryCache, inventory: WriterInventory) {
    this.#cache = cache;
    this.#inventory = inventory;
    this.stock = new TransactionSkus(db, cache, inventory);
    this.#batchRows = new BatchRows(db);
    this.#changeRows = new ChangeRows(db);
    this.#skuUuidOf = db.prepare<[number], [string]>('SELECT uuid FROM skus WHERE key = ?').raw();
    this.#stockOfAll = db
      .prepare<[number, number], [number, number | null, number | null]>(
        'SELECT key & 0xffffffff, quantity_in_stock, restrictions FROM inventory WHERE key BETWEEN ? AND ?',
      )
      .raw();
    this.#updateHead = db.prepare(
      `UPDATE suppliers SET sku_count = ?, retired_count = ?, live_count = ?, last_sequence = ?,
         last_batch_number = ?,
         complete_sequence = coalesce(?, complete_sequence)
       WHERE id = ?`,
    );
  }

  /** Discards the state of the previous transaction. Call it at the beginning of each. */
  begin(): void {
    this.stock.begin();
    this.#batchRows.begin();
    this.#inventory.begin();
    this.#waiting.clear();
  }

  /**
   * Applies one batch of lines. Writes its changes; `flush` sees to the rows of its SKUs. Throws
   * `OnhandError` if the batch is refused as a whole (see `Store.apply`), and writes nothing then. Returns
   * the stored outcome for a repeated request.
   */
  applyLines(batch: Batch, nowMs: number): BatchOutcome | StoredOutcome {
    const prepared = finish(this.preparingLines(batch, nowMs, this.confirm));
    return batch.options?.dryRun === true ? previewOf(prepared) : this.write(prepared);
  }

  /** Writes a batch that was prepared in the same transaction. */
  write<T>(prepared: PreparedBatch<T> | { readonly done: T }): T {
    if ('done' in prepared) return prepared.done;
    this.appendChanges(prepared, prepared.changes);
    return prepared.write();
  }

  /** @param changes all changes of the batch, or some that are consecutive */
  appendChanges(
    { supplierId, number }: Pick<PreparedBatch<unknown>, 'supplierId' | 'number'>,
    changes: readonly BatchChange[],
  ): void {
    this.#changeRows.append(supplierId, number, changes);
  }

  readonly confirm: Confirm = (supplierId, confirmation, nowMs) =>
    this.#batchRows.confirm(supplierId, confirmation, nowMs);

  /**
   * Decides the lines of a batch; throws as `applyLines` does. Only reads, unless `confirm` writes. The SKUs of the
   * supplier must stay as they are until the batch is written.
   */
  *preparingLines(
    batch: Batch,
    nowMs: number,
    confirm: Confirm,
  ): Preparing<BatchOutcome | StoredOutcome> {
    const startedMs = performance.now();
    const { supplierId, lines, options = NO_OPTIONS } = batch;
    const key = options.dryRun === true ? undefined : options.idempotency;
    const repeat = key && this.#batchRows.repeatOf(supplierId, key, lines.count, nowMs);
    if (repeat !== undefined) return { done: repeat };

    if (options.snapshot !== undefined) checkSnapshot(lines);
    const decision = new BatchDecision(nowMs);
    const decided = yield* decision.decidingLines(lines, this.stock.ofLines(supplierId, lines), {
      atomic: options.atomic === true,
      withEffects: options.withEffects === true,
      skuIdFirst: options.skuIdFirst === true,
    });
    const questions = misfitQuestions(lines, decided);
    if (questions !== undefined) {
      const stock = this.stock.ofLines(supplierId, questions.lines);
      yield* recordingMisfits(questions, (i) => findsUnretired(stock, i), decided.details);
    }
    const unnamed = yield* this.#findingUnnamed(batch, decision, decided);
    const isKept = options.dryRun !== true;
    this.#checkSafetyLimit(batch, decision, unnamed, (confirmation) => {
      if (isKept) confirm(supplierId, confirmation, nowMs);
      else this.#batchRows.checkConfirmation(supplierId, confirmation, nowMs);
    });

    const { statuses } = decided;
    const details = yield* namingDetails(decided.details, (skuNumber) =>
      this.stock.skuIdOf(supplierId, skuNumber),
    );
    const numbered = this.#number(supplierId, decision);
    const { number, closed } = numbered;
    const effects = yield* namingEffects(
      decided.effects,
      isKept ? closed.changes : [],
      (skuNumber) => this.#skuUuid(supplierId, skuNumber),
    );
    const hasFailures = details.size > 0 || statuses.some((status) => status !== APPLIED);
    const failures =
      isKept && hasFailures
        ? yield* encodingFailures(failedLines(lines, { statuses, details }))
        : null;
    const keptEffects =
      key !== undefined && effects.size > 0 ? yield* encodingEffects(effects) : null;
    const outcome = { statuses, details, effects, repeats: null };
    const summary = { appliedAtMs: nowMs, startedMs, lineCount: lines.count, statuses };
    const write = (): BatchOutcome => {
      const { uuid, zeroedCount } = this.#writeRow(batch, numbered, summary, unnamed);
      if (failures !== null) this.#batchRows.appendFailures(supplierId, number, nowMs, failures);
      if (key !== undefined) this.#batchRows.keepKey(supplierId, number, key, keptEffects);
      return { ...outcome, uuid, zeroedCount };
    };
    const zeroedCount = isKept ? 0 : yield* this.#countingZeroed(batch, unnamed, nowMs);
    const preview = { ...outcome, uuid: null, zeroedCount };
    return { supplierId, number, changes: closed.changes, preview, write };
  }

  /** The SKUs that a snapshot does not name and that are not at zero; none if the batch is no snapshot. */
  *#findingUnnamed(
    { supplierId, lines, options = NO_OPTIONS }: Batch,
    decision: BatchDecision,
    { statuses }: DecidedLines,
  ): Steps<UnnamedSkus> {
    if (options.snapshot === undefined) return NO_UNNAMED_SKUS;
    if (options.atomic === true && statuses.some((status) => status !== APPLIED))
      return NO_UNNAMED_SKUS;
    const named = decision.touchedSkuNumbers();
    for (const [i, status] of statuses.entries()) {
      if (status === APPLIED) continue;
      for (const number of this.stock.namedBy(supplierId, lines, i)) named.add(number);
    }
    const held = this.stock.heldOf(supplierId);
    const skuNumbers: number[] = [];
    let fallCount = 0;
    const { skuCount } = this.stock.head(supplierId);
    for (let from = 1; from <= skuCount; from += ZEROED_PER_STEP) {
      const [first, end] = [skuKey(supplierId, from), skuKey(supplierId, from + ZEROED_PER_STEP)];
      for (const row of this.#stockOfAll.iterate(first, end - 1)) {
        const [skuNumber, stored, restrictions] = row;
        if (named.has(skuNumber)) continue;
        const key = skuKey(supplierId, skuNumber);
        const before = held.get(skuNumber)?.inventory ?? this.#inventory.find(key)?.inventory;
        const quantityInStock = before === undefined ? stored : before.quantityInStock;
        if (quantityInStock === 0) continue;
        skuNumbers.push(skuNumber);
        const isRestricted = (before === undefined ? restrictions : before.restrictions) !== null;
        if (quantityInStock !== null && !isRestricted) fallCount += 1;
      }
      yield;
    }
    return { skuNumbers, fallCount };
  }

  #checkSafetyLimit(
    { supplierId, options = NO_OPTIONS }: Batch,
    decision: BatchDecision,
    unnamed: UnnamedSkus,
    confirm: (confirmation: Confirmation) => void,
  ): void {
    const head = this.stock.head(supplierId);
    if (applicableSafetyLimit(options, head) === null) return;
    const fallCount = decision.countUnsellable() + unnamed.fallCount;
    try {
      checkSafetyLimit(options, head, fallCount, confirm);
    } catch (error) {
      decision.rollBack();
      throw error;
    }
  }

  #skuUuid(supplierId: number, skuNumber: number): string {
    const row = this.#skuUuidOf.get(skuKey(supplierId, skuNumber));
    if (row === undefined) throw new Error(`SKU ${skuNumber} of supplier ${supplierId} has no row`);
    return row[0];
  }

  /** Ends a batch, whose changes `write` appends. */
  prepare<T>(
    origin: BatchOrigin,
    decision: BatchDecision,
    summary: BatchSummary,
    {
      preview,
      write,
    }: {
      readonly preview: T;
      /** Writes what else the batch does. */
      readonly write: (batch: { readonly number: number; readonly uuid: string }) => T;
    },
  ): PreparedBatch<T> {
    const { supplierId } = origin;
    const numbered = this.#number(supplierId, decision);
    const { number, closed } = numbered;
    return {
      supplierId,
      number,
      changes: closed.changes,
      preview,
      write: () => write({ number, uuid: this.#writeRow(origin, numbered, summary).uuid }),
    };
  }

  #number(supplierId: number, decision: BatchDecision): NumberedBatch {
    const head = this.stock.head(supplierId);
    head.lastBatchNumber += 1;
    const sequenceBefore = head.lastSequence;
    return { number: head.lastBatchNumber, sequenceBefore, closed: decision.close(head) };
  }

  #writeRow(
    origin: BatchOrigin & Pick<Batch, 'options'>,
    { number, sequenceBefore, closed }: NumberedBatch,
    { startedMs, ...summary }: BatchSummary,
    unnamed: UnnamedSkus = NO_UNNAMED_SKUS,
  ): { readonly uuid: string; readonly zeroedCount: number } {
    const zeroedCount = this.#zero(origin, unnamed, number, summary.appliedAtMs);
    const changedCount = this.stock.head(origin.supplierId).lastSequence - sequenceBefore;
    const uuid = this.#batchRows.append({
      ...summary,
      origin,
      number,
      durationMs: Math.round(performance.now() - startedMs),
      changedCount,
      firstSequence: changedCount === 0 ? null : sequenceBefore + 1,
      zeroedCount,
      confirmed: closed.confirmed,
    });
    return { uuid, zeroedCount };
  }

  /** Sets SKUs to zero. Returns how many changed. */
  #zero(
    batch: Pick<Batch, 'supplierId' | 'options'>,
    unnamed: UnnamedSkus,
    batchNumber: number,
    nowMs: number,
  ): number {
    let zeroedCount = 0;
    for (const { changes, skus } of this.#zeroing(batch, unnamed, nowMs)) {
      this.#changeRows.append(batch.supplierId, batchNumber, changes);
      this.#writeThrough(batch.supplierId, skus, nowMs);
      zeroedCount += changes.length;
    }
    return zeroedCount;
  }

  /** How many SKUs `#zero` would change. */
  *#countingZeroed(batch: Batch, unnamed: UnnamedSkus, nowMs: number): Steps<number> {
    let zeroedCount = 0;
    for (const { changes } of this.#zeroing(batch, unnamed, nowMs)) {
      zeroedCount += changes.length;
      yield;
    }
    return zeroedCount;
  }

  /**
   * Decides to set SKUs to zero, in steps, since they may be a whole catalogue. Yields the changes of each step, and the
   * SKUs that it releases afterwards.
   */
  *#zeroing(
    { supplierId, options = NO_OPTIONS }: Pick<Batch, 'supplierId' | 'options'>,
    { skuNumbers }: UnnamedSkus,
    nowMs: number,
  ): Generator<{
    readonly changes: readonly BatchChange[];
    readonly skus: readonly SkuState[];
  }> {
    const asOfUs = options.snapshot?.asOfUs ?? null;
    for (let from = 0; from < skuNumbers.length; from += ZEROED_PER_STEP) {
      const decision = new BatchDecision(nowMs);
      const kept = new Set(this.stock.heldOf(supplierId).keys());
      for (const skuNumber of skuNumbers.slice(from, from + ZEROED_PER_STEP)) {
        const held = this.stock.skuState(supplierId, skuNumber);
        decision.zero(held, () => this.stock.storedAsOfUs(supplierId, skuNumber), asOfUs);
      }
      const { changes } = decision.close(this.stock.head(supplierId));
      const skus = [...this.stock.heldOf(supplierId).values()].filter(
        ({ skuNumber }) => !kept.has(skuNumber),
      );
      yield { changes, skus };
      for (const { skuNumber } of skus) {
        this.stock.release(supplierId, skuNumber);
        this.#cache.deleteInventory(skuKey(supplierId, skuNumber));
      }
    }
  }

  /** Writes the rows of a supplier's SKUs that changed or were confirmed. */
  #writeThrough(supplierId: number, skus: readonly SkuState[], nowMs: number): void {
    const changed = skus.filter(hasNewChange).sort((a, b) => a.skuNumber - b.skuNumber);
    this.#inventory.write(
      changed.map((sku) => [skuKey(supplierId, sku.skuNumber), rowOf(sku, nowMs)]),
    );
    for (const sku of skus) {
      if (hasNewerAsOf(sku) && typeof sku.asOfUs === 'number') {
        this.#inventory.confirm(skuKey(supplierId, sku.skuNumber), sku.asOfUs);
      }
    }
  }

  /**
   * Ends a transaction: writes the rows that cannot wait, and sweeps others into the table.
   *
   * @param isCatalogue whether the SKUs' rows are written anyway
   * @param staged how many changes earlier transactions have appended, and swept others for
   */
  flush(nowMs: number, { isCatalogue = false, staged = 0 } = {}): void {
    this.#batchRows.flush();
    for (const [supplierId, held] of this.stock.held()) {
      const [waiting, others]: [SkuState[], SkuState[]] = [[], []];
      for (const sku of held.values())
        if (!isCatalogue && canWait(sku)) waiting.push(sku);
        else others.push(sku);
      this.#writeThrough(supplierId, others, nowMs);
      if (waiting.length > 0) this.#waiting.set(supplierId, waiting);
    }
    for (const [supplierId, head] of this.stock.heads()) {
      const { skuCount, retiredCount, liveCount, lastSequence, lastBatchNumber } = head;
      const isComplete = !this.#waiting.has(supplierId) && this.#inventory.isComplete(supplierId);
      const complete = isComplete ? lastSequence : null;
      this.#updateHead.run(
        skuCount,
        retiredCount,
        liveCount,
        lastSequence,
        lastBatchNumber,
        complete,
        supplierId,
      );
    }
    const ranges = this.stock.sequenceRanges();
    const appended = ranges.reduce((sum, { before, after }) => sum + after - before, 0);
    this.#inventory.pay(appended - staged);
  }

  /** Keeps what the transaction read and wrote. Call it only after the commit. */
  remember(nowMs: number): void {
    this.#inventory.committed(this.#waiting, this.stock.sequenceRanges(), nowMs);
    for (const [supplierId, held] of this.stock.held()) {
      for (const { skuNumber, inventory, lastSequence } of held.values()) {
        this.#cache.setInventory(skuKey(supplierId, skuNumber), inventory, lastSequence);
      }
    }
  }
}

/** The outcome of a dry run of a batch. */
export function previewOf<T>(prepared: PreparedBatch<T> | { readonly done: T }): T {
  return 'done' in prepared ? prepared.done : prepared.preview;
}

function rowOf({ inventory, lastSequence, asOfUs }: SkuState, nowMs: number): InventoryRow {
  return { inventory, lastSequence, writtenAtMs: nowMs, asOfUs: asOfUs ?? null };
}
