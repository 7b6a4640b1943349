/**
 * How a batch's failing lines, and what its lines did, are kept: JSON, deflated. A reply that is asked for
 * again is made of them anew.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { APPLIED } from '../domain/batch.ts';
import type { Lines } from '../domain/lines.ts';
import type { BatchOutcome, FailedLine, LineDetail, LineEffect } from './store.ts';

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

/** The lines that do not apply, with all that their messages say. */
export function failedLines(
  lines: Lines,
  { statuses, details }: Pick<BatchOutcome, 'statuses' | 'details'>,
): readonly FailedLine[] {
  const failed: FailedLine[] = [];
  for (const [index, status] of statuses.entries()) {
    if (status === APPLIED) continue;
    failed.push({
      index,
      status,
      message: lines.refusals.get(index)?.message ?? null,
      detail: details.get(index) ?? null,
      skuId: lines.skuIds[index] ?? null,
      asSent: lines.asSent[index] ?? null,
    });
  }
  return failed;
}

/** Of a batch of `lineCount` lines: what its failing lines say of all of them. */
export function outcomeOfFailures(
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

export function encodeFailures(failed: readonly FailedLine[]): Uint8Array {
  return deflateRawSync(JSON.stringify(failed), { level: 1 });
}

export function decodeFailures(bytes: Uint8Array): readonly FailedLine[] {
  const kept = inflated(bytes);
  if (!Failures.Check(kept)) throw new Error('the failing lines kept of a batch cannot be read');
  return kept;
}

export function encodeEffects(effects: ReadonlyMap<number, LineEffect>): Uint8Array {
  return deflateRawSync(JSON.stringify([...effects]), { level: 1 });
}

export function decodeEffects(bytes: Uint8Array): ReadonlyMap<number, LineEffect> {
  const kept = inflated(bytes);
  if (!Effects.Check(kept)) throw new Error('what lines of a batch did cannot be read');
  return new Map(kept);
}

function inflated(bytes: Uint8Array): unknown {
  return JSON.parse(inflateRawSync(bytes).toString('utf8'));
}
