/** How a feed is kept in its row, whatever the database. */
import type { Generated } from 'kysely';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  FILE_STATES,
  type FileOptions,
  type FileFindings,
  type FileRecord,
  type StatusCounts,
} from '../../domain/files.ts';

const textOrNull = Type.Union([Type.String(), Type.Null()]);

const Asked = Compile(
  Type.Object({
    isSnapshot: Type.Boolean(),
    atomic: Type.Boolean(),
    dryRun: Type.Boolean(),
    asOfUs: Type.Union([Type.Number(), Type.Null()]),
    mappings: Type.Array(Type.Object({ header: Type.String(), target: Type.String() })),
  }),
);

const Mappings = Compile(Type.Array(Type.Object({ header: Type.String(), target: Type.String() })));

const Found = Compile(
  Type.Object({
    kind: Type.Union([Type.Literal('inventory'), Type.Literal('catalogue')]),
    format: Type.String(),
    packing: textOrNull,
    encoding: textOrNull,
    rowUnit: Type.String(),
    columns: Type.Array(
      Type.Object({ header: Type.String(), target: Type.String(), by: Type.String() }),
    ),
    unknownColumns: Type.Array(Type.String()),
    sheet: Type.Union([
      Type.Object({ name: Type.String(), others: Type.Array(Type.String()) }),
      Type.Null(),
    ]),
    isWhole: Type.Boolean(),
  }),
);

const Counts = Compile(Type.Record(Type.String(), Type.Integer()));

/** The columns of a feed's row, in either database. */
export interface FeedRow {
  readonly supplier_id: number;
  readonly number: number;
  readonly uuid: string;
  readonly user_id: number | null;
  readonly username: string | null;
  readonly filename: string | null;
  readonly bytes: number;
  readonly asked: string;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly state: string;
  readonly found: string | null;
  readonly row_count: number;
  readonly rows_expected: number | null;
  readonly status_counts: string;
  readonly problem_code: string | null;
  readonly problem_detail: string | null;
  readonly uploaded_at_ms: number;
  readonly started_at_ms: number | null;
  readonly finished_at_ms: number | null;
  readonly is_confirmed: number;
  readonly is_cancel_asked: number;
  readonly claimed_until_ms: number;
  readonly is_kept: number;
}

/** The tables of feeds, the same in every body. */
export interface FileTables {
  feeds: Omit<
    FeedRow,
    'username' | 'row_count' | 'status_counts' | 'claimed_until_ms' | FlagColumn
  > & {
    idempotency_key: string | null;
    fingerprint: Uint8Array | null;
    row_count: Generated<number>;
    status_counts: Generated<string>;
    claimed_by: Generated<string | null>;
    claimed_until_ms: Generated<number>;
  } & Record<FlagColumn, Generated<number>>;
  feed_pieces: {
    supplier_id: number;
    feed_number: number;
    piece: number;
    row_count: number;
    batch_uuid: string | null;
    failures: Uint8Array | null;
  };
  feed_suppliers: {
    supplier_id: number;
    last_number: Generated<number>;
    column_names: Generated<string>;
  };
}

type FlagColumn = 'is_confirmed' | 'is_cancel_asked' | 'is_kept';

/** The columns that a record is made of. */
export const FILE_COLUMNS = [
  'feeds.supplier_id',
  'feeds.number',
  'feeds.uuid',
  'feeds.user_id',
  'feeds.filename',
  'feeds.bytes',
  'feeds.asked',
  'feeds.reason',
  'feeds.reference',
  'feeds.state',
  'feeds.found',
  'feeds.row_count',
  'feeds.rows_expected',
  'feeds.status_counts',
  'feeds.problem_code',
  'feeds.problem_detail',
  'feeds.uploaded_at_ms',
  'feeds.started_at_ms',
  'feeds.finished_at_ms',
  'feeds.is_confirmed',
  'feeds.is_cancel_asked',
  'feeds.claimed_until_ms',
  'feeds.is_kept',
  'users.username',
] as const;

export function fileRecordOf(row: FeedRow): FileRecord {
  const state = FILE_STATES.find((known) => known === row.state);
  if (state === undefined) throw new Error(`a feed has the unknown state ${row.state}`);
  const { problem_code: code, problem_detail: detail } = row;
  return {
    supplierId: row.supplier_id,
    number: row.number,
    uuid: row.uuid,
    userId: row.user_id,
    username: row.username,
    filename: row.filename,
    bytes: row.bytes,
    asked: askedOf(row.asked),
    reason: row.reason,
    reference: row.reference,
    state,
    found: row.found === null ? null : foundOf(row.found),
    rowCount: row.row_count,
    rowsExpected: row.rows_expected,
    statusCounts: countsOf(row.status_counts),
    problem: code === null || detail === null ? null : { code, detail },
    uploadedAtMs: row.uploaded_at_ms,
    startedAtMs: row.started_at_ms,
    finishedAtMs: row.finished_at_ms,
    isConfirmed: row.is_confirmed === 1,
    isCancelAsked: row.is_cancel_asked === 1,
    claimedUntilMs: row.claimed_until_ms,
    isKept: row.is_kept === 1,
  };
}

function askedOf(text: string): FileOptions {
  const kept: unknown = JSON.parse(text);
  if (!Asked.Check(kept)) throw new Error('what was asked of a feed cannot be read');
  return kept;
}

function foundOf(text: string): FileFindings {
  const kept: unknown = JSON.parse(text);
  if (!Found.Check(kept)) throw new Error('what was found of a feed cannot be read');
  return kept;
}

function countsOf(text: string): StatusCounts {
  const kept: unknown = JSON.parse(text);
  if (!Counts.Check(kept)) throw new Error('the status counts of a feed cannot be read');
  return kept;
}

export function mappingsOf(text: string): FileOptions['mappings'] {
  const kept: unknown = JSON.parse(text);
  if (!Mappings.Check(kept)) throw new Error("a supplier's names of columns cannot be read");
  return kept;
}
