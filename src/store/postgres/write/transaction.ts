import type { PoolClient } from 'pg';
import {
  newSkuState,
  type BatchDecision,
  type ClosedBatch,
  type SkuState,
  type Stock,
  type SupplierHead,
} from '../../../domain/batch-decision.ts';
import { isPause } from '../../../domain/steps.ts';
import { NOTHING_KNOWN } from '../../../domain/inventory.ts';
import type { Lines } from '../../../domain/lines.ts';
import type { BatchSummary } from '../../sql/batch-row.ts';
import type { BatchOrigin } from '../../../domain/batches.ts';
import { inTurns, ownTurn } from '../../sql/turns.ts';
import { newBatchUuid } from '../../uuids.ts';
import { int8Array } from '../connection/arrays.ts';
import type { Statement } from '../connection/pool.ts';
import { joinSku } from '../lookups.ts';
import {
  KeysAndConfirmations,
  writeBatches,
  writeHourCounts,
  type NewBatchRow,
} from './batch-rows.ts';
import type { IdentifierLookup } from './identifier-lookup.ts';
import {
  AS_OF_US,
  FIELD_COLUMNS,
  writingChanges,
  writeConfirmations,
  type BatchChanges,
  type FieldValues,
} from './inventory-rows.ts';
import { WriteStatement } from './statement.ts';

const COLUMNS = ['sku_number', ...FIELD_COLUMNS, 'last_sequence']
  .map((column) => `inventory.${column}`)
  .join(', ');
/** The columns of `inventory` that make an `InventoryRow`, without the as-of time. */
export const INVENTORY_COLUMNS = `${COLUMNS}, NULL`;
/** The same, with the as-of time. */
export const INVENTORY_COLUMNS_WITH_AS_OF = `${COLUMNS}, ${AS_OF_US}`;

export type InventoryRow = [
  skuNumber: number,
  ...fields: FieldValues,
  lastSequence: number,
  asOfUs: number | null,
];

/** The columns of `inventory`, by name. */
export interface InventoryOfSku {
  readonly sku_number: number;
  readonly quantity_in_stock: number | null;
  readonly quantity_on_backorder: number | null;
  readonly backorder_date: number | null;
  readonly restrictions: number | null;
  readonly last_sequence: number;
}

/** A row found by an identifier, with the ordinal of that identifier. */
type FoundRow = [...inventory: InventoryRow, ordinal: number];

interface SupplierRow {
  readonly sku_count: number;
  readonly retired_count: number;
  readonly live_count: number;
  readonly last_sequence: number;
  readonly last_batch_number: number;
  readonly breaker_percent_max: number | null;
  readonly breaker_skus_min: number | null;
}

interface SkuNames {
  readonly skuId: string;
  readonly uuid: string;
}

/**
 * A supplier and its SKUs as seen by the current transaction: what it has read, plus its own changes that
 * are not written yet. What was read stays valid, because the transaction holds the supplier's row lock.
 */
export class SupplierState {
  readonly supplierId: number;
  readonly #client: PoolClient;
  readonly #skus = new Map<number, SkuState>();
  readonly #asOfUs = new Map<number, number>();
  readonly #names = new Map<number, SkuNames>();
  #head: SupplierHead | undefined;

  constructor(client: PoolClient, supplierId: number) {
    this.#client = client;
    this.supplierId = supplierId;
  }

  /**
   * Waits for the supplier's row lock, and reads the row. Everything else must be read by later
   * statements: the snapshot of this statement can be older than its lock.
   */
  async lock(): Promise<void> {
    const { rows } = await this.#client.query<SupplierRow>(
      `SELECT sku_count, retired_count, live_count, last_sequence, last_batch_number, breaker_percent_max,
         breaker_skus_min
       FROM suppliers WHERE id = $1 FOR NO KEY UPDATE`,
      [this.supplierId],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`there is no supplier ${this.supplierId}`);
    const { breaker_percent_max: percentMax, breaker_skus_min: skusMin } = row;
    this.#head = {
      skuCount: row.sku_count,
      retiredCount: row.retired_count,
      liveCount: row.live_count,
      lastSequence: row.last_sequence,
      lastBatchNumber: row.last_batch_number,
      breaker: percentMax === null || skusMin === null ? null : { percentMax, skusMin },
    };
  }

  get head(): SupplierHead {
    if (this.#head === undefined) throw new Error('the supplier is not locked yet');
    return this.#head;
  }

  /** Runs a lookup, and loads the SKUs that it finds. */
  async load(lookup: IdentifierLookup, withAsOf: boolean): Promise<void> {
    const columns = withAsOf ? INVENTORY_COLUMNS_WITH_AS_OF : INVENTORY_COLUMNS;
    await Promise.all(
      lookup.statements(this.supplierId, columns).map(async ({ text, values, addMatch }) => {
        const { rows } = await this.#client.query<FoundRow>({
          text,
          values: [...values],
          rowMode: 'array',
        });
        for (const [i, row] of rows.entries()) {
          if (isPause(i)) await ownTurn();
          addMatch(row[7], row[0]);
          this.addRow(row);
        }
      }),
    );
    lookup.sortMatches();
  }

  addInventory(row: InventoryOfSku): SkuState {
    return this.addRow([
      row.sku_number,
      row.quantity_in_stock,
      row.quantity_on_backorder,
      row.backorder_date,
      row.restrictions,
      row.last_sequence,
      null,
    ]);
  }

  addRow(row: Readonly<InventoryRow> | Readonly<FoundRow>): SkuState {
    const [skuNumber, quantityInStock, quantityOnBackorder, backorderDate, restrictions] = row;
    const [, , , , , lastSequence, asOfUs] = row;
    const loaded = this.#skus.get(skuNumber);
    if (loaded !== undefined) return loaded;
    const inventory = { quantityInStock, quantityOnBackorder, backorderDate, restrictions };
    const sku = newSkuState(skuNumber, inventory, lastSequence);
    this.#skus.set(skuNumber, sku);
    if (asOfUs !== null) this.#asOfUs.set(skuNumber, asOfUs);
    return sku;
  }

  /** Adds a SKU that this transaction creates. */
  addNewSku(skuNumber: number): SkuState {
    const sku = newSkuState(skuNumber, NOTHING_KNOWN, 0);
    this.#skus.set(skuNumber, sku);
    return sku;
  }

  skuState(skuNumber: number): SkuState {
    const sku = this.#skus.get(skuNumber);
    if (sku === undefined) throw new Error(`${this.#describe(skuNumber)} was not loaded`);
    return sku;
  }

  /** The as-of time in a SKU's row, in microseconds since the epoch. Loaded on request only. */
  storedAsOfUs(skuNumber: number): number {
    const asOfUs = this.#asOfUs.get(skuNumber);
    if (asOfUs === undefined)
      throw new Error(`the as-of time of ${this.#describe(skuNumber)} was not loaded`);
    return asOfUs;
  }

  /** The view of the SKUs that the lines of a batch are decided on. */
  stockFor(lookup: IdentifierLookup, lines: Lines): Stock {
    return {
      resolve: (i) => lookup.resolve(lines, i),
      bySkuId: (i) => {
        const skuNumber = lookup.findBySkuId(lines, i);
        return skuNumber === undefined ? [] : [skuNumber];
      },
      skuState: (skuNumber) => this.skuState(skuNumber),
      storedAsOfUs: (skuNumber) => this.storedAsOfUs(skuNumber),
    };
  }

  /** The SKUs whose as-of time was loaded: only theirs can have been confirmed. */
  *skusWithAsOf(): Iterable<SkuState> {
    for (const skuNumber of this.#asOfUs.keys()) yield this.skuState(skuNumber);
  }

  /** Frees the memory of a SKU whose changes are written. */
  unload(skuNumber: number): void {
    this.#skus.delete(skuNumber);
    this.#asOfUs.delete(skuNumber);
  }

  async loadNames(skuNumbers: ReadonlySet<number>): Promise<void> {
    if (skuNumbers.size === 0) return;
    const { rows } = await this.#client.query<[skuNumber: number, skuId: string, uuid: string]>({
      text: `SELECT skus.sku_number, sku_id, uuid FROM unnest($2::bigint[]) AS named (sku_number)
        ${joinSku('sku_number', 'named.sku_number', ['sku_id', 'uuid'])}`,
      values: [this.supplierId, int8Array([...skuNumbers])],
      rowMode: 'array',
    });
    for (const [i, [skuNumber, skuId, uuid]] of rows.entries()) {
      if (isPause(i)) await ownTurn();
      this.#names.set(skuNumber, { skuId, uuid });
    }
  }

  /** The `sku_id` and uuid of a SKU. Requires `loadNames`. */
  namesOf(skuNumber: number): SkuNames {
    const names = this.#names.get(skuNumber);
    if (names === undefined)
      throw new Error(`the sku_id of ${this.#describe(skuNumber)} was not loaded`);
    return names;
  }

  #describe(skuNumber: number): string {
    return `SKU ${skuNumber} of supplier ${this.supplierId}`;
  }

  writeHead(statement: WriteStatement): void {
    const { skuCount, retiredCount, liveCount, lastSequence, lastBatchNumber } = this.head;
    statement.add(
      `UPDATE suppliers SET sku_count = ${statement.value(skuCount, 'bigint')},
         retired_count = ${statement.value(retiredCount, 'bigint')},
         live_count = ${statement.value(liveCount, 'bigint')},
         last_sequence = ${statement.value(lastSequence, 'bigint')},
         last_batch_number = ${statement.value(lastBatchNumber, 'bigint')}
       WHERE id = ${statement.value(this.supplierId, 'integer')}`,
    );
  }
}

/** What a transaction is about to commit. */
export interface PreparedCommit<R> {
  readonly result: R;
  /** Writes everything; sent with the commit. Undefined if there is nothing to write. */
  readonly statement: Statement | undefined;
  /** The last batch that it writes; undefined if there is none. */
  readonly lastBatch: NewBatchRow | undefined;
}

/** A batch that has been decided and numbered. Its row is not added yet. */
export interface NumberedBatch {
  readonly number: number;
  readonly uuid: string;
  readonly closed: ClosedBatch;
  /** The supplier's last sequence before the batch. */
  readonly sequenceBefore: number;
}

/**
 * A transaction that applies batches of one supplier. It reads at its beginning, decides in memory, and
 * writes everything at its end in one statement.
 */
export class SupplierTransaction {
  readonly client: PoolClient;
  readonly supplierId: number;
  readonly state: SupplierState;
  readonly keys: KeysAndConfirmations;
  /** Collects writes besides changes and batches, which `prepareCommit` adds. */
  readonly statement = new WriteStatement();
  readonly #changes: BatchChanges[] = [];
  readonly #batches: NewBatchRow[] = [];

  constructor(client: PoolClient, supplierId: number) {
    this.client = client;
    this.supplierId = supplierId;
    this.state = new SupplierState(client, supplierId);
    this.keys = new KeysAndConfirmations(client, supplierId);
  }

  /** Ends a batch's decision, and assigns the numbers of the batch and its changes. */
  async numberBatch(decision: BatchDecision, nowMs: number): Promise<NumberedBatch> {
    const { head } = this.state;
    head.lastBatchNumber += 1;
    const number = head.lastBatchNumber;
    const sequenceBefore = head.lastSequence;
    const closed = await inTurns(decision.closing(head));
    const firstSequence = sequenceBefore + 1;
    this.#changes.push({ batchNumber: number, firstSequence, changes: closed.changes });
    return { number, uuid: newBatchUuid(nowMs, number), closed, sequenceBefore };
  }

  /** Writes further changes of a numbered batch at once, so that their SKUs can be unloaded. */
  async flushChanges(
    decision: BatchDecision,
    { number }: NumberedBatch,
    nowMs: number,
  ): Promise<ClosedBatch> {
    const { head } = this.state;
    const firstSequence = head.lastSequence + 1;
    const closed = await inTurns(decision.closing(head));
    const statement = new WriteStatement();
    const written = { batchNumber: number, firstSequence, changes: closed.changes };
    await inTurns(writingChanges(statement, this.supplierId, [written], nowMs));
    if (!statement.isEmpty) {
      const { text, values } = statement.build();
      await this.client.query(text, [...values]);
    }
    return closed;
  }

  /** @param zeroedCount how many SKUs a snapshot set to zero because it omits them */
  addBatchRow(
    origin: BatchOrigin,
    batch: NumberedBatch,
    { startedMs, ...summary }: BatchSummary,
    zeroedCount: number = 0,
  ): void {
    const { number, uuid, closed, sequenceBefore } = batch;
    const changedCount = this.state.head.lastSequence - sequenceBefore;
    this.#batches.push({
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

  /** @param isNew whether the SKU has no inventory row yet; `statement` then inserts it already */
  async prepareCommit<R>(
    result: R,
    nowMs: number,
    isNew?: (held: SkuState) => boolean,
  ): Promise<PreparedCommit<R>> {
    const lastBatch = this.#batches.at(-1);
    if (lastBatch === undefined) return { result, statement: undefined, lastBatch };
    const { statement, supplierId } = this;
    await inTurns(writingChanges(statement, supplierId, this.#changes, nowMs, isNew));
    writeConfirmations(statement, supplierId, this.state.skusWithAsOf());
    writeBatches(statement, supplierId, this.#batches);
    writeHourCounts(statement, supplierId, this.#batches);
    this.keys.deleteUsedConfirmations(statement);
    this.state.writeHead(statement);
    return { result, statement: statement.build(), lastBatch };
  }
}

/**
 * Whether a batch was committed, asked after the connection was lost during the commit. Locking the
 * supplier's row waits until the lost transaction has ended.
 */
export async function wasCommitted(
  client: PoolClient,
  supplierId: number,
  { number, uuid }: NewBatchRow,
): Promise<boolean> {
  await client.query('SELECT FROM suppliers WHERE id = $1 FOR NO KEY UPDATE', [supplierId]);
  const { rowCount } = await client.query(
    'SELECT FROM batches WHERE supplier_id = $1 AND number = $2 AND uuid = $3',
    [supplierId, number, uuid],
  );
  return rowCount === 1;
}
