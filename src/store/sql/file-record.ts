/** The stored form of a file record, the same in every database. */
import type { Selectable } from 'kysely';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { mappingTarget, type ColumnMapping } from '../../domain/file-columns.ts';
import {
  CHOICE_NAMES,
  NO_RULES,
  parseRules,
  printRules,
  RULE_NAMES,
  type ReadingRules,
} from '../../domain/reading-rules.ts';
import type { SqlTables } from './tables.ts';
import {
  FILE_STATES,
  QUESTION_CODES,
  type FileOptions,
  type FileFindings,
  type FileRecord,
  type StatusCounts,
} from '../../domain/files.ts';

const textOrNull = Type.Union([Type.String(), Type.Null()]);

const StoredMappings = Type.Array(
  Type.Object({
    header: Type.String(),
    target: Type.String(),
    // Mappings of older versions were all optional.
    isOptional: Type.Optional(Type.Boolean()),
  }),
);

const Asked = Compile(
  Type.Object({
    isSnapshot: Type.Boolean(),
    atomic: Type.Boolean(),
    dryRun: Type.Boolean(),
    asOfUs: Type.Union([Type.Number(), Type.Null()]),
    mappings: StoredMappings,
    rules: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
);

const Mappings = Compile(StoredMappings);
const StoredRules = Type.Record(Type.String(), Type.String());
const Rules = Compile(StoredRules);

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
    // Older versions took no notes.
    notes: Type.Optional(Type.Array(Type.String())),
    sheet: Type.Union([
      Type.Object({ name: Type.String(), others: Type.Array(Type.String()) }),
      Type.Null(),
    ]),
    isWhole: Type.Boolean(),
    zeroedCount: Type.Optional(Type.Integer()),
    // Older versions asked nothing.
    decimal: Type.Optional(Type.Union([Type.Literal('comma'), Type.Literal('point'), Type.Null()])),
    questions: Type.Optional(
      Type.Array(
        Type.Object({
          code: Type.Enum(QUESTION_CODES),
          rule: Type.Enum(CHOICE_NAMES),
          detail: Type.String(),
          answers: Type.Array(Type.String()),
        }),
      ),
    ),
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
  'feeds.traceparent',
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
  if (state === undefined) throw new Error(`unknown file state ${row.state}`);
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
    traceparent: row.traceparent,
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
  const parsed: unknown = JSON.parse(text);
  if (!Asked.Check(parsed)) throw new Error('the stored options of a file are malformed');
  const { mappings, rules = {}, ...asked } = parsed;
  return { ...asked, rules: { ...rulesOf(rules), columns: columnsOf(mappings) } };
}

/** The stored form of a file's options. Mappings are apart, where older versions look for them. */
export function encodeAsked({ rules, ...asked }: FileOptions): string {
  return JSON.stringify({ ...asked, ...encodeRules(rules) });
}

/** The stored form of rules. */
export function encodeRules({ columns, ...others }: ReadingRules) {
  return {
    mappings: columns.map(({ isOptional = false, ...mapping }) => ({ ...mapping, isOptional })),
    rules: printRules({ ...others, columns: [] }),
  };
}

/** Rules by name, as `printRules` prints them. Those of newer versions are left out. */
function rulesOf(texts: Readonly<Record<string, string>>): ReadingRules {
  const given = RULE_NAMES.flatMap((name) => {
    const text = texts[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  return { ...NO_RULES, ...parseRules(given) };
}

/** Targets of newer versions are left out. */
function columnsOf(mappings: Static<typeof StoredMappings>): readonly ColumnMapping[] {
  return mappings.flatMap(({ header, target: name, isOptional = true }) => {
    const target = mappingTarget(name);
    return target === undefined ? [] : [{ header, target, isOptional }];
  });
}

function foundOf(text: string): FileFindings {
  const parsed: unknown = JSON.parse(text);
  if (!Found.Check(parsed)) throw new Error('the stored findings of a file are malformed');
  const { decimal = null, questions = [], notes = [], ...found } = parsed;
  return { ...found, decimal, questions, notes };
}

function countsOf(text: string): StatusCounts {
  const parsed: unknown = JSON.parse(text);
  if (!Counts.Check(parsed)) throw new Error('the stored status counts of a file are malformed');
  return parsed;
}

/** The rules that a supplier saved. */
export function savedRulesOf(row: {
  readonly column_names: string;
  readonly rules: string;
}): ReadingRules {
  const mappings: unknown = JSON.parse(row.column_names);
  const rules: unknown = JSON.parse(row.rules);
  if (!Mappings.Check(mappings) || !Rules.Check(rules))
    throw new Error('the stored rules of a supplier are malformed');
  return { ...rulesOf(rules), columns: columnsOf(mappings) };
}
