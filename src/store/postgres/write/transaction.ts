import type { PoolClient } from 'pg';
import type { BatchDecision, ClosedBatch, HeldSku } from '../../../domain/batch-decision.ts';
import type { BatchSummary } from '../../sql/batch-row.ts';
import type { BatchOrigin } from '../../../domain/batches.ts';
import { newBatchUuid } from '../../uuids.ts';
import { KnownBeforehand, writeBatches, type NumberedRow } from './batch-rows.ts';
import type { Statement } from '../connection/pool.ts';
import { writeChanges, writeConfirmations, type ChangesOfBatch } from './inventory-rows.ts';
import { WriteStatement } from './statement.ts';
import { TransactionStock } from './stock.ts';

/** What was decided in a transaction. */
export interface Decided<A> {
  readonly answer: A;
  /** What it writes with its commit; undefined where that is nothing. */
  readonly closing: Statement | undefined;
  /** The last batch that it writes; undefined where there is none. */
  readonly lastRow: NumberedRow | undefined;
}

export interface EndedBatch {
  readonly number: number;
  readonly uuid: string;
  readonly closed: ClosedBatch;
  /** The supplier's last sequence before the batch. */
  readonly sequenceBefore: number;
}

/**
 * A transaction in which batches of one supplier are applied: what is read at its beginning, and what was
 * decided and is written at its end, in one statement.
 */
export class SupplierTransaction {
  readonly client: PoolClient;
  readonly supplierId: number;
  readonly stock: TransactionStock;
  readonly known: KnownBeforehand;
  /** What is written beside changes and batches; they come last. */
  readonly statement = new WriteStatement();
  readonly #changes: ChangesOfBatch[] = [];
  readonly #rows: NumberedRow[] = [];

  constructor(client: PoolClient, supplierId: number) {
    this.client = client;
    this.supplierId = supplierId;
    this.stock = new TransactionStock(client, supplierId);
    this.known = new KnownBeforehand(client, supplierId);
  }

  /** Ends the deciding of a batch: gives it and its changes their numbers. Its row is still to come. */
  endBatch(decision: BatchDecision, nowMs: number): EndedBatch {
    const { head } = this.stock;
    head.lastBatchNumber += 1;
    const number = head.lastBatchNumber;
    const sequenceBefore = head.lastSequence;
    const closed = decision.close(head);
    const firstSequence = sequenceBefore + 1;
    this.#changes.push({ batchNumber: number, firstSequence, changes: closed.changes });
    return { number, uuid: newBatchUuid(nowMs, number), closed, sequenceBefore };
  }

  /** Writes some changes of an ended batch at once, and lets go of their SKUs. */
  async writeNow(
    decision: BatchDecision,
    { number }: EndedBatch,
    nowMs: number,
  ): Promise<ClosedBatch> {
    const { head } = this.stock;
    const firstSequence = head.lastSequence + 1;
    const closed = decision.close(head);
    const statement = new WriteStatement();
    const written = { batchNumber: number, firstSequence, changes: closed.changes };
    writeChanges(statement, this.supplierId, [written], nowMs);
    if (!statement.isEmpty) {
      const { text, values } = statement.build();
      await this.client.query(text, [...values]);
    }
    return closed;
  }

  /** @param zeroedCount how many SKUs the batch took to zero that it did not name */
  appendRow(
    origin: BatchOrigin,
    ended: EndedBatch,
    { startedMs, ...summary }: BatchSummary,
    zeroedCount: number = 0,
  ): void {
    const { number, uuid, closed, sequenceBefore } = ended;
    const changedCount = this.stock.head.lastSequence - sequenceBefore;
    this.#rows.push({
      ...summary,
      origin,
      number,
      uuid,
      durationMs: Math.round(performance.now() - startedMs),
      changedCount,
      firstSequence: changedCount === 0 ? null : sequenceBefore + 1,
      zeroedCount,
      confirmed: closed.confirmed,
    });
  }

  /**
   * What was decided, and what is written for it.
   *
   * @param isNew whether the row of a SKU's inventory is written elsewhere, since there is none yet
   */
  decided<A>(answer: A, nowMs: number, isNew?: (held: HeldSku) => boolean): Decided<A> {
    const lastRow = this.#rows.at(-1);
    if (lastRow === undefined) return { answer, closing: undefined, lastRow };
    const { statement, supplierId } = this;
    writeChanges(statement, supplierId, this.#changes, nowMs, isNew);
    writeConfirmations(statement, supplierId, this.stock.heldAsOf());
    writeBatches(statement, supplierId, this.#rows);
    this.known.write(statement);
    this.stock.writeHead(statement);
    return { answer, closing: statement.build(), lastRow };
  }
}

/**
 * Whether a batch was applied, asked where the connection was lost while it was being committed: the lock
 * waits for the transaction of that connection to end, whichever way.
 */
export async function wasApplied(
  client: PoolClient,
  supplierId: number,
  { number, uuid }: NumberedRow,
): Promise<boolean> {
  await client.query('SELECT FROM suppliers WHERE id = $1 FOR NO KEY UPDATE', [supplierId]);
  const { rowCount } = await client.query(
    'SELECT FROM batches WHERE supplier_id = $1 AND number = $2 AND uuid = $3',
    [supplierId, number, uuid],
  );
  return rowCount === 1;
}
