import type { Database, Statement } from 'better-sqlite3';
import { BatchDecision } from '../../../domain/batch-decision.ts';
import { addMembers } from '../../../domain/number-set.ts';
import { batchNumberOf } from '../../uuids.ts';
import {
  decodeProductChanges,
  rewrittenSince,
  type LaterProducts,
  type ProductChange,
} from '../../sql/product-changes.ts';
import { itemOfRow } from '../../sql/products.ts';
import {
  decidingRevert,
  withCreated,
  type RevertedProduct,
  type RevertibleChange,
  findUnchangedSince,
  isRange,
  laterChangeOf,
  type LaterChangeRow,
} from '../../sql/revert.ts';
import type { RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import type { Steps } from '../../../domain/steps.ts';
import type { Applier, Preparing } from './apply.ts';
import type { ProductRows } from './product-rows.ts';

type RevertedBatchRow = [uuid: string, firstSequence: number | null, changedCount: number];

interface RevertibleChangeRow {
  readonly sku_number: number;
  readonly sequence: number;
  readonly before_quantity_in_stock: number | null;
  readonly before_quantity_on_backorder: number | null;
  readonly before_backorder_date: number | null;
  readonly before_restrictions: number | null;
}

/** Changes, and batches, that are read together: some milliseconds. */
const READ_TOGETHER = 2000;

/** Selects later changes; to be completed with a condition on their sequences. */
const LATER = `SELECT changes.sku_number, changes.sequence, changes.previous_sequence, changes.batch_number,
    undone.first_sequence, undone.changed_count
  FROM changes
    JOIN batches ON batches.supplier_id = changes.supplier_id AND batches.number = changes.batch_number
    LEFT JOIN batches AS undone
      ON undone.supplier_id = changes.supplier_id AND undone.number = batches.reverts_number
  WHERE changes.supplier_id = ? AND changes.sequence`;

/** Reverts batches, in the same transaction and by the same rules as `Applier`. */
export class RevertApplier {
  readonly #applier: Applier;
  readonly #products: ProductRows;
  readonly #batchOf: Statement<[number, number], RevertedBatchRow>;
  readonly #changesOf: Statement<[number, number, number], RevertibleChangeRow>;
  readonly #changeAt: Statement<[number, number], LaterChangeRow>;
  readonly #changesIn: Statement<[number, number, number], LaterChangeRow>;
  readonly #confirmedIn: Statement<[number, number, number], [number, Uint8Array]>;

  readonly #undoOf: Statement<[number, number], [Uint8Array | null]>;
  readonly #productsAfter: Statement<[number, number], LaterProducts>;

  constructor(db: Database, applier: Applier, products: ProductRows) {
    this.#applier = applier;
    this.#products = products;
    this.#undoOf = db
      .prepare<[number, number], [Uint8Array | null]>(
        'SELECT undo FROM product_changes WHERE supplier_id = ? AND batch_number = ?',
      )
      .raw();
    this.#productsAfter = db.prepare(
      `SELECT number, written, reverts_number AS revertsNumber
       FROM product_changes JOIN batches
         ON batches.supplier_id = product_changes.supplier_id AND number = batch_number
       WHERE product_changes.supplier_id = ? AND batch_number > ? ORDER BY batch_number DESC`,
    );
    this.#batchOf = db
      .prepare<[number, number], RevertedBatchRow>(
        'SELECT uuid, first_sequence, changed_count FROM batches WHERE supplier_id = ? AND number = ?',
      )
      .raw();
    this.#changesOf = db.prepare(
      `SELECT sku_number, sequence, before_quantity_in_stock, before_quantity_on_backorder,
         before_backorder_date, before_restrictions
       FROM changes WHERE supplier_id = ? AND sequence BETWEEN ? AND ? ORDER BY sequence`,
    );
    this.#changeAt = db.prepare<[number, number], LaterChangeRow>(`${LATER} = ?`).raw();
    this.#changesIn = db
      .prepare<[number, number, number], LaterChangeRow>(`${LATER} BETWEEN ? AND ?`)
      .raw();
    this.#confirmedIn = db
      .prepare<[number, number, number], [number, Uint8Array]>(
        `SELECT number, confirmed FROM batches
         WHERE supplier_id = ? AND number BETWEEN ? AND ? AND confirmed IS NOT NULL`,
      )
      .raw();
  }

  /** How many SKUs a batch changed; undefined if the supplier has no such batch. */
  changedCount({ supplierId, uuid }: RevertRequest): number | undefined {
    return this.#find(supplierId, uuid)?.[2];
  }

  #find(supplierId: number, uuid: string): RevertedBatchRow | undefined {
    const batch = this.#batchOf.get(supplierId, batchNumberOf(uuid));
    return batch?.[0] === uuid ? batch : undefined;
  }

  /**
   * Decides the revert of a batch. Its outcome is undefined if the supplier has no such batch. The supplier's SKUs and
   * changes must stay as they are until it is written. `Applier.flush` writes the rows of its SKUs.
   */
  *preparing(request: RevertRequest, nowMs: number): Preparing<RevertOutcome | undefined> {
    const startedMs = performance.now();
    const { supplierId, uuid } = request;
    const revertsNumber = batchNumberOf(uuid);
    const batch = this.#find(supplierId, uuid);
    if (batch === undefined) return { done: undefined };
    const productChanges = decodeProductChanges(
      this.#undoOf.get(supplierId, revertsNumber)?.[0] ?? null,
    );
    const changes = withCreated(yield* this.#changesOfBatch(supplierId, batch), productChanges);
    const among = new Set(request.among?.map(batchNumberOf));
    const rewritten = rewrittenSince(
      revertsNumber,
      this.#productsAfter.iterate(supplierId, revertsNumber),
      new Set(productChanges.map(({ skuNumber }) => skuNumber)),
      among,
    );
    yield;
    const confirmed = request.force
      ? new Set<number>()
      : yield* this.#confirmed(request, revertsNumber, changes, among);

    const decision = new BatchDecision(nowMs);
    const { counts, skus, products } = yield* decidingRevert(decision, changes, {
      skuState: (skuNumber) => this.#applier.stock.skuState(supplierId, skuNumber),
      skuIdOf: (skuNumber) => this.#applier.stock.skuIdOf(supplierId, skuNumber),
      unchanged: yield* this.#unchanged(supplierId, changes, among),
      confirmed,
      products: { changes: productChanges, rewritten },
    });
    yield;
    const outcome = { uuid: null, counts, skus };
    if (counts.reverted === 0) return { done: outcome };
    const summary = { appliedAtMs: nowMs, startedMs, lineCount: counts.reverted, revertsNumber };
    const origin = { ...request, source: 'revert' as const };
    return this.#applier.prepare<RevertOutcome>(origin, decision, summary, {
      preview: outcome,
      write: (batchRow) => {
        const written = this.#write(supplierId, products, nowMs);
        this.#products.record(origin, batchRow.number, nowMs, written);
        return { ...outcome, uuid: request.dryRun ? null : batchRow.uuid };
      },
    });
  }

  /** Puts products back. Returns what that changed. */
  #write(
    supplierId: number,
    reverted: readonly RevertedProduct[],
    nowMs: number,
  ): readonly ProductChange[] {
    return reverted.flatMap(({ skuNumber, product, wasRetired, isRetired }): ProductChange[] => {
      const sku = { supplierId, skuNumber, wasRetired, isRetired };
      const row = this.#products.read(sku);
      this.#products.update(sku, row, product, nowMs);
      return product === undefined ? [] : [{ skuNumber, before: itemOfRow(row), isCreated: false }];
    });
  }

  *#changesOfBatch(
    supplierId: number,
    [, firstSequence, changedCount]: RevertedBatchRow,
  ): Steps<readonly RevertibleChange[]> {
    const changes: RevertibleChange[] = [];
    if (firstSequence === null) return changes;
    const lastSequence = firstSequence + changedCount - 1;
    for (let first = firstSequence; first <= lastSequence; first += READ_TOGETHER) {
      const last = Math.min(lastSequence, first + READ_TOGETHER - 1);
      for (const row of this.#changesOf.iterate(supplierId, first, last))
        changes.push({
          skuNumber: row.sku_number,
          sequence: row.sequence,
          before: {
            quantityInStock: row.before_quantity_in_stock,
            quantityOnBackorder: row.before_quantity_on_backorder,
            backorderDate: row.before_backorder_date,
            restrictions: row.before_restrictions,
          },
        });
      yield;
    }
    return changes;
  }

  *#unchanged(
    supplierId: number,
    changes: readonly RevertibleChange[],
    among: ReadonlySet<number>,
  ): Steps<ReadonlySet<number>> {
    const { stock } = this.#applier;
    const finding = findUnchangedSince(
      changes,
      (skuNumber) => stock.skuState(supplierId, skuNumber).lastSequence,
      among,
    );
    let step = finding.next();
    while (step.done !== true) {
      const wanted = step.value;
      const rows = isRange(wanted)
        ? this.#changesIn.all(supplierId, wanted.first, wanted.last)
        : wanted.flatMap((sequence) => this.#changeAt.all(supplierId, sequence));
      yield;
      step = finding.next(rows.map(laterChangeOf));
    }
    return step.value;
  }

  /** Numbers of the SKUs that a later batch confirmed. */
  *#confirmed(
    { supplierId }: RevertRequest,
    batchNumber: number,
    changes: readonly RevertibleChange[],
    among: ReadonlySet<number>,
  ): Steps<ReadonlySet<number>> {
    const candidates = new Set(changes.map((change) => change.skuNumber));
    const confirmed = new Set<number>();
    const { lastBatchNumber } = this.#applier.stock.head(supplierId);
    for (let after = batchNumber; after < lastBatchNumber; after += READ_TOGETHER) {
      for (const [number, numbers] of this.#confirmedIn.iterate(
        supplierId,
        after + 1,
        after + READ_TOGETHER,
      ))
        if (!among.has(number)) addMembers(numbers, candidates, confirmed);
      yield;
    }
    return confirmed;
  }
}
