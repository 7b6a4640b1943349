/** The stored row of a batch, for both databases, and the check for a retry of it. */
import { APPLIED } from '../../domain/batch-decision.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { BatchOrigin, IdempotencyKey } from '../../domain/batches.ts';

/** What is known of a batch apart from its changes. */
export interface BatchSummary {
  readonly appliedAtMs: number;
  /** When it was begun, by `performance.now()`. */
  readonly startedMs: number;
  readonly lineCount: number;
  /** Of its lines; left out where all were applied. */
  readonly statuses?: Uint16Array;
  readonly revertsNumber?: number;
}

/** What a batch's row tells of it. */
export interface BatchRowValues extends Omit<BatchSummary, 'startedMs'> {
  readonly origin: BatchOrigin;
  readonly number: number;
  readonly durationMs: number;
  readonly changedCount: number;
  readonly firstSequence: number | null;
  readonly zeroedCount: number;
  /** Numbers of the SKUs that it named and left as they were. */
  readonly confirmed: readonly number[];
}

/** How many lines have each status, as JSON; null where all were applied. */
export function encodeStatusCounts(statuses: Uint16Array | undefined): string | null {
  if (statuses === undefined || statuses.every((status) => status === APPLIED)) return null;
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return JSON.stringify(counts);
}

/** Throws `idempotency_key_reused` where a key was used for another request. */
export function checkSameRequest(usedFor: Uint8Array, { fingerprint }: IdempotencyKey): void {
  if (Buffer.compare(usedFor, fingerprint) === 0) return;
  throw new OnhandError(
    'idempotency_key_reused',
    'This Idempotency-Key came with another request before; send each new request with a new key.',
  );
}

export function confirmationInvalid(): OnhandError {
  return new OnhandError(
    'confirmation_invalid',
    'This Confirmation-Code does not fit: it is for another body, was used, or has expired. Send the request without it to get a new one.',
  );
}
