/**
 * A group of batches on its way to the writer and back. Its columns are joined, since a message costs by
 * the array: sixty single updates cross as eight arrays, not as five hundred.
 */
import type { FieldColumns, Lines } from '../../../domain/lines.ts';
import type { StoredOutcome } from '../../sql/stored-outcome.ts';
import type { Batch, BatchOutcome } from '../../../domain/batches.ts';
import type { Failure } from '../threads.ts';

export interface PackedGroup {
  readonly batches: readonly PackedBatch[];
  readonly skuIds: readonly (string | null)[];
  readonly gtins: Float64Array;
  readonly gtinEnds: Uint32Array;
  readonly fields: FieldColumns;
  readonly asSent: Lines['asSent'];
}

/** What few batches have crosses as it is. */
interface PackedBatch
  extends Omit<Batch, 'lines'>, Pick<Lines, 'conditions' | 'groups' | 'refusals'> {
  readonly lineCount: number;
  readonly gtinCount: number;
}

export function packGroup(group: readonly Batch[]): PackedGroup {
  const batches = group.map(({ lines, ...origin }) => {
    const { count: lineCount, conditions, groups, refusals } = lines;
    const gtinCount = lines.gtins.length;
    return { ...origin, lineCount, gtinCount, conditions, groups, refusals };
  });
  const [first] = group;
  if (first !== undefined && group.length === 1) {
    // One batch alone may be large: it is not copied.
    const { skuIds, gtins, gtinEnds, fields, asSent } = first.lines;
    return { batches, skuIds, gtins, gtinEnds, fields, asSent };
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
  const skuIds = group.flatMap(({ lines }) => lines.skuIds);
  const asSent = group.flatMap(({ lines }) => lines.asSent);
  return { batches, skuIds, asSent, ...joined };
}

export function unpackGroup({ batches, ...joined }: PackedGroup): Batch[] {
  const { skuIds, gtins, gtinEnds, fields, asSent } = joined;
  const isJoined = batches.length > 1;
  let [line, gtin] = [0, 0];
  return batches.map(({ lineCount, gtinCount, conditions, groups, refusals, ...origin }) => {
    const [from, to] = [line, line + lineCount];
    const lines = {
      count: lineCount,
      conditions,
      groups,
      refusals,
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

/** What became of each batch of a group, in its order. */
export interface PackedOutcomes {
  /** Of all lines of the batches that were applied. */
  readonly statuses: Uint16Array;
  /**
   * Per batch: how many of `statuses` are its own and the rest of its outcome; or what is kept of the one
   * that it repeats; or why it was refused.
   */
  readonly batches: readonly (PackedOutcome | StoredOutcome | Failure)[];
}

/** Maps are left out where they are empty: most are. */
interface PackedOutcome
  extends
    Pick<BatchOutcome, 'uuid' | 'zeroedCount' | 'repeats'>,
    Partial<Pick<BatchOutcome, 'details' | 'effects'>> {
  readonly lineCount: number;
}

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
      ...(details.size === 0 ? {} : { details }),
      ...(effects.size === 0 ? {} : { effects }),
    };
  });
  return { statuses, batches };
}

const NO_DETAILS: BatchOutcome['details'] = new Map();
const NO_EFFECTS: BatchOutcome['effects'] = new Map();

export function unpackOutcomes({
  statuses,
  batches,
}: PackedOutcomes): (BatchOutcome | StoredOutcome | Failure)[] {
  let line = 0;
  return batches.map((batch) => {
    if ('failure' in batch || 'requestId' in batch) return batch;
    const { lineCount, details = NO_DETAILS, effects = NO_EFFECTS, ...rest } = batch;
    const from = line;
    line += lineCount;
    return { ...rest, statuses: statuses.subarray(from, line), details, effects };
  });
}
