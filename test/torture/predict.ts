/** Predicts the answer to a call, and the models that are possible after it. */
import { isDeepStrictEqual } from 'node:util';
import { OnhandError } from '../../src/domain/errors.ts';
import type { BatchOutcome, RevertOutcome } from '../../src/domain/batches.ts';
import type { CatalogueOutcome } from '../../src/domain/catalogue.ts';
import { batchNumberOf } from '../../src/store/uuids.ts';
import type { ModelBatch, SupplierModel } from './supplier-model.ts';
import type { WriteCall } from './steps.ts';

/** A call with what it refers to. */
export interface Sent {
  readonly call: WriteCall;
  /** The batch that a revert names. */
  readonly reverted?: ModelBatch | undefined;
  /** The confirmation code; undefined if none was requested, or the request failed. */
  readonly code?: string | undefined;
}

/** The answer to a call, in the form in which it is compared. */
export type Answer =
  { readonly refused: string } | { readonly number: number | null; readonly details: unknown };

export function answerOfLines(outcome: BatchOutcome | OnhandError): Answer {
  if (outcome instanceof OnhandError) {
    if (outcome.code === 'store_unavailable') throw outcome;
    return { refused: outcome.code };
  }
  const { uuid, statuses, details, zeroedCount, repeats } = outcome;
  const results = [...statuses].map((status, line) => {
    const detail = details.get(line);
    if (detail === undefined) return { status };
    const { kind: reason } = detail;
    return detail.kind === 'ambiguous'
      ? { status, reason, candidates: detail.skuIds }
      : { status, reason };
  });
  return { number: numberOf(uuid), details: { results, zeroedCount, isRepeat: repeats !== null } };
}

export function answerOfImport({ batchUuid, entries }: CatalogueOutcome): Answer {
  const outcomes = entries.map(({ outcome }) => (outcome === 'unchanged' ? 'updated' : outcome));
  return { number: numberOf(batchUuid), details: outcomes };
}

export function answerOfRevert(outcome: RevertOutcome | undefined): Answer {
  if (outcome === undefined) return { refused: 'no such batch' };
  const skus = outcome.skus.map((sku) => [sku.skuId, sku.outcome] as const);
  return { number: numberOf(outcome.uuid), details: bySku(skus) };
}

function numberOf(uuid: string | null): number | null {
  return uuid === null ? null : batchNumberOf(uuid);
}

function bySku(skus: Iterable<readonly [string, string]>) {
  return [...skus].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Applies a call to a model; returns the expected answer. */
export function predict(
  model: SupplierModel,
  { call, reverted, code }: Sent,
  nowMs: number,
): Answer {
  if (call.do === 'lines') {
    const outcome = model.applyLines(call, nowMs, code !== undefined);
    if ('refused' in outcome) return outcome;
    const { number, results, zeroedCount, isRepeat } = outcome;
    return { number, details: { results, zeroedCount, isRepeat } };
  }
  if (call.do === 'import') {
    const { outcomes, number } = model.applyEntries(call, nowMs);
    return { number, details: outcomes };
  }
  if (reverted === undefined) return { number: null, details: [] };
  const { outcomes, number } = model.revert(reverted, call, nowMs);
  return { number, details: bySku(outcomes) };
}

/**
 * Returns the models that remain possible after the answer to a call.
 *
 * @throws Error if no model predicts the answer
 */
export function afterAnswer(
  models: readonly SupplierModel[],
  sent: Sent,
  answer: Answer,
  nowMs: number,
): readonly SupplierModel[] {
  let expected: Answer | undefined;
  const possible = models.flatMap((model) => {
    const next = model.copy();
    const predicted = predict(next, sent, nowMs);
    expected ??= predicted;
    return isDeepStrictEqual(predicted, answer) ? [next] : [];
  });
  if (possible.length === 0) {
    throw new Error(
      `${JSON.stringify(sent.call)} answered ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`,
    );
  }
  return possible;
}

/** Returns the models that are possible after a call without an answer: it was applied, or it was not. */
export function afterSilence(
  models: readonly SupplierModel[],
  sent: Sent,
  nowMs: number,
): readonly SupplierModel[] {
  const done = models.flatMap((model) => {
    const next = model.copy();
    const predicted = predict(next, sent, nowMs);
    const isWritten = 'number' in predicted && next.batches.length > model.batches.length;
    return isWritten ? [next] : [];
  });
  return [...models, ...done];
}
