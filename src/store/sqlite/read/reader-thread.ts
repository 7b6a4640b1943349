/** The program of the reader and the scanner thread. The scanner serves reads of many SKUs, such as a filtered count. */
import {
  type HistoryEntry,
  type Freshness,
  type NamedSupplier,
  FRESHNESS_AGES_MS,
} from '../../../domain/changes.ts';
import {
  type ChangeColumns,
  packChanges,
  type BatchOfChanges,
  type ChangeTuple,
} from '../write/change-columns.ts';
import { RETIRED_CODE } from '../../../domain/inventory.ts';
import { InventoryView } from '../recent/inventory-view.ts';
import { openForReading, type ConnectionSettings } from '../connection.ts';
import { serveThread } from '../threads.ts';
import { LOOKS_AT_MANY_SKUS, queryRows, type CompiledStatement } from '../statements.ts';
import type { MessagePort } from 'node:worker_threads';
import type { Database, Statement } from 'better-sqlite3';
import {
  historyEntryOf,
  type HistoryRow,
  countByAge,
  recordConfirmation,
  RETIRED_SKU,
} from '../../sql/changes.ts';
import type { HistoryQuery } from '../../store.ts';
import { skuKey } from '../schema/migrations.ts';

/** Selects the changes of the common table expression `found`, with SKU, supplier and batch. */
const SELECT_FOUND_CHANGES = `
  SELECT found.*, skus.uuid AS sku_uuid, sku_id, upca, ean13, gtin14, isbn, asin, mpn,
    organizations.uuid AS supplier_uuid, organizations.name AS supplier_name,
    batches.uuid AS batch_uuid, applied_at_ms, reason, traceparent, source, reference, username
  FROM found
    JOIN skus ON skus.key = (found.supplier_id << 32) + found.sku_number
    JOIN organizations ON organizations.id = found.supplier_id
    JOIN batches ON batches.supplier_id = found.supplier_id AND batches.number = found.batch_number
    LEFT JOIN users ON users.id = batches.user_id`;

/** Other statements need not wait until changes are followed. */
const READS_INVENTORY = /\binventory\b/;

/** Reads of changes that take more than one query. Statements are prepared once per connection. */
class ChangeReader {
  readonly #after: Statement<[number, number, number], ChangeTuple>;
  readonly #batch: Statement<[number, number], BatchOfChanges>;
  readonly #named: Statement<[number], NamedSupplier>;
  readonly #chain: Statement<unknown[], HistoryRow>;
  readonly #supplier: Statement<[number], [number, number | null, number | null]>;
  readonly #writtenAt: Statement<[number, number], [number, number | null]>;
  readonly #confirmed: Statement<[number, number], [number, Uint8Array]>;

  constructor(db: Database) {
    this.#after = db
      .prepare<[number, number, number], ChangeTuple>(
        `SELECT sequence, batch_number, before_quantity_in_stock, before_quantity_on_backorder,
           before_backorder_date, before_restrictions, after_quantity_in_stock,
           after_quantity_on_backorder, after_backorder_date, after_restrictions,
           uuid, sku_id, upca, ean13, gtin14, isbn, asin, mpn
         FROM changes CROSS JOIN skus ON skus.key = (changes.supplier_id << 32) + sku_number
         WHERE changes.supplier_id = ? AND sequence > ?
           AND sequence <= (SELECT last_sequence FROM suppliers WHERE id = changes.supplier_id)
         ORDER BY sequence LIMIT ?`,
      )
      .raw();
    this.#batch = db.prepare(
      'SELECT uuid, applied_at_ms AS changedAtMs, reason, traceparent FROM batches WHERE supplier_id = ? AND number = ?',
    );
    this.#named = db.prepare('SELECT uuid, name FROM organizations WHERE id = ?');
    this.#chain = db.prepare(
      `WITH RECURSIVE chain AS (
         SELECT changes.* FROM inventory
           JOIN changes ON changes.supplier_id = $supplierId AND sequence = last_sequence
           WHERE key = $key
         UNION ALL
         SELECT changes.* FROM chain JOIN changes
           ON changes.supplier_id = chain.supplier_id AND changes.sequence = chain.previous_sequence),
       found AS (SELECT chain.* FROM chain JOIN batches
           ON batches.supplier_id = chain.supplier_id AND batches.number = chain.batch_number
         WHERE ($before IS NULL OR sequence < $before)
           AND ($from IS NULL OR applied_at_ms >= $from) AND ($to IS NULL OR applied_at_ms < $to)
         ORDER BY sequence DESC LIMIT $limit)
       ${SELECT_FOUND_CHANGES} ORDER BY found.sequence DESC`,
    );
    this.#supplier = db
      .prepare<[number], [number, number | null, number | null]>(
        `SELECT sku_count, expected_interval_minutes, (SELECT applied_at_ms FROM batches
           WHERE supplier_id = suppliers.id AND number = last_batch_number)
         FROM suppliers WHERE id = ?`,
      )
      .raw();
    this.#writtenAt = db
      .prepare<[number, number], [number, number | null]>(
        `SELECT key & 0xffffffff, CASE WHEN restrictions = ${RETIRED_CODE} THEN NULL ELSE updated_at_ms END
         FROM inventory WHERE key BETWEEN ? AND ?`,
      )
      .raw();
    this.#confirmed = db
      .prepare<[number, number], [number, Uint8Array]>(
        `SELECT applied_at_ms, confirmed FROM batches
         WHERE supplier_id = ? AND applied_at_ms >= ? AND confirmed IS NOT NULL`,
      )
      .raw();
  }

  /** In columns: objects would cost more than all that is read. */
  after(supplierId: number, afterSequence: number, limit: number): ChangeColumns {
    const rows = this.#after.all(supplierId, afterSequence, limit);
    return packChanges(this.#named.get(supplierId), rows, (batchNumber) => {
      const batch = this.#batch.get(supplierId, batchNumber);
      if (batch === undefined) throw new Error(`batch ${batchNumber} of ${supplierId} is missing`);
      return batch;
    });
  }

  history({
    supplierId,
    skuNumber,
    fromMs,
    toMs,
    beforeSequence,
    limit,
  }: Omit<HistoryQuery, 'supplierIds' | 'skuUuid'> & {
    readonly supplierId: number;
    readonly skuNumber: number;
  }): HistoryEntry[] {
    const key = skuKey(supplierId, skuNumber);
    const bounds = { before: beforeSequence, from: fromMs, to: toMs };
    return this.#chain.all({ supplierId, key, ...bounds, limit }).map(historyEntryOf);
  }

  /** Counts a supplier's SKUs by the age of their last report. Takes 8 bytes of memory per SKU. */
  freshness(supplierId: number, nowMs: number): Freshness {
    const supplier = this.#supplier.get(supplierId);
    if (supplier === undefined) throw new Error(`no supplier ${supplierId}`);
    const [skuCount, expectedIntervalMinutes, lastHeardAtMs] = supplier;
    const reportedAtMs = new Float64Array(skuCount + 1);
    const [first, last] = [skuKey(supplierId, 0), skuKey(supplierId + 1, 0) - 1];
    for (const [skuNumber, writtenAtMs] of this.#writtenAt.iterate(first, last)) {
      reportedAtMs[skuNumber] = writtenAtMs ?? RETIRED_SKU;
    }
    const sinceMs = nowMs - Math.max(...FRESHNESS_AGES_MS);
    for (const [appliedAtMs, confirmed] of this.#confirmed.iterate(supplierId, sinceMs)) {
      recordConfirmation(reportedAtMs, confirmed, appliedAtMs);
    }
    const skusByAge = countByAge(reportedAtMs.subarray(1), nowMs);
    return { lastHeardAtMs, expectedIntervalMinutes, skusByAge };
  }
}

/** The calls of the reader thread. */
export interface ReaderCalls {
  /** Rows; the caller knows their type. */
  readonly query: (statement: CompiledStatement) => never[];
  readonly changes: (asked: {
    readonly supplierId: number;
    readonly afterSequence: number;
    readonly limit: number;
  }) => ChangeColumns;
  readonly history: (asked: Parameters<ChangeReader['history']>[0]) => HistoryEntry[];
  readonly freshness: (asked: { readonly supplierId: number; readonly nowMs: number }) => Freshness;
}

export interface ReaderSettings extends ConnectionSettings {
  /** What the writer thread commits (recent/feed.ts). Without it, the thread reads that from the database. */
  readonly feed?: MessagePort;
}

serveThread<ReaderSettings, ReaderCalls>((settings) => {
  const db = openForReading(settings);
  const changeReads = new ChangeReader(db);
  const inventory = new InventoryView(db, settings.feed);
  return {
    calls: {
      query: (statement) => {
        const query = (): never[] => queryRows(db, statement);
        return READS_INVENTORY.test(statement.sql)
          ? inventory.read(query, statement.sql.includes(LOOKS_AT_MANY_SKUS))
          : query();
      },
      changes: ({ supplierId, afterSequence, limit }) =>
        changeReads.after(supplierId, afterSequence, limit),
      history: (asked) => inventory.read(() => changeReads.history(asked)),
      freshness: ({ supplierId, nowMs }) =>
        inventory.read(() => changeReads.freshness(supplierId, nowMs), true),
    },
    close: () => {
      settings.feed?.close();
      db.close();
    },
  };
});
