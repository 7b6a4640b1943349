/**
 * A group of batches on its way to the writer and back. Its columns are joined, since a message costs by
 * the array: sixty single updates cross as eight arrays, not as five hundred.
 */
import type { FieldColumns } from '../../domain/lines.ts';
import type { Batch, BatchOutcome } from '../store.ts';
import type { Failure } from './threads.ts';

export interface PackedGroup {
  readonly batches: readonly PackedBatch[];
  readonly skuIds: readonly (string | null)[];
  readonly gtins: Float64Array;
  readonly gtinEnds: Uint32Array;
  readonly fields: FieldColumns;
}

interface PackedBatch extends Omit<Batch, 'lines'> {
  readonly lineCount: number;
  readonly gtinCount: number;
}

export function packGroup(group: readonly Batch[]): PackedGroup {
  const batches = group.map(({ lines, ...origin }) => {
    return { ...origin, lineCount: lines.count, gtinCount: lines.gtins.length };
  });
  const [first] = group;
  // One batch alone may be large: it is not copied.
  if (first !== undefined && group.length === 1) return { batches, ...first.lines };
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
  return { batches, skuIds: group.flatMap(({ lines }) => lines.skuIds), ...joined };
}

export function unpackGroup({ batches, skuIds, gtins, gtinEnds, fields }: PackedGroup): Batch[] {
  let [line, gtin] = [0, 0];
  return batches.map(({ lineCount, gtinCount, ...origin }) => {
    const [from, to] = [line, line + lineCount];
    const lines = {
      count: lineCount,
      skuIds: batches.length === 1 ? skuIds : skuIds.slice(from, to),
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
  /** Per batch: how many of `statuses` are its own and its candidates, or why it was refused. */
  readonly batches: readonly (
    | { readonly lineCount: number; readonly candidates: BatchOutcome['candidates'] | undefined }
    | Failure
  )[];
}

export function packOutcomes(outcomes: readonly (BatchOutcome | Failure)[]): PackedOutcomes {
  const applied = outcomes.flatMap((outcome) => ('failure' in outcome ? [] : [outcome.statuses]));
  const statuses = new Uint16Array(applied.reduce((sum, { length }) => sum + length, 0));
  let line = 0;
  for (const ofBatch of applied) {
    statuses.set(ofBatch, line);
    line += ofBatch.length;
  }
  const batches = outcomes.map((outcome) => {
    if ('failure' in outcome) return outcome;
    const candidates = outcome.candidates.size === 0 ? undefined : outcome.candidates;
    return { lineCount: outcome.statuses.length, candidates };
  });
  return { statuses, batches };
}

const NO_CANDIDATES: BatchOutcome['candidates'] = new Map();

export function unpackOutcomes({ statuses, batches }: PackedOutcomes): (BatchOutcome | Failure)[] {
  let line = 0;
  return batches.map((batch) => {
    if ('failure' in batch) return batch;
    const from = line;
    line += batch.lineCount;
    return {
      statuses: statuses.subarray(from, line),
      candidates: batch.candidates ?? NO_CANDIDATES,
    };
  });
}
