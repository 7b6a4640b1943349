import { pageParameters, paginationSchema } from '../pagination.ts';
import { createQueryReader } from '../query.ts';
import type { BatchRecord } from '../../domain/batches.ts';
import { type Static, Type } from 'typebox';
import { integerOrNull, textOrNull, time, uuid } from '../schema.ts';
import { printTime } from '../times.ts';

const BATCH_LIMIT_MAX = 500;

export const BatchListQuerySchema = Type.Object(pageParameters('batches', BATCH_LIMIT_MAX), {
  title: 'BatchListQuery',
  additionalProperties: false,
});

export const BatchSchema = Type.Object(
  {
    uuid: uuid('The batch: the `Batch-Id` of the reply to it.'),
    number: Type.Integer({ description: "The supplier's own count of batches, from 1." }),
    source: Type.String({
      description: 'How it was sent: bulk, single, create, update, import, file, revert, stream.',
    }),
    username: textOrNull({ description: 'Who sent it; null is the operator.' }),
    reason: textOrNull({ description: 'Its `Batch-Reason`.' }),
    reference: textOrNull({ description: 'Its `Batch-Reference`.' }),
    applied: time('When it was applied.'),
    duration_ms: Type.Integer({ description: 'How long that took, in milliseconds.' }),
    line_count: Type.Integer({ description: 'How many lines it had.' }),
    status_counts: Type.Record(Type.String(), Type.Integer(), {
      description: 'How many lines were answered with each status.',
    }),
    changed_count: Type.Integer({ description: 'How many SKUs it changed.' }),
    zeroed_count: Type.Integer({
      description: 'How many of them a snapshot set to zero because no line named them.',
    }),
    first_sequence: integerOrNull(
      'The sequence of its first change; the others follow without gaps.',
    ),
    reverts_uuid: textOrNull({ format: 'uuid', description: 'The batch that this one reverts.' }),
  },
  { title: 'Batch', additionalProperties: false },
);

export const BatchPageSchema = Type.Object(
  {
    pagination: paginationSchema('batches'),
    batches: Type.Array(BatchSchema),
  },
  { title: 'BatchPage', additionalProperties: false },
);

export function printBatch(batch: BatchRecord): Static<typeof BatchSchema> {
  return {
    uuid: batch.uuid,
    number: batch.number,
    source: batch.source,
    username: batch.username,
    reason: batch.reason,
    reference: batch.reference,
    applied: printTime(batch.appliedAtMs),
    duration_ms: batch.durationMs,
    line_count: batch.lineCount,
    status_counts: { ...batch.statusCounts },
    changed_count: batch.changedCount,
    zeroed_count: batch.zeroedCount,
    first_sequence: batch.firstSequence,
    reverts_uuid: batch.revertsUuid,
  };
}

export type BatchListRequest = Static<typeof BatchListQuerySchema>;

/** Reads the query of a list of batches or files. Throws `parameter_invalid`. */
export const parseBatchList = createQueryReader(BatchListQuerySchema);

export function printBatchList(
  { start, limit }: BatchListRequest,
  page: {
    readonly totalCount: number;
    readonly batches: readonly BatchRecord[];
    readonly hasMore: boolean;
  },
): string {
  const { totalCount, batches, hasMore } = page;
  const next = hasMore ? start + batches.length : null;
  return JSON.stringify({
    pagination: { total_count: totalCount, start, limit, next_start_index: next },
    batches: batches.map(printBatch),
  });
}
