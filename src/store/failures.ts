/**
 * How a batch's failing lines, and what its lines did, are kept: JSON, deflated. `kept-outcome.ts` reads them.
 */
import { deflateRawSync } from 'node:zlib';
import { APPLIED } from '../domain/batch-decision.ts';
import type { Lines } from '../domain/lines.ts';
import type { BatchOutcome, FailedLine, LineEffect } from '../domain/batches.ts';

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

export function encodeFailures(failed: readonly FailedLine[]): Uint8Array {
  return deflateRawSync(JSON.stringify(failed), { level: 1 });
}

export function encodeEffects(effects: ReadonlyMap<number, LineEffect>): Uint8Array {
  return deflateRawSync(JSON.stringify([...effects]), { level: 1 });
}
