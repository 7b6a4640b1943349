import type { PoolClient } from 'pg';
import { TransactionCounts } from '../../../domain/statistics.ts';
import { encodeNumberSet } from '../../../domain/number-set.ts';
import {
  checkSameRequest,
  confirmationInvalid,
  encodeStatusCounts,
  type BatchRowValues,
} from '../../sql/batch-row.ts';
import { repeatedOutcome } from '../../sql/stored-outcome.ts';
import type { Batch, BatchOutcome, Confirmation, IdempotencyKey } from '../../../domain/batches.ts';
import { textArray } from '../connection/arrays.ts';
import { joinNumbered } from '../lookups.ts';
import { bigints, byteas, integers, texts, uuids, type WriteStatement } from './statement.ts';

export interface NewBatchRow extends BatchRowValues {
  readonly uuid: string;
}

export function writeBatches(
  statement: WriteStatement,
  supplierId: number,
  rows: readonly NewBatchRow[],
): void {
  if (rows.length === 0) return;
  statement.insert('batches', supplierId, [
    bigints('number', rows, (row) => row.number),
    uuids('uuid', rows, (row) => row.uuid),
    texts('source', rows, (row) => row.origin.source),
    integers('user_id', rows, (row) => row.origin.userId),
    bigints('applied_at_ms', rows, (row) => row.appliedAtMs),
    integers('duration_ms', rows, (row) => row.durationMs),
    integers('line_count', rows, (row) => row.lineCount),
    integers('changed_count', rows, (row) => row.changedCount),
    bigints('first_sequence', rows, (row) => row.firstSequence),
    texts('status_counts', rows, (row) => encodeStatusCounts(row.statuses)),
    integers('zeroed_count', rows, (row) => row.zeroedCount),
    byteas('confirmed', rows, ({ confirmed }) =>
      confirmed.length === 0 ? null : encodeNumberSet(confirmed),
    ),
    texts('reason', rows, (row) => row.origin.reason ?? null),
    texts('reference', rows, (row) => row.origin.reference ?? null),
    bigints('reverts_number', rows, (row) => row.revertsNumber ?? null),
    texts('traceparent', rows, (row) => row.origin.traceparent ?? null),
  ]);
}

/** Adds batches to the statistics. */
export function writeHourCounts(
  statement: WriteStatement,
  supplierId: number,
  batches: readonly NewBatchRow[],
): void {
  const counts = new TransactionCounts();
  for (const batch of batches) counts.add(batch);
  const { rows } = counts;
  if (rows.length === 0) return;
  statement.insert(
    'hour_counts',
    supplierId,
    [
      integers('hour', rows, (row) => row.hour),
      texts('source', rows, (row) => row.source),
      bigints('batches', rows, (row) => row.batches),
      bigints('lines', rows, (row) => row.lines),
      bigints('changed', rows, (row) => row.changed),
      bigints('failed', rows, (row) => row.failed),
    ],
    `ON CONFLICT (supplier_id, hour, source) DO UPDATE SET
       batches = hour_counts.batches + excluded.batches, lines = hour_counts.lines + excluded.lines,
       changed = hour_counts.changed + excluded.changed, failed = hour_counts.failed + excluded.failed`,
  );
}

export interface FailuresRow {
  readonly batchNumber: number;
  /** As `encodeFailures` returns them. */
  readonly failures: Uint8Array;
}

export function writeFailures(
  statement: WriteStatement,
  supplierId: number,
  rows: readonly FailuresRow[],
  nowMs: number,
): void {
  if (rows.length === 0) return;
  statement.insert('batch_failures', supplierId, [
    bigints('batch_number', rows, (row) => row.batchNumber),
    bigints('applied_at_ms', rows, () => nowMs),
    byteas('failures', rows, (row) => row.failures),
  ]);
}

export interface KeyRow {
  readonly idempotency: IdempotencyKey;
  readonly batchNumber: number;
  /** As `encodeEffects` returns them; null if the first reply had none. */
  readonly effects: Uint8Array | null;
}

export function writeKeys(
  statement: WriteStatement,
  supplierId: number,
  rows: readonly KeyRow[],
): void {
  if (rows.length === 0) return;
  statement.insert(
    'idempotency_keys',
    supplierId,
    [
      texts('key', rows, (row) => row.idempotency.key),
      byteas('fingerprint', rows, (row) => row.idempotency.fingerprint),
      bigints('batch_number', rows, (row) => row.batchNumber),
      texts('request_id', rows, (row) => row.idempotency.requestId),
      bigints('expires_at_ms', rows, (row) => row.idempotency.expiresAtMs),
      byteas('effects', rows, (row) => row.effects),
    ],
    // Replaces an expired key that has not been deleted yet.
    `ON CONFLICT (supplier_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
       batch_number = excluded.batch_number, request_id = excluded.request_id,
       expires_at_ms = excluded.expires_at_ms, effects = excluded.effects`,
  );
}

interface StoredKey {
  readonly key: string;
  readonly fingerprint: Buffer;
  readonly request_id: string;
  readonly expires_at_ms: number;
  readonly effects: Buffer | null;
  readonly uuid: string;
  readonly zeroed_count: number;
  readonly status_counts: string | null;
  readonly failures: Buffer | null;
}

interface StoredConfirmation {
  readonly code: string;
  readonly fingerprint: Buffer;
  readonly expires_at_ms: number;
}

/** The idempotency keys and confirmations that earlier transactions stored, loaded for some batches. */
export class KeysAndConfirmations {
  readonly #client: PoolClient;
  readonly #supplierId: number;
  #keys: ReadonlyMap<string, StoredKey> = new Map();
  #confirmations: ReadonlyMap<string, StoredConfirmation> = new Map();
  readonly #usedCodes = new Set<string>();

  constructor(client: PoolClient, supplierId: number) {
    this.#client = client;
    this.#supplierId = supplierId;
  }

  async load(batches: readonly Batch[]): Promise<void> {
    const keys = batches.flatMap(({ options }) => options?.idempotency?.key ?? []);
    const codes = batches.flatMap(({ options }) => options?.confirmation?.code ?? []);
    await Promise.all([
      keys.length === 0 ? undefined : this.#loadKeys(keys),
      codes.length === 0 ? undefined : this.#loadConfirmations(codes),
    ]);
  }

  async #loadKeys(keys: readonly string[]): Promise<void> {
    const { rows } = await this.#client.query<StoredKey>(
      `SELECT used.key, used.fingerprint, used.request_id, used.expires_at_ms, used.effects,
         batches.uuid, batches.zeroed_count, batches.status_counts, batch_failures.failures
       FROM idempotency_keys AS used
         ${joinNumbered('batches', 'number', 'used.batch_number')}
         LEFT JOIN LATERAL (SELECT failures FROM batch_failures
           WHERE supplier_id = $1 AND batch_number = used.batch_number OFFSET 0) AS batch_failures ON true
       WHERE used.supplier_id = $1 AND used.key = ANY($2::text[])`,
      [this.#supplierId, textArray(keys)],
    );
    this.#keys = new Map(rows.map((row) => [row.key, row]));
  }

  async #loadConfirmations(codes: readonly string[]): Promise<void> {
    const { rows } = await this.#client.query<StoredConfirmation>(
      `SELECT code, fingerprint, expires_at_ms FROM confirmations
       WHERE supplier_id = $1 AND code = ANY($2::text[])`,
      [this.#supplierId, textArray(codes)],
    );
    this.#confirmations = new Map(rows.map((row) => [row.code, row]));
  }

  /**
   * The outcome of the batch that used this key in an earlier transaction; undefined if none did.
   *
   * @throws OnhandError `idempotency_key_reused` if the key was used for another request
   */
  async findRepeat(
    key: IdempotencyKey,
    lineCount: number,
    nowMs: number,
  ): Promise<BatchOutcome | undefined> {
    const stored = this.#keys.get(key.key);
    if (stored === undefined || stored.expires_at_ms <= nowMs) return undefined;
    checkSameRequest(stored.fingerprint, key);
    return repeatedOutcome({
      lineCount,
      uuid: stored.uuid,
      requestId: stored.request_id,
      zeroedCount: stored.zeroed_count,
      statusCounts: stored.status_counts,
      failures: stored.failures,
      effects: stored.effects,
    });
  }

  /**
   * Uses up a confirmation.
   *
   * @throws OnhandError `confirmation_invalid` if it is unknown, expired, used, or for another request
   */
  confirm({ code, fingerprint }: Confirmation, nowMs: number): void {
    const stored = this.#confirmations.get(code);
    const isValid =
      stored !== undefined &&
      stored.expires_at_ms > nowMs &&
      !this.#usedCodes.has(code) &&
      Buffer.compare(stored.fingerprint, fingerprint) === 0;
    if (!isValid) throw confirmationInvalid();
    this.#usedCodes.add(code);
  }

  deleteUsedConfirmations(statement: WriteStatement): void {
    if (this.#usedCodes.size === 0) return;
    const codes = statement.array(texts('code', [...this.#usedCodes], (code) => code));
    statement.add(
      `DELETE FROM confirmations
       WHERE supplier_id = ${statement.value(this.#supplierId, 'integer')} AND code = ANY(${codes})`,
    );
  }
}
