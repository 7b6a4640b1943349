/** A batch's row and its idempotency key, the same in every database. */
import {
  APPLIED,
  type ClosedBatch,
  type DecidedDetail,
  type DecidedLines,
} from '../../domain/batch-decision.ts';
import { OnhandError } from '../../domain/errors.ts';
import type {
  BatchOrigin,
  IdempotencyKey,
  BatchOutcome,
  FailedLine,
  LineDetail,
  LineEffect,
} from '../../domain/batches.ts';
import { constants, deflateRawSync } from 'node:zlib';
import { finish, isPause, type Steps } from '../../domain/steps.ts';

/** The part of a batch's row that does not depend on its changes. */
export interface BatchSummary {
  readonly appliedAtMs: number;
  /** When processing began, by `performance.now()`. */
  readonly startedMs: number;
  readonly lineCount: number;
  /** One per line; omitted if all were applied. */
  readonly statuses?: Uint16Array;
  readonly revertsNumber?: number;
}

/** The values of a batch's row. */
export interface BatchRowValues extends Omit<BatchSummary, 'startedMs'> {
  readonly origin: BatchOrigin;
  readonly number: number;
  readonly durationMs: number;
  readonly changedCount: number;
  readonly firstSequence: number | null;
  readonly zeroedCount: number;
  /** Numbers of the SKUs that it confirmed: named, but left unchanged. */
  readonly confirmed: readonly number[];
}

/** The number of lines per status as JSON; null if all were applied. */
export function encodeStatusCounts(statuses: Uint16Array | undefined): string | null {
  if (statuses === undefined || statuses.every((status) => status === APPLIED)) return null;
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return JSON.stringify(counts);
}

/** Throws `idempotency_key_reused` if the key came with a different request. */
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

/**
 * Names the SKUs of details, with pauses.
 *
 * @param skuIdOf returns the `sku_id` of a SKU number
 */
export function* namingDetails(
  decided: ReadonlyMap<number, DecidedDetail>,
  skuIdOf: (skuNumber: number) => string,
): Steps<ReadonlyMap<number, LineDetail>> {
  const details = new Map<number, LineDetail>();
  for (const [i, detail] of decided) {
    details.set(
      i,
      detail.kind === 'ambiguous'
        ? { kind: 'ambiguous', skuIds: detail.skuNumbers.map(skuIdOf) }
        : detail,
    );
    if (isPause(details.size)) yield;
  }
  return details;
}

const NO_EFFECTS: BatchOutcome['effects'] = new Map();

/**
 * Names the SKUs of effects, with pauses.
 *
 * @param changes the changes of the batch; empty for a dry run
 * @param skuUuidOf returns the uuid of a SKU number
 */
export function* namingEffects(
  decided: DecidedLines['effects'],
  changes: ClosedBatch['changes'],
  skuUuidOf: (skuNumber: number) => string,
): Steps<BatchOutcome['effects']> {
  if (decided.size === 0) return NO_EFFECTS;
  const effects = new Map<number, LineEffect>();
  const sequences = new Map(changes.map(({ held, sequence }) => [held.skuNumber, sequence]));
  for (const [i, { skuNumber, before, after }] of decided) {
    const sequence = sequences.get(skuNumber) ?? null;
    effects.set(i, { skuUuid: skuUuidOf(skuNumber), before, after, sequence });
    if (isPause(effects.size)) yield;
  }
  return effects;
}

/** Encodes as deflated JSON, with pauses. */
export function encodingFailures(failed: readonly FailedLine[]): Steps<Uint8Array> {
  return deflating(failed.length, (from, to) => failed.slice(from, to).map(storedFailure));
}

/** As deflated JSON. */
export function encodeFailures(failed: readonly FailedLine[]): Uint8Array {
  return finish(encodingFailures(failed));
}

/** Entries that are deflated between two pauses: some milliseconds. */
const DEFLATED_ENTRIES = 5000;

/**
 * Deflates a JSON array piece by piece: raw deflated pieces that end at a byte can be joined.
 *
 * @param entriesOf returns the entries from one index up to another
 */
function* deflating(
  count: number,
  entriesOf: (from: number, to: number) => readonly unknown[],
): Steps<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < count; from += DEFLATED_ENTRIES) {
    const to = Math.min(count, from + DEFLATED_ENTRIES);
    const json = JSON.stringify(entriesOf(from, to)).slice(1, -1);
    const text = `${from === 0 ? '[' : ','}${json}${to === count ? ']' : ''}`;
    const finishFlush = to === count ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
    pieces.push(deflateRawSync(text, { level: 1, finishFlush }));
    if (to < count) yield;
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

/** Misfits are a member of their own, which older versions ignore: they refuse a detail of another kind. */
function storedFailure(failure: FailedLine): object {
  const { detail } = failure;
  return detail?.kind === 'misfit' ? { ...failure, detail: null, misfits: detail.gtins } : failure;
}

/** Encodes as deflated JSON, with pauses. */
export function encodingEffects(effects: ReadonlyMap<number, LineEffect>): Steps<Uint8Array> {
  const entries = [...effects];
  return deflating(entries.length, (from, to) => entries.slice(from, to));
}

/**
 * What replaces effects that were deleted early. No effects are stored as null, so this says that there were some.
 * Earlier versions read it as none.
 */
export const EFFECTS_DELETED = finish(encodingEffects(NO_EFFECTS));
