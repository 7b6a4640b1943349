/** A batch's outcome: built from the decided lines, and encoded for storage. `stored-outcome.ts` decodes it. */
import { deflateRawSync } from 'node:zlib';
import type { ClosedBatch, DecidedDetail, DecidedLines } from '../../domain/batch-decision.ts';
import type { BatchOutcome, FailedLine, LineDetail, LineEffect } from '../../domain/batches.ts';

/** @param skuIdOf gives the `sku_id` of a SKU's number */
export function detailsOf(
  decided: ReadonlyMap<number, DecidedDetail>,
  skuIdOf: (skuNumber: number) => string,
): ReadonlyMap<number, LineDetail> {
  const details = new Map<number, LineDetail>();
  for (const [i, detail] of decided) {
    details.set(
      i,
      detail.kind === 'ambiguous'
        ? { kind: 'ambiguous', skuIds: detail.skuNumbers.map(skuIdOf) }
        : detail,
    );
  }
  return details;
}

const NO_EFFECTS: BatchOutcome['effects'] = new Map();

/**
 * @param changes what came of the batch; none where it was only tried
 * @param skuUuidOf gives the uuid of a SKU's number
 */
export function effectsOf(
  decided: DecidedLines['effects'],
  changes: ClosedBatch['changes'],
  skuUuidOf: (skuNumber: number) => string,
): BatchOutcome['effects'] {
  if (decided.size === 0) return NO_EFFECTS;
  const effects = new Map<number, LineEffect>();
  const sequences = new Map(changes.map(({ held, sequence }) => [held.skuNumber, sequence]));
  for (const [i, { skuNumber, before, after }] of decided) {
    const sequence = sequences.get(skuNumber) ?? null;
    effects.set(i, { skuUuid: skuUuidOf(skuNumber), before, after, sequence });
  }
  return effects;
}

/** As deflated JSON. */
export function encodeFailures(failed: readonly FailedLine[]): Uint8Array {
  return deflateRawSync(JSON.stringify(failed), { level: 1 });
}

/** As deflated JSON. */
export function encodeEffects(effects: ReadonlyMap<number, LineEffect>): Uint8Array {
  return deflateRawSync(JSON.stringify([...effects]), { level: 1 });
}
