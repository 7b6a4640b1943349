import { randomBytes } from 'node:crypto';
import type { SafetyLimit } from '../../../domain/safety-limit.ts';
import type {
  BatchRecord,
  FailedLine,
  RevertOutcome,
  RevertRequest,
} from '../../../domain/batches.ts';
import { BATCH_COLUMNS, recordOf } from '../../sql/batch-record.ts';
import { batchNumberOf } from '../../uuids.ts';
import { decodeFailures } from '../../sql/stored-outcome.ts';
import type { BatchPage, BatchStore, SweepTimes } from '../../store.ts';
import type { Queries } from '../schema/tables.ts';

const CODE_BYTES = 8;

/** Batches that were applied, and what suppliers have set for those to come. */
export class SqliteBatches implements BatchStore {
  readonly #queries: Queries;
  readonly #revert: (request: RevertRequest) => Promise<RevertOutcome | undefined>;

  constructor(
    queries: Queries,
    revert: (request: RevertRequest) => Promise<RevertOutcome | undefined>,
  ) {
    this.#queries = queries;
    this.#revert = revert;
  }

  /** A supplier's batches are numbered without gaps, so a place in the list is a number. */
  async list(
    supplierId: number,
    { start, limit }: { readonly start: number; readonly limit: number },
  ): Promise<BatchPage> {
    const { last_batch_number: last } = await this.#queries.db
      .selectFrom('suppliers')
      .select('last_batch_number')
      .where('id', '=', supplierId)
      .executeTakeFirstOrThrow();
    const rows = await this.#rows(supplierId)
      .where('batches.number', '<=', last - start)
      .orderBy('batches.number', 'desc')
      .limit(limit)
      .execute();
    return { totalCount: last, batches: rows.map(recordOf), hasMore: last - start > limit };
  }

  async find(supplierId: number, uuid: string): Promise<BatchRecord | undefined> {
    const row = await this.#rows(supplierId)
      .where('batches.number', '=', batchNumberOf(uuid))
      .where('batches.uuid', '=', uuid)
      .executeTakeFirst();
    return row && recordOf(row);
  }

  #rows(supplierId: number) {
    return this.#queries.db
      .selectFrom('batches')
      .leftJoin('users', 'users.id', 'batches.user_id')
      .leftJoin('batches as reverted', (join) =>
        join
          .onRef('reverted.supplier_id', '=', 'batches.supplier_id')
          .onRef('reverted.number', '=', 'batches.reverts_number'),
      )
      .select(BATCH_COLUMNS)
      .select(['users.username', 'reverted.uuid as reverts_uuid'])
      .where('batches.supplier_id', '=', supplierId);
  }

  async failures(supplierId: number, uuid: string): Promise<readonly FailedLine[] | undefined> {
    const batch = await this.#queries.db
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

  revert(request: RevertRequest): Promise<RevertOutcome | undefined> {
    return this.#revert(request);
  }

  async confirm(supplierId: number, fingerprint: Uint8Array, expiresAtMs: number): Promise<string> {
    const code = randomBytes(CODE_BYTES).toString('hex');
    await this.#queries.db
      .insertInto('confirmations')
      .values({ supplier_id: supplierId, code, fingerprint, expires_at_ms: expiresAtMs })
      .execute();
    return code;
  }

  async safetyLimitOf(supplierId: number): Promise<SafetyLimit | null> {
    const row = await this.#queries.db
      .selectFrom('suppliers')
      .select(['breaker_percent_max', 'breaker_skus_min'])
      .where('id', '=', supplierId)
      .executeTakeFirstOrThrow();
    const { breaker_percent_max: percentMax, breaker_skus_min: skusMin } = row;
    return percentMax === null || skusMin === null ? null : { percentMax, skusMin };
  }

  async setSafetyLimit(supplierId: number, breaker: SafetyLimit | null): Promise<void> {
    await this.#queries.db
      .updateTable('suppliers')
      .set({
        breaker_percent_max: breaker?.percentMax ?? null,
        breaker_skus_min: breaker?.skusMin ?? null,
      })
      .where('id', '=', supplierId)
      .execute();
  }

  async sweep({ nowMs, failuresBeforeMs }: SweepTimes, limit: number): Promise<boolean> {
    const { db } = this.#queries;
    const old = {
      failures: db
        .selectFrom('batch_failures')
        .select('rowid')
        .where('applied_at_ms', '<', failuresBeforeMs)
        .limit(limit),
      keys: db
        .selectFrom('idempotency_keys')
        .select('rowid')
        .where('expires_at_ms', '<=', nowMs)
        .limit(limit),
      confirmations: db
        .selectFrom('confirmations')
        .select('rowid')
        .where('expires_at_ms', '<=', nowMs)
        .limit(limit),
    };
    const dropped = await this.#queries.transact([
      db.deleteFrom('batch_failures').where('rowid', 'in', old.failures),
      db.deleteFrom('idempotency_keys').where('rowid', 'in', old.keys),
      db.deleteFrom('confirmations').where('rowid', 'in', old.confirmations),
    ]);
    return dropped.some(({ changes }) => changes >= limit);
  }
}
