import type { Database, Statement } from 'better-sqlite3';
import { APPLIED } from '../../domain/batch.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Lines } from '../../domain/lines.ts';
import { encodeNumberSet } from '../../domain/number-set.ts';
import { newBatchUuid } from '../uuids.ts';
import {
  decodeEffects,
  decodeFailures,
  encodeEffects,
  encodeFailures,
  failedLines,
  outcomeOfFailures,
} from '../failures.ts';
import type {
  BatchOrigin,
  BatchOutcome,
  Confirmation,
  IdempotencyKey,
  LineEffect,
} from '../store.ts';

/** What a batch's row tells of it. */
export interface BatchRow {
  readonly origin: BatchOrigin;
  readonly number: number;
  readonly appliedAtMs: number;
  readonly durationMs: number;
  readonly lineCount: number;
  /** Of its lines; undefined where all were applied. */
  readonly statuses?: Uint16Array;
  readonly changedCount: number;
  readonly firstSequence: number | null;
  readonly zeroedCount: number;
  /** Numbers of the SKUs that it named and left as they were. */
  readonly confirmed: readonly number[];
  readonly revertsNumber?: number;
}

type Value = number | string | Uint8Array | null;
type KeyRow = [
  fingerprint: Uint8Array,
  batchNumber: number,
  requestId: string,
  effects: Uint8Array | null,
];

/** What every batch has. A value that is bound costs, and most batches are single updates that have no more. */
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
];

function appendOf(db: Database, columns: readonly string[]): Statement<Value[]> {
  const marks = columns.map(() => '?').join(', ');
  return db.prepare(`INSERT INTO batches (${columns.join(', ')}) VALUES (${marks})`);
}

const NO_EFFECTS: ReadonlyMap<number, LineEffect> = new Map();

/** Writes what is kept of a batch beside its changes, and reads what decides about a repeat of it. */
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
    // One that has expired and was not swept away yet is taken over.
    this.#keepKey = db.prepare<Value[]>(
      'INSERT OR REPLACE INTO idempotency_keys VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#takeConfirmation = db.prepare(
      'DELETE FROM confirmations WHERE supplier_id = ? AND code = ? AND fingerprint = ? AND expires_at_ms > ?',
    );
  }

  /** Appends the row of a batch; gives its uuid. */
  append(row: BatchRow): string {
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
      row.statuses === undefined ? null : statusCounts(row.statuses),
      row.zeroedCount,
      confirmed.length === 0 ? null : encodeNumberSet(confirmed),
      origin.reason ?? null,
      origin.reference ?? null,
      row.revertsNumber ?? null,
    ];
    if (others.every((value) => value === null || value === 0)) this.#appendPlain.run(...plain);
    else this.#append.run(...plain, ...others);
    return uuid;
  }

  appendFailures(
    supplierId: number,
    number: number,
    nowMs: number,
    lines: Lines,
    outcome: Pick<BatchOutcome, 'statuses' | 'details'>,
  ): void {
    const failed = failedLines(lines, outcome);
    this.#appendFailures.run(supplierId, number, nowMs, encodeFailures(failed));
  }

  /**
   * The outcome of the batch that used this key before, if one did. Throws `idempotency_key_reused` where
   * that was another request.
   */
  repeatOf(
    supplierId: number,
    { key, fingerprint }: IdempotencyKey,
    lineCount: number,
    nowMs: number,
  ): BatchOutcome | undefined {
    const row = this.#keyOf.get(supplierId, key, nowMs);
    if (row === undefined) return undefined;
    const [usedFor, number, requestId, effects] = row;
    if (Buffer.compare(usedFor, fingerprint) !== 0) {
      throw new OnhandError(
        'idempotency_key_reused',
        'This Idempotency-Key came with another request before; send each new request with a new key.',
      );
    }
    const batch = this.#outcomeOf.get(supplierId, number);
    if (batch === undefined)
      throw new Error(`batch ${number} of supplier ${supplierId} has no row`);
    const failures = this.#failuresOf.get(supplierId, number);
    if (failures === undefined && batch[2] !== null) throw resultsExpired();
    const failed = failures === undefined ? [] : decodeFailures(failures[0]);
    return {
      uuid: batch[0],
      ...outcomeOfFailures(failed, lineCount),
      effects: effects === null ? NO_EFFECTS : decodeEffects(effects),
      zeroedCount: batch[1],
      repeats: requestId,
    };
  }

  keepKey(
    supplierId: number,
    number: number,
    { key, fingerprint, requestId, expiresAtMs }: IdempotencyKey,
    effects: ReadonlyMap<number, LineEffect>,
  ): void {
    const told = effects.size === 0 ? null : encodeEffects(effects);
    this.#keepKey.run(supplierId, key, fingerprint, number, requestId, expiresAtMs, told);
  }

  /** Uses a confirmation up; throws `confirmation_invalid` where there is none such. */
  confirm(supplierId: number, { code, fingerprint }: Confirmation, nowMs: number): void {
    if (this.#takeConfirmation.run(supplierId, code, fingerprint, nowMs).changes === 0) {
      throw new OnhandError(
        'confirmation_invalid',
        'This Confirmation-Code does not fit: it is for another body, was used, or has expired. Send the request without it to get a new one.',
      );
    }
  }
}

function resultsExpired(): OnhandError {
  return new OnhandError(
    'results_expired',
    'This request was applied before, and what its failing lines were answered is no longer kept; nothing was done now.',
  );
}

/** How many lines have each status, as JSON; null where all were applied. */
function statusCounts(statuses: Uint16Array): string | null {
  if (statuses.every((status) => status === APPLIED)) return null;
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return JSON.stringify(counts);
}
