/** Batches: what a client asks for, what came of it, and what is recorded about it. */
import { APPLIED, type SupplierHead } from './batch-decision.ts';
import type { ConditionFailure } from './decide.ts';
import type { Inventory } from './inventory.ts';
import type { Lines } from './lines.ts';
import { misfitText } from './misfits.ts';
import { exceedsSafetyLimit, safetyLimitExceeded, type SafetyLimit } from './safety-limit.ts';

export const BATCH_SOURCES = [
  'bulk',
  'single',
  'create',
  'update',
  'import',
  'file',
  'revert',
  'stream',
] as const;
/** How a batch reached the server. */
export type BatchSource = (typeof BATCH_SOURCES)[number];

export interface BatchOrigin {
  readonly supplierId: number;
  readonly source: BatchSource;
  /** The user who sent it; null is the operator at the command line. */
  readonly userId: number | null;
  /** The sender's reason, free text. */
  readonly reason?: string;
  /** The sender's own reference, free text. */
  readonly reference?: string;
  /** The W3C trace context in which it was sent, without its state. */
  readonly traceparent?: string;
}

/** Lines of one supplier that are applied together, in order. */
export interface Batch extends BatchOrigin {
  readonly lines: Lines;
  readonly options?: BatchOptions;
}

export interface BatchOptions {
  /** Decides the lines and writes nothing. */
  readonly dryRun?: boolean;
  /** Applies no line if any line fails. */
  readonly atomic?: boolean;
  /** Sets the supplier's SKUs that no line names to zero, except those whose inventory is newer than `asOfUs`. */
  readonly snapshot?: {
    /** Microseconds since 1970-01-01T00:00Z; null is the time of arrival. */
    readonly asOfUs: number | null;
    /** Applies to suppliers that have no safety limit of their own. */
    readonly defaultSafetyLimit: SafetyLimit;
  };
  /** A line whose `sku_id` is known applies to that SKU even if its GTINs do not fit. */
  readonly skuIdFirst?: boolean;
  /** Reports the inventory before and after each line. */
  readonly withEffects?: boolean;
  readonly idempotency?: IdempotencyKey;
  /** Allows a batch that exceeded the safety limit. */
  readonly confirmation?: Confirmation;
}

export interface IdempotencyKey {
  /** Chosen by the client; unique per supplier. */
  readonly key: string;
  /** A hash of everything that makes two requests equal. */
  readonly fingerprint: Uint8Array;
  /** The request ID of the first response; a repeated failure of a single line returns it again. */
  readonly requestId: string;
  readonly expiresAtMs: number;
}

export interface Confirmation {
  readonly code: string;
  /** A hash of the body that the code confirms. */
  readonly fingerprint: Uint8Array;
}

export interface BatchOutcome {
  /** Null for a dry run. */
  readonly uuid: string | null;
  /** One per line: 200 applied, 400 unreadable, 404 no such SKU; 412, 422 and 424 have a detail. */
  readonly statuses: Uint16Array;
  /** By line index, from 0. */
  readonly details: ReadonlyMap<number, LineDetail>;
  /** By index of the applied lines; empty unless requested with `withEffects`. */
  readonly effects: ReadonlyMap<number, LineEffect>;
  /** SKUs that a snapshot set to zero because no line named them. */
  readonly zeroedCount: number;
  /** The first response's request ID if the idempotency key was used before; else null. */
  readonly repeats: string | null;
}

/** Why a line failed, beyond its status. */
export type LineDetail =
  /** 422: the line matches these `sku_id`s, in order of creation, at most `CANDIDATES_NAMED_MAX`. */
  | { readonly kind: 'ambiguous'; readonly skuIds: readonly string[] }
  /** 412 and 422. */
  | ConditionFailure
  /** 424: the line with the index `because` failed. */
  | { readonly kind: 'left_out'; readonly because: number }
  /** 404: a SKU has the line's `sku_id`, but not these GTINs. 200 for a batch with `skuIdFirst`. */
  | { readonly kind: 'misfit'; readonly gtins: readonly number[] };

export interface LineEffect {
  readonly skuUuid: string;
  readonly before: Inventory;
  readonly after: Inventory;
  /** The sequence of the SKU's change; null if its inventory is the same, or for a dry run. */
  readonly sequence: number | null;
}

/** A failed line, with everything that its message needs. */
export interface FailedLine {
  /** Its index in the request, from 0. */
  readonly index: number;
  readonly status: number;
  /** Set for a line that could not be read. */
  readonly message: string | null;
  readonly detail: LineDetail | null;
  readonly skuId: string | null;
  /** As `Lines.asSent`. */
  readonly asSent: string | null;
  /** What a dry run would change. */
  readonly wouldChange?: Pick<LineEffect, 'skuUuid' | 'before' | 'after'>;
}

/** The lines that failed or have a warning, with everything that their messages need. */
export function failedLines(
  lines: Lines,
  { statuses, details }: Pick<BatchOutcome, 'statuses' | 'details'>,
): readonly FailedLine[] {
  const failed: FailedLine[] = [];
  for (const [index, status] of statuses.entries()) {
    const detail = details.get(index) ?? null;
    if (status === APPLIED && detail === null) continue;
    const asSent = lines.asSent[index] ?? null;
    const isWarning = status === APPLIED && detail?.kind === 'misfit';
    failed.push({
      index,
      status,
      message: isWarning
        ? misfitText(detail.gtins, asSent)
        : (lines.refusals.get(index)?.message ?? null),
      detail: isWarning ? null : detail,
      skuId: lines.skuIds[index] ?? null,
      asSent,
    });
  }
  return failed;
}

/** A batch that was applied. */
export interface BatchRecord {
  readonly uuid: string;
  readonly number: number;
  readonly source: BatchSource;
  readonly username: string | null;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly appliedAtMs: number;
  /** Time to decide and write it. */
  readonly durationMs: number;
  readonly lineCount: number;
  /** Lines by status. */
  readonly statusCounts: Readonly<Record<string, number>>;
  /** SKUs changed: each has one change, numbered from `firstSequence`. */
  readonly changedCount: number;
  readonly firstSequence: number | null;
  readonly zeroedCount: number;
  /** The batch that this one reverts. */
  readonly revertsUuid: string | null;
}

export interface RevertRequest extends Omit<BatchOrigin, 'source'> {
  /** The batch to revert. */
  readonly uuid: string;
  /** Also reverts SKUs that a later batch confirmed. */
  readonly force: boolean;
  readonly dryRun: boolean;
  /**
   * The uuids of batches that are reverted together with this one, the latest first. Their changes and
   * confirmations prevent no SKU from being reverted.
   */
  readonly among?: readonly string[];
}

/** What a revert did to a SKU: put it back, or left it because it has changed or was confirmed since. */
export type SkuRevert = 'reverted' | 'moved_on' | 'confirmed';

/** How many SKUs of each kind the outcome of a revert names at most. */
export const REVERTED_NAMED_MAX = 1000;

export interface RevertOutcome {
  /** The uuid of the reverting batch; null for a dry run, or if no SKU was reverted. */
  readonly uuid: string | null;
  /** How many of the SKUs that the batch had changed. */
  readonly counts: Readonly<Record<SkuRevert, number>>;
  /** The first `REVERTED_NAMED_MAX` of each kind, in the order of the batch's changes. */
  readonly skus: readonly { readonly skuId: string; readonly outcome: SkuRevert }[];
}

/**
 * Refuses a batch that exceeds the safety limit, unless it was confirmed.
 *
 * @param fallCount the number of live SKUs that it sets to zero or discontinues
 * @param confirm uses up a confirmation; throws `confirmation_invalid`
 * @throws OnhandError `breaker_tripped`
 */
export function checkSafetyLimit(
  options: BatchOptions,
  head: SupplierHead,
  fallCount: number,
  confirm: (confirmation: Confirmation) => void,
): void {
  const breaker = applicableSafetyLimit(options, head);
  if (breaker === null || !exceedsSafetyLimit(breaker, fallCount, head.liveCount)) return;
  if (options.confirmation === undefined)
    throw safetyLimitExceeded(breaker, fallCount, head.liveCount);
  confirm(options.confirmation);
}

/** The supplier's own limit, else the default of a snapshot, else none. */
export function applicableSafetyLimit(
  options: BatchOptions,
  head: SupplierHead,
): SupplierHead['breaker'] {
  return head.breaker ?? options.snapshot?.defaultSafetyLimit ?? null;
}
