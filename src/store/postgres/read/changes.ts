import { spendInShares } from '../../sql/shares.ts';
import type { PoolClient } from 'pg';
import {
  type Change,
  FRESHNESS_AGES_MS,
  type ChangeHead,
  type Freshness,
  type HistoryEntry,
} from '../../../domain/changes.ts';
import { OnhandError } from '../../../domain/errors.ts';
import { NOTHING_KNOWN, RETIRED_CODE, type Inventory } from '../../../domain/inventory.ts';
import {
  changeOf,
  type ChangeRow,
  countByAge,
  historyEntryOf,
  type HistoryRow,
  recordConfirmation,
  RETIRED_SKU,
} from '../../sql/changes.ts';
import type { ChangeStore, HistoryQuery } from '../../store.ts';
import { joinNumbered, joinSku, joinSupplier } from '../lookups.ts';
import { read, readSteadily, inTransaction, type ConnectionPool } from '../connection/pool.ts';
import type { Workers } from '../connection/workers.ts';
import { isUuid } from '../../uuids.ts';
import type { Author } from '../../../domain/audit.ts';
import type { SqlDatabase } from '../../sql/database.ts';
import { expectedIntervals, setExpectedInterval } from '../../sql/expected-intervals.ts';
import { findSkuKey, type SkuKey } from './skus.ts';

const IDENTIFIERS = ['sku_id', 'upca', 'ean13', 'gtin14', 'isbn', 'asin', 'mpn'] as const;

/** Completes changes of supplier $1 in the CTE `found` with their SKU, supplier and batch. */
const COMPLETED = `found.*, skus.uuid AS sku_uuid, ${IDENTIFIERS.join(', ')}, supplier_uuid,
  supplier_name, batches.uuid AS batch_uuid, batches.applied_at_ms, batches.reason, batches.traceparent`;
const FROM_FOUND = `FROM found
    ${joinSku('sku_number', 'found.sku_number', ['uuid', ...IDENTIFIERS])}
    ${joinNumbered('batches', 'number', 'found.batch_number')}
    ${joinSupplier()}`;
const SELECT_FOUND = `SELECT ${COMPLETED} ${FROM_FOUND}`;
const SELECT_FOUND_OF_HISTORY = `SELECT ${COMPLETED}, batches.source, batches.reference, username
  ${FROM_FOUND} LEFT JOIN users ON users.id = batches.user_id`;

function joinChange(sequence: string): string {
  return `CROSS JOIN LATERAL (SELECT * FROM changes
    WHERE supplier_id = $1 AND sequence = ${sequence} OFFSET 0) AS changes`;
}

/** Page size for reading all SKUs of a supplier. */
const PAGE_ROWS = 50_000;
const BATCHES_PAGE_ROWS = 200;

interface OtherServers {
  /** Those of a distributed database. */
  readonly workers?: Workers | undefined;
  /** Reads a page of changes from a standby; undefined if it has not all of them. */
  readonly pageOfStandby?: (
    ...page: Parameters<ChangeStore['read']>
  ) => Promise<readonly Change[] | undefined>;
}

/** Reads changes: by supplier and sequence, or for one SKU by following its chain of previous sequences. */
export class PostgresChanges implements ChangeStore {
  readonly #pool: ConnectionPool;
  readonly #database: SqlDatabase;
  readonly #workers: Workers | undefined;
  readonly #pageOfStandby: OtherServers['pageOfStandby'];

  constructor(pool: ConnectionPool, database: SqlDatabase, others: OtherServers = {}) {
    this.#pool = pool;
    this.#database = database;
    this.#workers = others.workers;
    this.#pageOfStandby = others.pageOfStandby;
  }

  #readReachable<T>(readRows: (reachable: readonly number[] | null) => Promise<T>): Promise<T> {
    return this.#workers?.readReachable(readRows) ?? readRows(null);
  }

  async heads(supplierIds: readonly number[]): Promise<ReadonlyMap<number, ChangeHead>> {
    if (supplierIds.length === 0) return new Map();
    const rows = await this.#readReachable((reachable) => {
      const readable = reachable === null ? supplierIds : intersection(supplierIds, reachable);
      return read<ChangeHead & { readonly id: number }>(
        this.#pool,
        `SELECT id, last_sequence AS "lastSequence", dropped_sequence + 1 AS "oldestSequence"
         FROM suppliers WHERE id = ANY ($1::int[])`,
        // If none can be read, the database says why.
        [readable.length === 0 ? supplierIds : readable],
      );
    });
    return new Map(
      rows.map(({ id, lastSequence, oldestSequence }) => [id, { lastSequence, oldestSequence }]),
    );
  }

  async read(supplierId: number, afterSequence: number, limit: number): Promise<readonly Change[]> {
    const page = await this.#pageOfStandby?.(supplierId, afterSequence, limit);
    if (page !== undefined) return page;
    const rows = await readSteadily<ChangeRow>(
      this.#pool,
      `WITH found AS (SELECT * FROM changes WHERE supplier_id = $1 AND sequence > $2
         ORDER BY sequence LIMIT $3)
       ${SELECT_FOUND} ORDER BY found.sequence`,
      [supplierId, afterSequence, limit],
    );
    return rows.map(changeOf);
  }

  async history({
    supplierIds,
    skuUuid,
    ...bounds
  }: HistoryQuery): Promise<readonly HistoryEntry[] | undefined> {
    const key = await this.#find(supplierIds, skuUuid);
    return key && this.#chain(key, bounds);
  }

  async #chain(
    { supplierId, skuNumber }: SkuKey,
    { fromMs, toMs, beforeSequence, limit }: Omit<HistoryQuery, 'supplierIds' | 'skuUuid'>,
  ): Promise<readonly HistoryEntry[]> {
    const rows = await readSteadily<HistoryRow>(
      this.#pool,
      `WITH RECURSIVE chain AS (
         SELECT changes.* FROM inventory ${joinChange('inventory.last_sequence')}
           WHERE inventory.supplier_id = $1 AND inventory.sku_number = $2
         UNION ALL
         SELECT changes.* FROM chain ${joinChange('chain.previous_sequence')}),
       found AS (SELECT chain.* FROM chain ${joinNumbered('batches', 'number', 'chain.batch_number')}
         WHERE ($3::bigint IS NULL OR sequence < $3)
           AND ($4::bigint IS NULL OR applied_at_ms >= $4)
           AND ($5::bigint IS NULL OR applied_at_ms < $5)
         ORDER BY sequence DESC LIMIT $6)
       ${SELECT_FOUND_OF_HISTORY} ORDER BY found.sequence DESC`,
      [supplierId, skuNumber, beforeSequence, fromMs, toMs, limit],
    );
    return rows.map(historyEntryOf);
  }

  async inventoryAt(
    supplierIds: readonly number[],
    skuUuid: string,
    atMs: number,
  ): Promise<{ readonly inventory: Inventory; readonly changedAtMs: number | null } | undefined> {
    const key = await this.#find(supplierIds, skuUuid);
    if (key === undefined) return undefined;
    const bounds = { fromMs: null, toMs: atMs + 1, beforeSequence: null, limit: 1 };
    const [change] = await this.#chain(key, bounds);
    if (change !== undefined) return { inventory: change.after, changedAtMs: change.changedAtMs };
    const [baseline] = await read<Inventory & { readonly changedAtMs: number }>(
      this.#pool,
      `SELECT quantity_in_stock AS "quantityInStock", quantity_on_backorder AS "quantityOnBackorder",
         backorder_date AS "backorderDate", restrictions, changed_at_ms AS "changedAtMs"
       FROM baselines WHERE supplier_id = $1 AND sku_number = $2`,
      [key.supplierId, key.skuNumber],
    );
    if (baseline === undefined) return { inventory: NOTHING_KNOWN, changedAtMs: null };
    const { changedAtMs, ...inventory } = baseline;
    if (changedAtMs > atMs) {
      throw new OnhandError(
        'history_expired',
        'The changes of that time are no longer kept; ask for a later time.',
      );
    }
    return { inventory, changedAtMs };
  }

  async #find(supplierIds: readonly number[], skuUuid: string): Promise<SkuKey | undefined> {
    if (supplierIds.length === 0 || !isUuid(skuUuid)) return undefined;
    return findSkuKey(this.#pool, supplierIds, skuUuid);
  }

  /** Counts SKUs by the time of their last report. Needs 8 bytes of memory per SKU. */
  async freshness(supplierId: number, nowMs: number): Promise<Freshness> {
    const [supplier] = await read<{
      readonly skuCount: number;
      readonly expectedIntervalMinutes: number | null;
      readonly lastHeardAtMs: number | null;
    }>(
      this.#pool,
      `SELECT sku_count AS "skuCount", expected_interval_minutes AS "expectedIntervalMinutes",
         (SELECT applied_at_ms FROM batches WHERE supplier_id = $1 AND number = last_batch_number)
           AS "lastHeardAtMs"
       FROM suppliers WHERE id = $1`,
      [supplierId],
    );
    if (supplier === undefined) throw new Error(`there is no supplier ${supplierId}`);
    const { skuCount, expectedIntervalMinutes, lastHeardAtMs } = supplier;
    const reportedAtMs = new Float64Array(skuCount + 1);
    await this.#readWrittenAt(supplierId, reportedAtMs);
    await this.#readConfirmed(supplierId, nowMs - Math.max(...FRESHNESS_AGES_MS), reportedAtMs);
    const skusByAge = countByAge(reportedAtMs.subarray(1), nowMs);
    return { lastHeardAtMs, expectedIntervalMinutes, skusByAge };
  }

  async #readWrittenAt(supplierId: number, reportedAtMs: Float64Array): Promise<void> {
    for (let from = 1; from < reportedAtMs.length; from += PAGE_ROWS) {
      const rows = await readSteadily<{ readonly number: number; readonly at: number | null }>(
        this.#pool,
        `SELECT sku_number AS number,
           CASE WHEN restrictions = ${RETIRED_CODE} THEN NULL ELSE updated_at_ms END AS at FROM inventory
         WHERE supplier_id = $1 AND sku_number BETWEEN $2 AND $3`,
        [supplierId, from, from + PAGE_ROWS - 1],
      );
      for (const { number, at } of rows) reportedAtMs[number] = at ?? RETIRED_SKU;
    }
  }

  async #readConfirmed(
    supplierId: number,
    sinceMs: number,
    reportedAtMs: Float64Array,
  ): Promise<void> {
    for (let after = 0; ;) {
      const rows = await readSteadily<{
        readonly number: number;
        readonly at: number;
        readonly confirmed: Uint8Array;
      }>(
        this.#pool,
        `SELECT number, applied_at_ms AS at, confirmed FROM batches
         WHERE supplier_id = $1 AND number > $2 AND applied_at_ms >= $3 AND confirmed IS NOT NULL
         ORDER BY number LIMIT $4`,
        [supplierId, after, sinceMs, BATCHES_PAGE_ROWS],
      );
      for (const { confirmed, at } of rows) recordConfirmation(reportedAtMs, confirmed, at);
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCHES_PAGE_ROWS) return;
      after = last.number;
    }
  }

  expectedIntervals(): Promise<ReadonlyMap<number, number | null>> {
    return expectedIntervals(this.#database);
  }

  setExpectedInterval(supplierId: number, minutes: number | null, author?: Author): Promise<void> {
    return setExpectedInterval(this.#database, supplierId, minutes, author);
  }

  async dropBefore(beforeMs: number, limit: number): Promise<boolean> {
    const suppliers = await this.#readReachable((reachable) =>
      read<{ readonly id: number }>(
        this.#pool,
        `SELECT id FROM suppliers WHERE dropped_sequence < last_sequence
           AND ($1::int[] IS NULL OR id = ANY ($1::int[])) ORDER BY id`,
        [reachable],
      ),
    );
    const ids = suppliers.map(({ id }) => id);
    return spendInShares(ids, limit, (id, share) =>
      inTransaction(this.#pool, (client) => dropChanges(client, id, beforeMs, share)),
    );
  }

  async secretKey(): Promise<Uint8Array> {
    const [row] = await read<{ readonly value: Uint8Array }>(
      this.#pool,
      `SELECT value FROM secrets WHERE name = 'key'`,
      [],
    );
    if (row === undefined) throw new Error('the database has no secret key');
    return row.value;
  }
}

function intersection(some: readonly number[], others: readonly number[]): readonly number[] {
  const among = new Set(others);
  return some.filter((id) => among.has(id));
}

/** Deletes at most `limit` changes of batches applied before a time. Returns how many. */
async function dropChanges(
  client: PoolClient,
  supplierId: number,
  beforeMs: number,
  limit: number,
): Promise<number> {
  const { rows } = await client.query<{ readonly first: number; readonly last: number | null }>(
    `SELECT dropped_sequence + 1 AS first, (SELECT max(sequence)
       FROM (SELECT * FROM changes WHERE supplier_id = $1 AND sequence > dropped_sequence
           AND sequence <= dropped_sequence + $3 OFFSET 0) AS changes
         ${joinNumbered('batches', 'number', 'changes.batch_number')}
       WHERE applied_at_ms < $2) AS last
     FROM suppliers WHERE id = $1 FOR NO KEY UPDATE`,
    [supplierId, beforeMs, limit],
  );
  const [row] = rows;
  if (row === undefined || row.last === null) return 0;
  const bounds = [supplierId, row.first, row.last];
  await client.query(
    `INSERT INTO baselines
     SELECT DISTINCT ON (sku_number) $1::int, sku_number, sequence, applied_at_ms, after_quantity_in_stock,
       after_quantity_on_backorder, after_backorder_date, after_restrictions
     FROM (SELECT * FROM changes WHERE supplier_id = $1 AND sequence BETWEEN $2 AND $3 OFFSET 0) AS changes
       ${joinNumbered('batches', 'number', 'changes.batch_number')}
     ORDER BY sku_number, sequence DESC
     ON CONFLICT (supplier_id, sku_number) DO UPDATE SET
       sequence = excluded.sequence, changed_at_ms = excluded.changed_at_ms,
       quantity_in_stock = excluded.quantity_in_stock,
       quantity_on_backorder = excluded.quantity_on_backorder,
       backorder_date = excluded.backorder_date, restrictions = excluded.restrictions`,
    bounds,
  );
  await client.query(
    'DELETE FROM changes WHERE supplier_id = $1 AND sequence BETWEEN $2 AND $3',
    bounds,
  );
  await client.query('UPDATE suppliers SET dropped_sequence = $2 WHERE id = $1', [
    supplierId,
    row.last,
  ]);
  return row.last - row.first + 1;
}
