/**
 * Reads a batch's stored outcome, from which a replayed reply is printed. The writer of SQLite does not use it,
 * because the library that checks these shapes is slow to load.
 */
import { inflateRawSync } from 'node:zlib';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { APPLIED } from '../../domain/batch-decision.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { BatchOutcome, FailedLine, LineDetail, LineEffect } from '../../domain/batches.ts';

const numberOrNull = Type.Union([Type.Number(), Type.Null()]);
const textOrNull = Type.Union([Type.String(), Type.Null()]);

const Detail = Type.Union([
  Type.Object({ kind: Type.Literal('ambiguous'), skuIds: Type.Array(Type.String()) }),
  Type.Object({ kind: Type.Literal('older'), heldAsOfUs: Type.Number() }),
  Type.Object({ kind: Type.Literal('unexpected'), quantityInStock: numberOrNull }),
  Type.Object({
    kind: Type.Literal('impossible'),
    quantityInStock: numberOrNull,
    change: Type.Number(),
  }),
  Type.Object({ kind: Type.Literal('left_out'), because: Type.Integer() }),
]);

const Failures = Compile(
  Type.Array(
    Type.Object({
      index: Type.Integer(),
      status: Type.Integer(),
      message: textOrNull,
      detail: Type.Union([Detail, Type.Null()]),
      skuId: textOrNull,
      asSent: textOrNull,
    }),
  ),
);

const InventoryOfEffect = Type.Object({
  quantityInStock: numberOrNull,
  quantityOnBackorder: numberOrNull,
  backorderDate: numberOrNull,
  restrictions: numberOrNull,
});

const Effects = Compile(
  Type.Array(
    Type.Tuple([
      Type.Integer(),
      Type.Object({
        skuUuid: Type.String(),
        before: InventoryOfEffect,
        after: InventoryOfEffect,
        sequence: numberOrNull,
      }),
    ]),
  ),
);

/** The stored outcome of the batch that first used a key. */
export interface StoredOutcome {
  readonly lineCount: number;
  readonly uuid: string;
  readonly requestId: string;
  readonly zeroedCount: number;
  /** By `encodeStatusCounts`. */
  readonly statusCounts: string | null;
  /** By `encodeFailures`; null where all lines were applied, and where they are no longer kept. */
  readonly failures: Uint8Array | null;
  /** By `encodeEffects`; null where none were told. */
  readonly effects: Uint8Array | null;
}

/** The outcome of a batch, told again. Throws `results_expired` where that cannot be told any more. */
export function repeatedOutcome(kept: StoredOutcome): BatchOutcome {
  if (kept.failures === null && kept.statusCounts !== null) throw resultsExpired();
  const failed = kept.failures === null ? [] : decodeFailures(kept.failures);
  return {
    uuid: kept.uuid,
    ...outcomeOfFailures(failed, kept.lineCount),
    effects: kept.effects === null ? new Map() : decodeEffects(kept.effects),
    zeroedCount: kept.zeroedCount,
    repeats: kept.requestId,
  };
}

function resultsExpired(): OnhandError {
  return new OnhandError(
    'results_expired',
    'This request was applied before, and what its failing lines were answered is no longer kept; nothing was done now.',
  );
}

/** Of a batch of `lineCount` lines: what its failing lines say of all of them. */
function outcomeOfFailures(
  failed: readonly FailedLine[],
  lineCount: number,
): { readonly statuses: Uint16Array; readonly details: ReadonlyMap<number, LineDetail> } {
  const statuses = new Uint16Array(lineCount).fill(APPLIED);
  const details = new Map<number, LineDetail>();
  for (const { index, status, detail } of failed) {
    statuses[index] = status;
    if (detail !== null) details.set(index, detail);
  }
  return { statuses, details };
}

export function decodeFailures(bytes: Uint8Array): readonly FailedLine[] {
  const kept = inflated(bytes);
  if (!Failures.Check(kept)) throw new Error('the failing lines kept of a batch cannot be read');
  return kept;
}

export function decodeEffects(bytes: Uint8Array): ReadonlyMap<number, LineEffect> {
  const kept = inflated(bytes);
  if (!Effects.Check(kept)) throw new Error('what lines of a batch did cannot be read');
  return new Map(kept);
}

function inflated(bytes: Uint8Array): unknown {
  return JSON.parse(inflateRawSync(bytes).toString('utf8'));
}
