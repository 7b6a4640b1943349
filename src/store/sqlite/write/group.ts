/**
 * Serializes a group of batches between threads. The columns of its batches are concatenated, since the cost
 * of a message grows with its arrays: sixty single updates take eight arrays, not five hundred.
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

/** Rare members are sent unchanged. */
interface PackedBatch
  extends Omit<Batch, 'lines'>, Pick<Lines, 'conditions' | 'groups' | 'refusals' | 'skuIdCandidates'> {
  readonly lineCount: number;
  readonly gtinCount: number;
}

export function packGroup(group: readonly Batch[]): PackedGroup {
  const batches = group.map(({ lines, ...origin }) => {
    const { count: lineCount, conditions, groups, refusals, skuIdCandidates } = lines;
    const gtinCount = lines.gtins.length;
    const rare = { conditions, groups, refusals, skuIdCandidates };
    return { ...origin, lineCount, gtinCount, ...rare };
  });
  const [first] = group;
  if (first !== undefined && group.length === 1) {
    // A single batch may be large and is not copied.
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
  return batches.map((batch) => {
    const { lineCount, gtinCount, conditions, groups, refusals, skuIdCandidates, ...origin } =
      batch;
    const [from, to] = [line, line + lineCount];
    const lines = {
      count: lineCount,
      conditions,
      groups,
      refusals,
      skuIdCandidates,
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

/** Empty maps are omitted, since most are empty. */
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
