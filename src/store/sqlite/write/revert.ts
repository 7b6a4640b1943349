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
  decideRevert,
  withCreated,
  type RevertedProduct,
  type RevertibleChange,
  findUnchangedSince,
  isRange,
  laterChangeOf,
  type LaterChangeRow,
} from '../../sql/revert.ts';
import type { RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import type { Applier } from './apply.ts';
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
  readonly #confirmedAfter: Statement<[number, number], [number, Uint8Array]>;

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
    this.#confirmedAfter = db
      .prepare<[number, number], [number, Uint8Array]>(
        'SELECT number, confirmed FROM batches WHERE supplier_id = ? AND number > ? AND confirmed IS NOT NULL',
      )
      .raw();
  }

  /** Undefined if the supplier has no such batch. `Applier.flush` writes the rows of its SKUs. */
  revert(request: RevertRequest, nowMs: number): RevertOutcome | undefined {
    const startedMs = performance.now();
    const { supplierId, uuid } = request;
    const revertsNumber = batchNumberOf(uuid);
    const batch = this.#batchOf.get(supplierId, revertsNumber);
    if (batch === undefined || batch[0] !== uuid) return undefined;
    const productChanges = decodeProductChanges(
      this.#undoOf.get(supplierId, revertsNumber)?.[0] ?? null,
    );
    const changes = withCreated(this.#changesOfBatch(supplierId, batch), productChanges);
    const among = new Set(request.among?.map(batchNumberOf));
    const rewritten = rewrittenSince(
      revertsNumber,
      this.#productsAfter.iterate(supplierId, revertsNumber),
      new Set(productChanges.map(({ skuNumber }) => skuNumber)),
      among,
    );
    const confirmed = request.force
      ? new Set<number>()
      : this.#confirmed(request, revertsNumber, changes, among);

    const decision = new BatchDecision(nowMs);
    const { revertedCount, skus, products } = decideRevert(decision, changes, {
      skuState: (skuNumber) => this.#applier.stock.skuState(supplierId, skuNumber),
      skuIdOf: (skuNumber) => this.#applier.stock.skuIdOf(supplierId, skuNumber),
      unchanged: this.#unchanged(supplierId, changes, among),
      confirmed,
      products: { changes: productChanges, rewritten },
    });
    if (revertedCount === 0) return { uuid: null, skus };
    const summary = { appliedAtMs: nowMs, startedMs, lineCount: revertedCount, revertsNumber };
    const origin = { ...request, source: 'revert' as const };
    const ended = this.#applier.endBatch(origin, decision, summary);
    const written = this.#write(supplierId, products, nowMs);
    this.#products.record(origin, ended.number, nowMs, written);
    return { uuid: request.dryRun ? null : ended.uuid, skus };
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

  #changesOfBatch(
    supplierId: number,
    [, firstSequence, changedCount]: RevertedBatchRow,
  ): readonly RevertibleChange[] {
    if (firstSequence === null) return [];
    return this.#changesOf
      .all(supplierId, firstSequence, firstSequence + changedCount - 1)
      .map((row) => ({
        skuNumber: row.sku_number,
        sequence: row.sequence,
        before: {
          quantityInStock: row.before_quantity_in_stock,
          quantityOnBackorder: row.before_quantity_on_backorder,
          backorderDate: row.before_backorder_date,
          restrictions: row.before_restrictions,
        },
      }));
  }

  #unchanged(
    supplierId: number,
    changes: readonly RevertibleChange[],
    among: ReadonlySet<number>,
  ): ReadonlySet<number> {
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
      step = finding.next(rows.map(laterChangeOf));
    }
    return step.value;
  }

  /** Numbers of the SKUs that a later batch confirmed. */
  #confirmed(
    { supplierId }: RevertRequest,
    batchNumber: number,
    changes: readonly RevertibleChange[],
    among: ReadonlySet<number>,
  ): ReadonlySet<number> {
    const candidates = new Set(changes.map((change) => change.skuNumber));
    const confirmed = new Set<number>();
    for (const [number, numbers] of this.#confirmedAfter.iterate(supplierId, batchNumber)) {
      if (!among.has(number)) addMembers(numbers, candidates, confirmed);
    }
    return confirmed;
  }
}
