import { BATCH_SOURCES, type BatchRecord } from '../../domain/batches.ts';

/** The columns of a row of `batches` that a record is made of. */
export const BATCH_COLUMNS = [
  'batches.uuid',
  'batches.number',
  'batches.source',
  'batches.reason',
  'batches.reference',
  'batches.applied_at_ms',
  'batches.duration_ms',
  'batches.line_count',
  'batches.status_counts',
  'batches.changed_count',
  'batches.first_sequence',
  'batches.zeroed_count',
] as const;

/** What those columns hold, in either database. */
export interface BatchRow {
  readonly uuid: string;
  readonly number: number;
  readonly source: string;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly applied_at_ms: number;
  readonly duration_ms: number;
  readonly line_count: number;
  /** A JSON object; null where every line was applied. */
  readonly status_counts: string | null;
  readonly changed_count: number;
  readonly first_sequence: number | null;
  readonly zeroed_count: number;
  readonly username: string | null;
  readonly reverts_uuid: string | null;
}

export function recordOf(row: BatchRow): BatchRecord {
  const source = BATCH_SOURCES.find((known) => known === row.source);
  if (source === undefined) throw new Error(`a batch has the unknown source ${row.source}`);
  return {
    uuid: row.uuid,
    number: row.number,
    source,
    username: row.username,
    reason: row.reason,
    reference: row.reference,
    appliedAtMs: row.applied_at_ms,
    durationMs: row.duration_ms,
    lineCount: row.line_count,
    statusCounts: readStatusCounts(row),
    changedCount: row.changed_count,
    firstSequence: row.first_sequence,
    zeroedCount: row.zeroed_count,
    revertsUuid: row.reverts_uuid,
  };
}

function readStatusCounts({
  status_counts: text,
  line_count: lineCount,
}: BatchRow): Record<string, number> {
  if (text === null) return lineCount === 0 ? {} : { '200': lineCount };
  const counts: Record<string, number> = {};
  const kept: unknown = JSON.parse(text);
  if (typeof kept !== 'object' || kept === null) return counts;
  for (const [status, count] of Object.entries(kept)) {
    if (typeof count === 'number') counts[status] = count;
  }
  return counts;
}
