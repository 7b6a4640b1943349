/** How a feed is kept in its row, whatever the database. */
import type { Selectable } from 'kysely';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { SqlTables } from './tables.ts';
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

/** The columns that a record needs. */
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

type FileRow = Pick<
  Selectable<SqlTables['feeds']> & { readonly username: string | null },
  Unqualified<(typeof FILE_COLUMNS)[number]>
>;
type Unqualified<Column extends string> = Column extends `${string}.${infer Name}` ? Name : never;

export function fileRecordOf(row: FileRow): FileRecord {
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
