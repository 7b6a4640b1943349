/**
 * Decodes stored outcomes, to answer a repeated request as the first one was. SQLite's writer thread must
 * not import this file: the schema compiler is slow to load.
 */
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { APPLIED } from '../../domain/batch-decision.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { BatchOutcome, FailedLine, LineDetail, LineEffect } from '../../domain/batches.ts';
import { parseInSlices } from './json-slices.ts';

const inflate = promisify(inflateRaw);

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

const InventoryOfEffect = Type.Object({
  quantityInStock: numberOrNull,
  quantityOnBackorder: numberOrNull,
  backorderDate: numberOrNull,
  restrictions: numberOrNull,
});

const Failures = Compile(
  Type.Array(
    Type.Object({
      index: Type.Integer(),
      status: Type.Integer(),
      message: textOrNull,
      detail: Type.Union([Detail, Type.Null()]),
      skuId: textOrNull,
      asSent: textOrNull,
      misfits: Type.Optional(Type.Array(Type.Number())),
      wouldChange: Type.Optional(
        Type.Object({
          skuUuid: Type.String(),
          before: InventoryOfEffect,
          after: InventoryOfEffect,
        }),
      ),
    }),
  ),
);

const Misfit = Type.Object({ kind: Type.Literal('misfit'), gtins: Type.Array(Type.Number()) });
const Details = Compile(Type.Array(Type.Tuple([Type.Union([Detail, Misfit]), Type.Integer()])));

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

/** The stored outcome of the first batch with an idempotency key. */
export interface StoredOutcome {
  readonly lineCount: number;
  readonly uuid: string;
  readonly requestId: string;
  readonly zeroedCount: number;
  /** From `encodeStatusCounts`. */
  readonly statusCounts: string | null;
  /** From `encodeFailures`; null if all lines were applied, or if the failures were deleted. */
  readonly failures: Uint8Array | null;
  /** From `encodeEffects`; null if none were requested. */
  readonly effects: Uint8Array | null;
}

/** The outcome for a repeated request. Rejects with `results_expired` if its failed lines or effects were deleted. */
export async function repeatedOutcome(kept: StoredOutcome): Promise<BatchOutcome> {
  if (kept.failures === null && kept.statusCounts !== null) throw resultsExpired();
  const failed = kept.failures === null ? [] : await decodeFailures(kept.failures);
  const json = kept.effects === null ? null : await inflate(kept.effects);
  const effects: ReadonlyMap<number, LineEffect> =
    json === null ? new Map() : await readEffects(json);
  if (json !== null && effects.size === 0) throw resultsExpired();
  return {
    uuid: kept.uuid,
    ...outcomeOfFailures(failed, kept.lineCount),
    effects,
    zeroedCount: kept.zeroedCount,
    repeats: kept.requestId,
  };
}

function resultsExpired(): OnhandError {
  return new OnhandError(
    'results_expired',
    'This request was applied before, and the results of its lines are no longer kept. Nothing was done now.',
  );
}

/** Reconstructs the statuses and details of all lines from the failed ones. */
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

/** From `encodeFailures`. Large ones are read in slices, between which other requests get a turn. */
export async function decodeFailures(bytes: Uint8Array): Promise<readonly FailedLine[]> {
  const failed: FailedLine[] = [];
  for await (const slice of parseInSlices(await inflate(bytes), ['}', ',{"index":'])) {
    if (!Failures.Check(slice)) throw new Error('the stored failures of a batch are malformed');
    for (const { misfits, ...failure } of slice) {
      const isMisfit = misfits !== undefined;
      failed.push(isMisfit ? { ...failure, detail: { kind: 'misfit', gtins: misfits } } : failure);
    }
  }
  return failed;
}

/** Reads effects from JSON, in slices. They contain no text that a client chose. */
async function readEffects(json: Uint8Array): Promise<ReadonlyMap<number, LineEffect>> {
  const effects = new Map<number, LineEffect>();
  for await (const slice of parseInSlices(json, ['}]', ',['])) {
    if (!Effects.Check(slice)) throw new Error('the effects of a batch are malformed');
    for (const [index, effect] of slice) effects.set(index, effect);
  }
  return effects;
}

/** Reads details, each with its index, from JSON, in slices. */
export async function readDetails(json: Uint8Array): Promise<ReadonlyMap<number, LineDetail>> {
  const details = new Map<number, LineDetail>();
  for await (const slice of parseInSlices(json, [']', ',[{"kind":'])) {
    if (!Details.Check(slice)) throw new Error('the details of a batch are malformed');
    for (const [detail, index] of slice) details.set(index, detail);
  }
  return details;
}
