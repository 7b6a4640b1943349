import { randomBytes } from 'node:crypto';
import type { Compilable, Selectable } from 'kysely';
import { sql } from './kysely.ts';
import {
  type BatchRecord,
  type FailedLine,
  type RevertOutcome,
  type RevertRequest,
} from '../../domain/batches.ts';
import type { ExpectedReport } from '../../domain/changes.ts';
import type { SafetyLimit } from '../../domain/safety-limit.ts';
import { HOUR_MS, type HourCounts } from '../../domain/statistics.ts';
import type {
  BatchPage,
  BatchStore,
  HourCountsQuery,
  OffsetPage,
  ResultsQuota,
  SweepTimes,
} from '../store.ts';
import { batchNumberOf, isUuid } from '../uuids.ts';
import type { SqlDatabase } from './database.ts';
import { EFFECTS_DELETED } from './batch-row.ts';
import { batchSourceOf } from './batch-source.ts';
import type { Author } from '../../domain/audit.ts';
import { safetyLimitOf, setSafetyLimit } from './safety-limits.ts';
import { decodeFailures } from './stored-outcome.ts';
import type { SqlTables } from './tables.ts';

/** The length of a confirmation code. */
const CODE_BYTES = 8;

/** Batches that were applied, and the safety limits of suppliers. */
export class SqlBatches implements BatchStore {
  readonly #database: SqlDatabase;
  readonly #revert: (request: RevertRequest) => Promise<RevertOutcome | undefined>;

  constructor(
    database: SqlDatabase,
    revert: (request: RevertRequest) => Promise<RevertOutcome | undefined>,
  ) {
    this.#database = database;
    this.#revert = revert;
  }

  /** A supplier's batches are numbered without gaps, so an offset is a number. */
  async list(supplierId: number, { start, limit }: OffsetPage): Promise<BatchPage> {
    const { last_batch_number: last } = await this.#database.db
      .selectFrom('suppliers')
      .select('last_batch_number')
      .where('id', '=', supplierId)
      .executeTakeFirstOrThrow();
    const rows = await this.#rows(supplierId)
      .where('batches.number', '<=', last - start)
      .orderBy('batches.number', 'desc')
      .limit(limit)
      .execute();
    return { totalCount: last, batches: rows.map(batchRecordOf), hasMore: last - start > limit };
  }

  async find(supplierId: number, uuid: string): Promise<BatchRecord | undefined> {
    if (!isUuid(uuid)) return undefined;
    const row = await this.#rows(supplierId)
      .where('batches.number', '=', batchNumberOf(uuid))
      .where('batches.uuid', '=', uuid)
      .executeTakeFirst();
    return row && batchRecordOf(row);
  }

  #rows(supplierId: number) {
    return this.#database.db
      .selectFrom('batches')
      .leftJoin('users', 'users.id', 'batches.user_id')
      .select(BATCH_COLUMNS)
      .select((from) => [
        'users.username',
        // Not a join, for which PostgreSQL might read all batches of the supplier.
        from
          .selectFrom('batches as reverted')
          .select('reverted.uuid')
          .where('reverted.supplier_id', '=', supplierId)
          .whereRef('reverted.number', '=', 'batches.reverts_number')
          .as('reverts_uuid'),
      ])
      .where('batches.supplier_id', '=', supplierId);
  }

  async failures(supplierId: number, uuid: string): Promise<readonly FailedLine[] | undefined> {
    if (!isUuid(uuid)) return undefined;
    const batch = await this.#database.db
      .selectFrom('batches')
      .leftJoin('batch_failures', (join) =>
        join
          .onRef('batch_failures.supplier_id', '=', 'batches.supplier_id')
          .onRef('batch_failures.batch_number', '=', 'batches.number'),
      )
      .select(['status_counts', 'failures'])
      .where('batches.supplier_id', '=', supplierId)
      .where('number', '=', batchNumberOf(uuid))
      .where('uuid', '=', uuid)
      .executeTakeFirst();
    if (batch === undefined) return undefined;
    if (batch.failures !== null) return decodeFailures(batch.failures);
    return batch.status_counts === null ? [] : undefined;
  }

  async isOfFile(supplierId: number, uuid: string): Promise<boolean> {
    const chunk = await this.#database.db
      .selectFrom('feed_pieces')
      .select('piece')
      .where('supplier_id', '=', supplierId)
      .where('batch_uuid', '=', uuid)
      .limit(1)
      .executeTakeFirst();
    return chunk !== undefined;
  }

  revert(request: RevertRequest): Promise<RevertOutcome | undefined> {
    return this.#revert(request);
  }

  async confirm(supplierId: number, fingerprint: Uint8Array, expiresAtMs: number): Promise<string> {
    const code = randomBytes(CODE_BYTES).toString('hex');
    await this.#database.db
      .insertInto('confirmations')
      .values({ supplier_id: supplierId, code, fingerprint, expires_at_ms: expiresAtMs })
      .execute();
    return code;
  }

  safetyLimitOf(supplierId: number): Promise<SafetyLimit | null> {
    return safetyLimitOf(this.#database, supplierId);
  }

  setSafetyLimit(supplierId: number, limit: SafetyLimit | null, author?: Author): Promise<void> {
    return setSafetyLimit(this.#database, supplierId, limit, author);
  }

  async hourCounts({
    supplierIds,
    fromHour,
    untilHour,
  }: HourCountsQuery): Promise<readonly HourCounts[]> {
    if (supplierIds.length === 0) return [];
    const rows = await this.#database.db
      .selectFrom('hour_counts')
      .select([
        'hour',
        'source',
        totalOf('batches'),
        totalOf('lines'),
        totalOf('changed'),
        totalOf('failed'),
      ])
      .where('supplier_id', 'in', supplierIds)
      .where('hour', '>=', fromHour)
      .where('hour', '<', untilHour)
      .groupBy(['hour', 'source'])
      .orderBy('hour')
      .orderBy('source')
      .execute();
    return rows.map((row) => ({ ...row, source: batchSourceOf(row.source) }));
  }

  async expectedReports(): Promise<readonly ExpectedReport[]> {
    const rows = await this.#database.readReachable((isReachable) =>
      this.#database.db
        .selectFrom('suppliers')
        .innerJoin('organizations', 'organizations.id', 'suppliers.id')
        .select((from) => [
          'suppliers.id',
          'name',
          'expected_interval_minutes',
          // Not a join, for which PostgreSQL might read all batches of the supplier.
          from
            .selectFrom('batches')
            .select('applied_at_ms')
            .whereRef('batches.supplier_id', '=', 'suppliers.id')
            .whereRef('batches.number', '=', 'suppliers.last_batch_number')
            .where(isReachable('batches.supplier_id'))
            .as('last_heard_at_ms'),
        ])
        .where('expected_interval_minutes', 'is not', null)
        .where('suspended_at_ms', 'is', null)
        .where(isReachable('suppliers.id'))
        .execute(),
    );
    return rows.map((row) => ({
      supplierId: row.id,
      name: row.name,
      intervalMinutes: row.expected_interval_minutes ?? 0,
      lastHeardAtMs: row.last_heard_at_ms,
    }));
  }

  /** Rows that another node is sweeping, or a writer has locked, are skipped. */
  async sweep(
    { nowMs, failuresBeforeMs, countsBeforeMs }: SweepTimes,
    limit: number,
  ): Promise<boolean> {
    const untilMs = failuresBeforeMs - 1;
    const untilHour = Math.floor((countsBeforeMs ?? 0) / HOUR_MS) - 1;
    const swept: readonly SweptTable[] = [
      { table: 'batch_failures', key: ['batch_number'], time: 'applied_at_ms', until: untilMs },
      { table: 'product_changes', key: ['batch_number'], time: 'applied_at_ms', until: untilMs },
      { table: 'idempotency_keys', key: ['key'], time: 'expires_at_ms', until: nowMs },
      { table: 'confirmations', key: ['code'], time: 'expires_at_ms', until: nowMs },
      { table: 'hour_counts', key: ['hour', 'source'], time: 'hour', until: untilHour },
    ];
    if (!this.#database.hasRowLocks) {
      const deletions = swept.map((table) => this.#deleteOld(table, limit));
      return (await this.#database.transact(deletions)).some((count) => count >= limit);
    }
    const found = await Promise.all(swept.map((table) => this.#findOld(table, limit)));
    const deletions = swept.flatMap((table, i) =>
      (found[i] ?? []).map(({ supplierId, count }) => ({
        supplierId,
        statement: this.#deleteOld(table, count, supplierId),
      })),
    );
    // A transaction for each supplier, whose rows are on one machine where the database is distributed.
    for (const [, own = []] of Map.groupBy(deletions, ({ supplierId }) => supplierId))
      await this.#database.transact(own.map(({ statement }) => statement));
    return found.some((rows) => rows.reduce((sum, { count }) => sum + count, 0) >= limit);
  }

  async trimResults({ bytesMax, supplierId }: ResultsQuota, limit: number): Promise<boolean> {
    const { db } = this.#database;
    const results = db
      .selectFrom('batch_failures')
      .select(['supplier_id', 'batch_number', sql<string | null>`CAST(NULL AS text)`.as('key')])
      .select(sql<number>`length(failures)`.as('size'))
      .unionAll(
        db
          .selectFrom('idempotency_keys')
          .where(sql<boolean>`length(effects) > ${EFFECTS_DELETED.length}`)
          .select(['supplier_id', 'batch_number', sql<string | null>`key`.as('key')])
          .select(sql<number>`length(effects)`.as('size')),
      );
    let stored = db
      .selectFrom(results.as('results'))
      .innerJoin('batches', (join) =>
        join
          .onRef('batches.supplier_id', '=', 'results.supplier_id')
          .onRef('batches.number', '=', 'results.batch_number'),
      )
      .where('source', '<>', 'file')
      .select(['results.supplier_id', 'number', 'key'])
      .select(
        sql<number>`sum(size) OVER (PARTITION BY results.supplier_id ORDER BY number DESC)`.as(
          'bytes',
        ),
      );
    if (supplierId !== undefined) stored = stored.where('results.supplier_id', '=', supplierId);
    const excess = await db
      .selectFrom(stored.as('stored'))
      .select(['supplier_id', 'number', 'key'])
      .where('bytes', '>', bytesMax)
      .orderBy('supplier_id')
      .orderBy('number')
      .limit(limit)
      .execute();
    if (excess.length === 0) return false;
    await this.#database.transact(
      excess.map((row) =>
        row.key === null
          ? db
              .deleteFrom('batch_failures')
              .where('supplier_id', '=', row.supplier_id)
              .where('batch_number', '=', row.number)
          : db
              .updateTable('idempotency_keys')
              .set({ effects: EFFECTS_DELETED })
              .where('supplier_id', '=', row.supplier_id)
              .where('key', '=', row.key)
              .where('batch_number', '=', row.number),
      ),
    );
    return excess.length >= limit;
  }

  /** Which suppliers have the oldest rows, at most `limit`, and how many of them. */
  async #findOld(
    { table, time, until }: SweptTable,
    limit: number,
  ): Promise<readonly { readonly supplierId: number; readonly count: number }[]> {
    const { rows } = await this.#database.readReachable((isReachable) =>
      sql<{ supplierId: number; count: number }>`
        SELECT supplier_id AS ${sql.ref('supplierId')}, count(*) AS count FROM (
          SELECT supplier_id FROM ${sql.table(table)}
          WHERE ${sql.ref(time)} <= ${until} AND ${isReachable('supplier_id')}
          ORDER BY ${sql.ref(time)} LIMIT ${limit}) AS oldest
        GROUP BY supplier_id ORDER BY supplier_id`.execute(this.#database.db),
    );
    return rows;
  }

  /** Deletes the oldest rows, at most `limit`, of all suppliers or of one. */
  #deleteOld(
    { table, key, time, until }: SweptTable,
    limit: number,
    supplierId?: number,
  ): Compilable {
    const lock = this.#database.hasRowLocks ? sql`FOR UPDATE SKIP LOCKED` : sql``;
    const ofSupplier = supplierId === undefined ? sql`` : sql`supplier_id = ${supplierId} AND`;
    const primaryKey = sql.join(['supplier_id', ...key].map((name) => sql.ref(name)));
    const statement = sql`DELETE FROM ${sql.table(table)} WHERE ${ofSupplier} (${primaryKey}) IN (
      SELECT ${primaryKey} FROM ${sql.table(table)} WHERE ${ofSupplier} ${sql.ref(time)} <= ${until}
      ORDER BY ${sql.ref(time)} LIMIT ${limit} ${lock})`;
    return { compile: () => statement.compile(this.#database.db) };
  }
}

/** A table of which old rows are deleted. */
interface SweptTable {
  readonly table: string;
  /** The columns of its primary key after the supplier. */
  readonly key: readonly string[];
  /** The column that says how old a row is. */
  readonly time: string;
  /** Rows of this time and before are deleted. */
  readonly until: number;
}

/** The sum of a column of `hour_counts`. */
function totalOf(column: 'batches' | 'lines' | 'changed' | 'failed') {
  return sql<number>`CAST(sum(${sql.ref(column)}) AS bigint)`.as(column);
}

/** The columns of `batches` that a record needs. */
const BATCH_COLUMNS = [
  'batches.uuid',
  'batches.number',
  'batches.source',
  'batches.reason',
  'batches.reference',
  'batches.applied_at_ms',
  'batches.duration_ms',
  'batches.line_count',
  'batches.status_counts',
  'batches.changed_count',
  'batches.first_sequence',
  'batches.zeroed_count',
] as const;

type BatchRecordRow = Omit<
  Selectable<SqlTables['batches']>,
  'supplier_id' | 'user_id' | 'reverts_number' | 'traceparent'
> & {
  readonly username: string | null;
  readonly reverts_uuid: string | null;
};

function batchRecordOf(row: BatchRecordRow): BatchRecord {
  return {
    uuid: row.uuid,
    number: row.number,
    source: batchSourceOf(row.source),
    username: row.username,
    reason: row.reason,
    reference: row.reference,
    appliedAtMs: row.applied_at_ms,
    durationMs: row.duration_ms,
    lineCount: row.line_count,
    statusCounts: readStatusCounts(row),
    changedCount: row.changed_count,
    firstSequence: row.first_sequence,
    zeroedCount: row.zeroed_count,
    revertsUuid: row.reverts_uuid,
  };
}

function readStatusCounts({
  status_counts: text,
  line_count: lineCount,
}: BatchRecordRow): Record<string, number> {
  if (text === null) return lineCount === 0 ? {} : { '200': lineCount };
  const counts: Record<string, number> = {};
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) return counts;
  for (const [status, count] of Object.entries(parsed)) {
    if (typeof count === 'number') counts[status] = count;
  }
  return counts;
}
