/**
 * Serializes a group of batches between threads. The columns of its batches are concatenated, since the cost
 * of a message grows with its arrays: sixty single updates take eight arrays, not five hundred.
 */
import { refusalsOf, type TextMembers, type TextSlice } from '../../../domain/line-texts.ts';
import type { FieldColumns, LineRefusal, Lines } from '../../../domain/lines.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import type { Batch, BatchOutcome } from '../../../domain/batches.ts';
import { packEffects, type EffectColumns } from '../effect-columns.ts';
import type { Failure } from '../threads.ts';

export interface PackedGroup {
  readonly batches: readonly PackedBatch[];
  readonly gtins: Float64Array;
  readonly gtinEnds: Uint32Array;
  readonly fields: FieldColumns;
  /** The last of the texts; those of a large group are sent in slices before it. */
  readonly texts: TextSlice;
}

/** Rare members are sent unchanged. */
interface PackedBatch
  extends Omit<Batch, 'lines'>, Pick<Lines, 'conditions' | 'groups' | 'alternatives'> {
  readonly lineCount: number;
  readonly gtinCount: number;
}

export function packGroup(group: readonly Batch[]): Omit<PackedGroup, 'texts'> {
  const batches = group.map(({ lines, ...origin }) => {
    const { count: lineCount, conditions, groups, alternatives } = lines;
    const gtinCount = lines.gtins.length;
    return { ...origin, lineCount, gtinCount, conditions, groups, alternatives };
  });
  const [first] = group;
  if (first !== undefined && group.length === 1) {
    // A single batch may be large and is not copied.
    const { gtins, gtinEnds, fields } = first.lines;
    return { batches, gtins, gtinEnds, fields };
  }
  const lineCount = batches.reduce((sum, batch) => sum + batch.lineCount, 0);
  const gtinCount = batches.reduce((sum, batch) => sum + batch.gtinCount, 0);
  const joined = {
    gtins: new Float64Array(gtinCount),
    gtinEnds: new Uint32Array(lineCount),
    fields: {
      quantityInStock: new Int32Array(lineCount),
      quantityOnBackorder: new Int32Array(lineCount),
      backorderDate: new Int32Array(lineCount),
      restrictions: new Int32Array(lineCount),
    },
  };
  let [line, gtin] = [0, 0];
  for (const { lines } of group) {
    joined.gtins.set(lines.gtins, gtin);
    joined.gtinEnds.set(lines.gtinEnds, line);
    joined.fields.quantityInStock.set(lines.fields.quantityInStock, line);
    joined.fields.quantityOnBackorder.set(lines.fields.quantityOnBackorder, line);
    joined.fields.backorderDate.set(lines.fields.backorderDate, line);
    joined.fields.restrictions.set(lines.fields.restrictions, line);
    line += lines.count;
    gtin += lines.gtins.length;
  }
  return { batches, ...joined };
}

/** The texts of all lines of a group. */
export function textsOfGroup(group: readonly Batch[]): TextMembers {
  const [first] = group;
  if (first !== undefined && group.length === 1) return first.lines;
  const refusals = new Map<number, LineRefusal>();
  let line = 0;
  for (const { lines } of group) {
    for (const [index, refusal] of lines.refusals) refusals.set(line + index, refusal);
    line += lines.count;
  }
  // In a tenth of the time of `flatMap`.
  const none: (string | null)[] = [];
  const skuIds = none.concat(...group.map(({ lines }) => lines.skuIds));
  const asSent = none.concat(...group.map(({ lines }) => lines.asSent));
  return { skuIds, asSent, refusals };
}

/** @param texts of all lines of the group, received */
export function unpackGroup(
  { batches, gtins, gtinEnds, fields }: Omit<PackedGroup, 'texts'>,
  { skuIds, asSent, refusals: allRefusals }: TextMembers,
): Batch[] {
  if (skuIds.length !== gtinEnds.length) throw new Error('texts of a group are missing');
  const isJoined = batches.length > 1;
  let [line, gtin] = [0, 0];
  return batches.map(({ lineCount, gtinCount, conditions, groups, alternatives, ...origin }) => {
    const [from, to] = [line, line + lineCount];
    const lines = {
      count: lineCount,
      conditions,
      groups,
      alternatives,
      refusals: isJoined ? refusalsBetween(allRefusals, from, to) : allRefusals,
      skuIds: isJoined ? skuIds.slice(from, to) : skuIds,
      asSent: isJoined ? asSent.slice(from, to) : asSent,
      gtins: gtins.subarray(gtin, gtin + gtinCount),
      gtinEnds: gtinEnds.subarray(from, to),
      fields: {
        quantityInStock: fields.quantityInStock.subarray(from, to),
        quantityOnBackorder: fields.quantityOnBackorder.subarray(from, to),
        backorderDate: fields.backorderDate.subarray(from, to),
        restrictions: fields.restrictions.subarray(from, to),
      },
    };
    line = to;
    gtin += gtinCount;
    return { ...origin, lines };
  });
}

function refusalsBetween(refusals: Lines['refusals'], from: number, to: number): Lines['refusals'] {
  const own = new Map<number, LineRefusal>();
  for (const [index, refusal] of refusalsOf(refusals, from, to)) own.set(index - from, refusal);
  return own;
}

/** The outcome of each batch of a group, in order. */
export interface PackedOutcomes {
  /** The statuses of all lines of the batches that were applied. */
  readonly statuses: Uint16Array;
  /**
   * Per batch: its outcome with the number of its `statuses`, the stored outcome that it repeats, or the
   * error that refused it.
   */
  readonly batches: readonly (PackedOutcome | StoredOutcome | Failure)[];
}

/** Empty maps are omitted, since most are empty. Large ones are columns, or JSON, which is parsed in slices. */
interface PackedOutcome extends Pick<BatchOutcome, 'uuid' | 'zeroedCount' | 'repeats'> {
  readonly lineCount: number;
  readonly details?: BatchOutcome['details'] | Uint8Array;
  readonly effects?: BatchOutcome['effects'] | EffectColumns;
}

/** Larger maps take more than some milliseconds to copy. */
const COPIED_ENTRIES_MAX = 1000;

export function packOutcomes(
  outcomes: readonly (BatchOutcome | StoredOutcome | Failure)[],
): PackedOutcomes {
  const applied = outcomes.flatMap((outcome) => ('statuses' in outcome ? [outcome.statuses] : []));
  const statuses = new Uint16Array(applied.reduce((sum, { length }) => sum + length, 0));
  let line = 0;
  for (const ofBatch of applied) {
    statuses.set(ofBatch, line);
    line += ofBatch.length;
  }
  const batches = outcomes.map((outcome) => {
    if (!('statuses' in outcome)) return outcome;
    const { statuses: own, details, effects, ...rest } = outcome;
    return {
      ...rest,
      lineCount: own.length,
      ...(details.size > 0 && { details: packDetails(details) }),
      ...(effects.size > 0 && {
        effects: effects.size <= COPIED_ENTRIES_MAX ? effects : packEffects(effects, own.length),
      }),
    };
  });
  return { statuses, batches };
}

function packDetails(details: BatchOutcome['details']): BatchOutcome['details'] | Uint8Array {
  if (details.size <= COPIED_ENTRIES_MAX) return details;
  // A detail begins with a quote, which no `sku_id` in it contains unescaped: a reader finds where it begins.
  const entries = Array.from(details, ([index, detail]) => [detail, index]);
  return new TextEncoder().encode(JSON.stringify(entries));
}
