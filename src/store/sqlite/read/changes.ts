import type { Author } from '../../../domain/audit.ts';
import { spendInShares } from '../../sql/shares.ts';
import { sql } from '../../sql/kysely.ts';
import type { Change, ChangeHead, Freshness, HistoryEntry } from '../../../domain/changes.ts';
import { OnhandError } from '../../../domain/errors.ts';
import { NOTHING_KNOWN, type Inventory } from '../../../domain/inventory.ts';
import type { ChangeStore, HistoryQuery } from '../../store.ts';
import { unpackChanges } from '../write/change-columns.ts';
import type { ReaderCalls } from './reader-thread.ts';
import { skuKey } from '../schema/migrations.ts';
import { expectedIntervals, setExpectedInterval } from '../../sql/expected-intervals.ts';
import type { SqliteDatabase } from '../database.ts';
import type { LazyThread, Thread } from '../threads.ts';
import type { WriterCalls } from '../write/writer-thread.ts';

interface ChangeThreads {
  readonly reader: Thread<ReaderCalls>;
  readonly scanner: LazyThread<ReaderCalls>;
  readonly writer: Thread<WriterCalls>;
}

/** Reads changes by supplier and sequence; those of one SKU by following its chain of previous sequences. */
export class SqliteChanges implements ChangeStore {
  readonly #database: SqliteDatabase;
  readonly #reader: Thread<ReaderCalls>;
  /** Reads each SKU of a supplier. */
  readonly #scanner: LazyThread<ReaderCalls>;
  readonly #writer: Thread<WriterCalls>;

  constructor(database: SqliteDatabase, { reader, scanner, writer }: ChangeThreads) {
    this.#database = database;
    this.#reader = reader;
    this.#scanner = scanner;
    this.#writer = writer;
  }

  async heads(supplierIds: readonly number[]): Promise<ReadonlyMap<number, ChangeHead>> {
    if (supplierIds.length === 0) return new Map();
    const rows = await this.#database.db
      .selectFrom('suppliers')
      .select(['id', 'last_sequence', 'dropped_sequence'])
      .where('id', 'in', supplierIds)
      .execute();
    return new Map(
      rows.map((row) => [
        row.id,
        { lastSequence: row.last_sequence, oldestSequence: row.dropped_sequence + 1 },
      ]),
    );
  }

  async read(supplierId: number, afterSequence: number, limit: number): Promise<readonly Change[]> {
    return unpackChanges(await this.#reader.call('changes', { supplierId, afterSequence, limit }));
  }

  async history(query: HistoryQuery): Promise<readonly HistoryEntry[] | undefined> {
    const sku = await this.#find(query.supplierIds, query.skuUuid);
    if (sku === undefined) return undefined;
    return this.#reader.call('history', { ...query, ...sku });
  }

  async inventoryAt(
    supplierIds: readonly number[],
    skuUuid: string,
    atMs: number,
  ): Promise<{ readonly inventory: Inventory; readonly changedAtMs: number | null } | undefined> {
    const sku = await this.#find(supplierIds, skuUuid);
    if (sku === undefined) return undefined;
    const [change] = await this.#reader.call('history', {
      ...sku,
      fromMs: null,
      toMs: atMs + 1,
      beforeSequence: null,
      limit: 1,
    });
    if (change !== undefined) return { inventory: change.after, changedAtMs: change.changedAtMs };
    const baseline = await this.#database.db
      .selectFrom('baselines')
      .selectAll()
      .where('supplier_id', '=', sku.supplierId)
      .where('sku_number', '=', sku.skuNumber)
      .executeTakeFirst();
    if (baseline === undefined) return { inventory: NOTHING_KNOWN, changedAtMs: null };
    if (baseline.changed_at_ms > atMs) {
      throw new OnhandError(
        'history_expired',
        'The changes of that time are no longer kept; ask for a later time.',
      );
    }
    const inventory = {
      quantityInStock: baseline.quantity_in_stock,
      quantityOnBackorder: baseline.quantity_on_backorder,
      backorderDate: baseline.backorder_date,
      restrictions: baseline.restrictions,
    };
    return { inventory, changedAtMs: baseline.changed_at_ms };
  }

  async #find(
    supplierIds: readonly number[],
    skuUuid: string,
  ): Promise<{ readonly supplierId: number; readonly skuNumber: number } | undefined> {
    if (supplierIds.length === 0) return undefined;
    const row = await this.#database.db
      .selectFrom('skus')
      .select(['supplier_id', 'key'])
      .where('uuid', '=', skuUuid)
      .where('supplier_id', 'in', supplierIds)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { supplierId: row.supplier_id, skuNumber: row.key - skuKey(row.supplier_id, 0) };
  }

  async freshness(supplierId: number, nowMs: number): Promise<Freshness> {
    return (await this.#scanner.started()).call('freshness', { supplierId, nowMs });
  }

  expectedIntervals(): Promise<ReadonlyMap<number, number | null>> {
    return expectedIntervals(this.#database);
  }

  setExpectedInterval(supplierId: number, minutes: number | null, author?: Author): Promise<void> {
    return setExpectedInterval(this.#database, supplierId, minutes, author);
  }

  async dropBefore(beforeMs: number, limit: number): Promise<boolean> {
    const suppliers = await this.#database.db
      .selectFrom('suppliers')
      .select('id')
      .where((where) => where('dropped_sequence', '<', where.ref('last_sequence')))
      .execute();
    const ids = suppliers.map(({ id }) => id);
    return spendInShares(ids, limit, (supplierId, share) =>
      this.#writer.call('dropChanges', { supplierId, beforeMs, limit: share }),
    );
  }

  async secretKey(): Promise<Uint8Array> {
    const { rows } = await sql<{ value: Uint8Array }>`
      SELECT value FROM secrets WHERE name = 'key'`.execute(this.#database.db);
    const [row] = rows;
    if (row === undefined) throw new Error('the database has no secret key');
    return row.value;
  }
}
