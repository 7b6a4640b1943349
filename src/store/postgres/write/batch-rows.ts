import type { PoolClient } from 'pg';
import { encodeNumberSet } from '../../../domain/number-set.ts';
import {
  checkSameRequest,
  confirmationInvalid,
  encodeStatusCounts,
  type BatchRow,
} from '../../sql/batch-row.ts';
import { repeatedOutcome } from '../../sql/stored-outcome.ts';
import type { Batch, BatchOutcome, Confirmation, IdempotencyKey } from '../../../domain/batches.ts';
import { textArray } from '../connection/arrays.ts';
import type { WriteStatement } from './statement.ts';

/** A batch's row, with the uuid that it was given. */
export interface NumberedRow extends BatchRow {
  readonly uuid: string;
}

export function writeBatches(
  statement: WriteStatement,
  supplierId: number,
  rows: readonly NumberedRow[],
): void {
  if (rows.length === 0) return;
  statement.insert('batches', supplierId, [
    { name: 'number', type: 'bigint', values: rows.map(({ number }) => number) },
    { name: 'uuid', type: 'uuid', values: rows.map(({ uuid }) => uuid) },
    { name: 'source', type: 'text', values: rows.map(({ origin }) => origin.source) },
    { name: 'user_id', type: 'integer', values: rows.map(({ origin }) => origin.userId) },
    { name: 'applied_at_ms', type: 'bigint', values: rows.map(({ appliedAtMs }) => appliedAtMs) },
    { name: 'duration_ms', type: 'integer', values: rows.map(({ durationMs }) => durationMs) },
    { name: 'line_count', type: 'integer', values: rows.map(({ lineCount }) => lineCount) },
    {
      name: 'changed_count',
      type: 'integer',
      values: rows.map(({ changedCount }) => changedCount),
    },
    {
      name: 'first_sequence',
      type: 'bigint',
      values: rows.map(({ firstSequence }) => firstSequence),
    },
    {
      name: 'status_counts',
      type: 'text',
      values: rows.map(({ statuses }) => encodeStatusCounts(statuses)),
    },
    { name: 'zeroed_count', type: 'integer', values: rows.map(({ zeroedCount }) => zeroedCount) },
    {
      name: 'confirmed',
      type: 'bytea',
      values: rows.map(({ confirmed }) =>
        confirmed.length === 0 ? null : encodeNumberSet(confirmed),
      ),
    },
    { name: 'reason', type: 'text', values: rows.map(({ origin }) => origin.reason ?? null) },
    { name: 'reference', type: 'text', values: rows.map(({ origin }) => origin.reference ?? null) },
    {
      name: 'reverts_number',
      type: 'bigint',
      values: rows.map(({ revertsNumber }) => revertsNumber ?? null),
    },
  ]);
}

/** The failing lines of a batch, encoded. */
export interface FailuresRow {
  readonly batchNumber: number;
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
    { name: 'batch_number', type: 'bigint', values: rows.map(({ batchNumber }) => batchNumber) },
    { name: 'applied_at_ms', type: 'bigint', values: rows.map(() => nowMs) },
    { name: 'failures', type: 'bytea', values: rows.map(({ failures }) => failures) },
  ]);
}

/** A key, and the batch that came with it. */
export interface KeyRow {
  readonly idempotency: IdempotencyKey;
  readonly batchNumber: number;
  readonly effects: Uint8Array | null;
}

export function writeKeys(
  statement: WriteStatement,
  supplierId: number,
  rows: readonly KeyRow[],
): void {
  if (rows.length === 0) return;
  const keys = rows.map(({ idempotency }) => idempotency);
  statement.insert(
    'idempotency_keys',
    supplierId,
    [
      { name: 'key', type: 'text', values: keys.map(({ key }) => key) },
      { name: 'fingerprint', type: 'bytea', values: keys.map(({ fingerprint }) => fingerprint) },
      { name: 'batch_number', type: 'bigint', values: rows.map(({ batchNumber }) => batchNumber) },
      { name: 'request_id', type: 'text', values: keys.map(({ requestId }) => requestId) },
      { name: 'expires_at_ms', type: 'bigint', values: keys.map(({ expiresAtMs }) => expiresAtMs) },
      { name: 'effects', type: 'bytea', values: rows.map(({ effects }) => effects) },
    ],
    // One that has expired and was not swept away yet is taken over.
    `ON CONFLICT (supplier_id, key) DO UPDATE SET fingerprint = excluded.fingerprint,
       batch_number = excluded.batch_number, request_id = excluded.request_id,
       expires_at_ms = excluded.expires_at_ms, effects = excluded.effects`,
  );
}

interface KeptRow {
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

interface ConfirmationRow {
  readonly code: string;
  readonly fingerprint: Buffer;
  readonly expires_at_ms: number;
}

/** What is known beforehand of batches that are about to be applied: used keys, and confirmations. */
export class KnownBeforehand {
  readonly #client: PoolClient;
  readonly #supplierId: number;
  #kept: ReadonlyMap<string, KeptRow> = new Map();
  #confirmations: ReadonlyMap<string, ConfirmationRow> = new Map();
  readonly #used = new Set<string>();

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
    const { rows } = await this.#client.query<KeptRow>(
      `SELECT used.key, used.fingerprint, used.request_id, used.expires_at_ms, used.effects,
         batches.uuid, batches.zeroed_count, batches.status_counts, batch_failures.failures
       FROM idempotency_keys AS used
         JOIN batches ON batches.supplier_id = $1 AND batches.number = used.batch_number
         LEFT JOIN batch_failures ON batch_failures.supplier_id = $1
           AND batch_failures.batch_number = used.batch_number
       WHERE used.supplier_id = $1 AND used.key = ANY($2::text[])`,
      [this.#supplierId, textArray(keys)],
    );
    this.#kept = new Map(rows.map((row) => [row.key, row]));
  }

  async #loadConfirmations(codes: readonly string[]): Promise<void> {
    const { rows } = await this.#client.query<ConfirmationRow>(
      `SELECT code, fingerprint, expires_at_ms FROM confirmations
       WHERE supplier_id = $1 AND code = ANY($2::text[])`,
      [this.#supplierId, textArray(codes)],
    );
    this.#confirmations = new Map(rows.map((row) => [row.code, row]));
  }

  /**
   * The outcome of the batch that used this key in an earlier transaction, if one did. Throws
   * `idempotency_key_reused` where that was another request.
   */
  repeatOf(key: IdempotencyKey, lineCount: number, nowMs: number): BatchOutcome | undefined {
    const row = this.#kept.get(key.key);
    if (row === undefined || row.expires_at_ms <= nowMs) return undefined;
    checkSameRequest(row.fingerprint, key);
    const { uuid, failures, effects } = row;
    const { request_id: requestId, zeroed_count: zeroedCount, status_counts: statusCounts } = row;
    return repeatedOutcome({
      lineCount,
      uuid,
      requestId,
      zeroedCount,
      statusCounts,
      failures,
      effects,
    });
  }

  /** Uses a confirmation up; throws `confirmation_invalid` where there is none such. */
  confirm({ code, fingerprint }: Confirmation, nowMs: number): void {
    const row = this.#confirmations.get(code);
    const isValid =
      row !== undefined &&
      row.expires_at_ms > nowMs &&
      !this.#used.has(code) &&
      Buffer.compare(row.fingerprint, fingerprint) === 0;
    if (!isValid) throw confirmationInvalid();
    this.#used.add(code);
  }

  /** Drops the confirmations that were used up. */
  write(statement: WriteStatement): void {
    if (this.#used.size === 0) return;
    const rows = statement.rows('used', [{ name: 'code', type: 'text', values: [...this.#used] }]);
    statement.add(
      `DELETE FROM confirmations USING ${rows}
       WHERE supplier_id = ${statement.value(this.#supplierId, 'integer')}
         AND confirmations.code = used.code`,
    );
  }
}
