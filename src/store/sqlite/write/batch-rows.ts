import type { Database, Statement } from 'better-sqlite3';
import { TransactionCounts } from '../../../domain/statistics.ts';
import { encodeNumberSet } from '../../../domain/number-set.ts';
import {
  checkSameRequest,
  confirmationInvalid,
  encodeStatusCounts,
  type BatchRowValues,
} from '../../sql/batch-row.ts';
import type { Confirmation, IdempotencyKey } from '../../../domain/batches.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import { newBatchUuid } from '../../uuids.ts';

type Value = number | string | Uint8Array | null;
type KeyRow = [
  fingerprint: Uint8Array,
  batchNumber: number,
  requestId: string,
  effects: Uint8Array | null,
];

/** Columns that every batch sets. Most batches are single updates, and binding fewer values is faster. */
const PLAIN_COLUMNS = [
  'supplier_id',
  'number',
  'uuid',
  'source',
  'user_id',
  'applied_at_ms',
  'duration_ms',
  'line_count',
  'changed_count',
  'first_sequence',
];
const OTHER_COLUMNS = [
  'status_counts',
  'zeroed_count',
  'confirmed',
  'reason',
  'reference',
  'reverts_number',
  'traceparent',
];

function appendOf(db: Database, columns: readonly string[]): Statement<Value[]> {
  const marks = columns.map(() => '?').join(', ');
  return db.prepare(`INSERT INTO batches (${columns.join(', ')}) VALUES (${marks})`);
}

/** Writes batch rows, failures, idempotency keys and confirmations. */
export class BatchRows {
  readonly #append: Statement<Value[]>;
  readonly #appendPlain: Statement<Value[]>;
  readonly #appendFailures: Statement<[number, number, number, Uint8Array]>;
  readonly #failuresOf: Statement<[number, number], [Uint8Array]>;
  readonly #outcomeOf: Statement<
    [number, number],
    [uuid: string, zeroedCount: number, statusCounts: string | null]
  >;
  readonly #keyOf: Statement<[number, string, number], KeyRow>;
  readonly #keepKey: Statement<Value[]>;
  readonly #takeConfirmation: Statement<[number, string, Uint8Array, number]>;
  readonly #findConfirmation: Statement<[number, string, Uint8Array, number]>;
  readonly #count: Statement<Value[]>;
  readonly #counts = new TransactionCounts();

  constructor(db: Database) {
    this.#append = appendOf(db, [...PLAIN_COLUMNS, ...OTHER_COLUMNS]);
    this.#appendPlain = appendOf(db, PLAIN_COLUMNS);
    this.#appendFailures = db.prepare('INSERT INTO batch_failures VALUES (?, ?, ?, ?)');
    this.#failuresOf = db
      .prepare<[number, number], [Uint8Array]>(
        'SELECT failures FROM batch_failures WHERE supplier_id = ? AND batch_number = ?',
      )
      .raw();
    this.#outcomeOf = db
      .prepare<[number, number], [string, number, string | null]>(
        'SELECT uuid, zeroed_count, status_counts FROM batches WHERE supplier_id = ? AND number = ?',
      )
      .raw();
    this.#keyOf = db
      .prepare<[number, string, number], KeyRow>(
        `SELECT fingerprint, batch_number, request_id, effects FROM idempotency_keys
         WHERE supplier_id = ? AND key = ? AND expires_at_ms > ?`,
      )
      .raw();
    // Replaces a key that has expired but was not swept yet.
    this.#keepKey = db.prepare<Value[]>(
      'INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#count = db.prepare<Value[]>(
      `INSERT INTO hour_counts VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (supplier_id, hour, source) DO UPDATE SET batches = batches + excluded.batches,
         lines = lines + excluded.lines, changed = changed + excluded.changed,
         failed = failed + excluded.failed`,
    );
    const confirmation =
      'FROM confirmations WHERE supplier_id = ? AND code = ? AND fingerprint = ? AND expires_at_ms > ?';
    this.#takeConfirmation = db.prepare(`DELETE ${confirmation}`);
    this.#findConfirmation = db.prepare(`SELECT 1 ${confirmation}`);
  }

  /** Forgets what the previous transaction counted. */
  begin(): void {
    this.#counts.clear();
  }

  /** Writes what the batches of the transaction add to the statistics. */
  flush(): void {
    for (const { supplierId, hour, source, batches, lines, changed, failed } of this.#counts.rows)
      this.#count.run(supplierId, hour, source, batches, lines, changed, failed);
  }

  /** Appends the row of a batch; returns its uuid. */
  append(row: BatchRowValues): string {
    this.#counts.add(row);
    const { origin, number, appliedAtMs, confirmed } = row;
    const uuid = newBatchUuid(appliedAtMs, number);
    const plain = [
      origin.supplierId,
      number,
      uuid,
      origin.source,
      origin.userId,
      appliedAtMs,
      row.durationMs,
      row.lineCount,
      row.changedCount,
      row.firstSequence,
    ];
    const others = [
      encodeStatusCounts(row.statuses),
      row.zeroedCount,
      confirmed.length === 0 ? null : encodeNumberSet(confirmed),
      origin.reason ?? null,
      origin.reference ?? null,
      row.revertsNumber ?? null,
      origin.traceparent ?? null,
    ];
    if (others.every((value) => value === null || value === 0)) this.#appendPlain.run(...plain);
    else this.#append.run(...plain, ...others);
    return uuid;
  }

  /** @param failures as `encodingFailures` returns them */
  appendFailures(supplierId: number, number: number, nowMs: number, failures: Uint8Array): void {
    this.#appendFailures.run(supplierId, number, nowMs, failures);
  }

  /**
   * The stored outcome of the batch that used this key before, if any. Throws `idempotency_key_reused` if
   * that was a different request.
   */
  repeatOf(
    supplierId: number,
    key: IdempotencyKey,
    lineCount: number,
    nowMs: number,
  ): StoredOutcome | undefined {
    const row = this.#keyOf.get(supplierId, key.key, nowMs);
    if (row === undefined) return undefined;
    const [usedFor, number, requestId, effects] = row;
    checkSameRequest(usedFor, key);
    const batch = this.#outcomeOf.get(supplierId, number);
    if (batch === undefined)
      throw new Error(`batch ${number} of supplier ${supplierId} has no row`);
    const [uuid, zeroedCount, statusCounts] = batch;
    const failures = this.#failuresOf.get(supplierId, number)?.[0] ?? null;
    return { lineCount, uuid, requestId, zeroedCount, statusCounts, failures, effects };
  }

  /** @param effects as `encodingEffects` returns them; null if the first reply has none */
  keepKey(
    supplierId: number,
    number: number,
    { key, fingerprint, requestId, expiresAtMs }: IdempotencyKey,
    effects: Uint8Array | null,
  ): void {
    this.#keepKey.run(supplierId, key, fingerprint, number, requestId, expiresAtMs, effects);
  }

  /** Uses a confirmation up; throws `confirmation_invalid` where there is none such. */
  confirm(supplierId: number, { code, fingerprint }: Confirmation, nowMs: number): void {
    if (this.#takeConfirmation.run(supplierId, code, fingerprint, nowMs).changes === 0) {
      throw confirmationInvalid();
    }
  }

  /** Throws as `confirm` does, and uses nothing up. */
  checkConfirmation(supplierId: number, { code, fingerprint }: Confirmation, nowMs: number): void {
    if (this.#findConfirmation.get(supplierId, code, fingerprint, nowMs) === undefined) {
      throw confirmationInvalid();
    }
  }
}
