import {
  COLUMN_TARGETS,
  IGNORE,
  mappingTarget,
  type ColumnMapping,
} from '../domain/file-columns.ts';
import {
  COLUMN_MAPPINGS_MAX,
  printRules,
  RULE_CHOICES,
  type ChoiceName,
} from '../domain/reading-rules.ts';
import { FILE_STATES, QUESTION_CODES, type FileRecord } from '../domain/files.ts';
import { type Static, Type } from 'typebox';
import { pageParameters } from './pagination.ts';
import { createQueryReader } from './query.ts';
import { integerOrNull, textOrNull, uuid } from './schema.ts';
import { printTime, printTimeUs } from './times.ts';
import { OnhandError } from '../domain/errors.ts';
import { isJsonObject } from './json.ts';

const FILE_LIMIT_MAX = 500;

export const PROBLEM = Type.Object(
  {
    code: Type.String({ description: 'Which kind of problem, as of a problem document.' }),
    detail: Type.String({ description: 'What is wrong, where, and what to do about it.' }),
  },
  { additionalProperties: false },
);

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const MEMBERS = {
  uuid: uuid('The file.'),
  filename: textOrNull({ description: 'The name that the sender gave it.' }),
  state: Type.Enum([...FILE_STATES], {
    description:
      '`waiting` in the queue; `reading` while it is applied; `held` until it is confirmed; `done`; `refused`, nothing was applied; `failed` midway; `canceled`.',
  }),
  kind: textOrNull({ enum: ['inventory', 'catalogue', null], description: 'What it is read as.' }),
  format: textOrNull({
    description: 'csv, xlsx, json, ndjson, x12 or edifact, told by its content.',
  }),
  packing: textOrNull({ description: 'gzip, zip or null.' }),
  encoding: textOrNull({ description: 'How its text is encoded; null for workbooks.' }),
  mode: textOrNull({ enum: ['snapshot', null], description: 'As it was asked for.' }),
  dry_run: Type.Boolean(),
  atomic: Type.Boolean(),
  as_of: textOrNull({ format: 'date-time', description: 'Its `As-Of`.' }),
  mapping: Type.Array(
    Type.Object(
      {
        header: Type.String({ description: 'The name that the file gives the column.' }),
        column: Type.String({ description: 'What it is read as.' }),
        by: Type.String({
          description: 'Why: `map` (the saved mapping), its own `name`, or a known `alias`.',
        }),
      },
      { additionalProperties: false },
    ),
  ),
  unknown_columns: Type.Array(Type.String(), { description: 'Columns that are ignored.' }),
  rules: Type.Record(Type.String(), Type.String(), {
    description: 'The reading rules in force: those of the upload and the saved ones.',
  }),
  decimal: textOrNull({
    enum: ['comma', 'point', null],
    description: "The decimal mark that the file's numbers show; null if that was not needed.",
  }),
  questions: Type.Array(
    Type.Object(
      {
        code: Type.Enum(QUESTION_CODES),
        detail: Type.String({ description: 'What is unclear, with examples.' }),
        rule: Type.String({ description: 'The rule that answers it.' }),
        answers: Type.Array(Type.String(), {
          description: 'The values of the rule to choose from.',
        }),
      },
      { additionalProperties: false },
    ),
    { description: 'What is asked before the file is applied.' },
  ),
  notes: Type.Array(Type.String(), {
    description:
      'What to know about how the file is read, such as which of several quantities counts, values that were ignored, and columns that look like a quantity but are not read. Complete once all rows are read.',
  }),
  sheet: textOrNull({ description: 'The worksheet that is read.' }),
  bytes: Type.Integer({ description: 'As it was sent.' }),
  rows: Type.Integer({ description: 'How many rows were processed so far.' }),
  rows_expected: integerOrNull(
    'How many there are in all: an estimate until it is done; null where there is none.',
  ),
  status_counts: Type.Record(Type.String(), Type.Integer(), {
    description: 'How many rows got each status so far.',
  }),
  problem: orNull(PROBLEM),
  uploaded: Type.String({ format: 'date-time' }),
  started: textOrNull({ format: 'date-time' }),
  finished: textOrNull({ format: 'date-time' }),
  username: textOrNull({ description: 'Who sent it; null is the drop folder, or the operator.' }),
  reason: textOrNull({ description: 'Its `Batch-Reason`.' }),
  reference: textOrNull({ description: 'Its `Batch-Reference`.' }),
};

export const FileSchema = Type.Object(MEMBERS, { title: 'File', additionalProperties: false });

export const FileWithBatchesSchema = Type.Object(
  {
    ...MEMBERS,
    batches: Type.Array(Type.String({ format: 'uuid' }), {
      description: 'The batches that its rows were applied by, in order; a catalogue lists none.',
    }),
  },
  { title: 'FileWithBatches', additionalProperties: false },
);

export const BINARY = Type.Unsafe<string>({ type: 'string', format: 'binary' });

const choice = (name: ChoiceName, description: string) =>
  Type.Optional(Type.String({ enum: [...RULE_CHOICES[name]], description }));

/** How a file is read, as members of a query or a form. */
const RULE_MEMBERS = {
  kind: choice(
    'kind',
    'What the file is. `catalogue`: it creates and updates SKUs. Without it, only a file whose header has both `item_id` and `title` is a catalogue.',
  ),
  mapping: Type.Optional(
    Type.String({
      description: 'What columns are read as, or `ignore`: `header=column,header=column`.',
      examples: ['Free=quantity_in_stock,Misc=ignore'],
    }),
  ),
  locations: choice(
    'locations',
    'Several rows of one SKU: add their quantities up, or let the last row count.',
  ),
  decimal: choice(
    'decimal',
    'What begins the fraction of a number; the other mark groups thousands.',
  ),
  dates: choice('dates', 'The order of dates such as 03/04/2027.'),
  words: Type.Optional(
    Type.String({
      description: 'Quantities for words: `word=quantity,word=quantity`.',
      examples: ['in stock=10,10+=10'],
    }),
  ),
  negative: choice('negative', 'What a quantity below zero is read as.'),
  identifiers: choice(
    'identifiers',
    'Which identifier counts if the others of its row do not fit.',
  ),
  strict: Type.Optional(
    Type.Boolean({ description: 'Refuse a row completely if any cell is wrong.' }),
  ),
};

export const FileRulesQuerySchema = Type.Object(RULE_MEMBERS, {
  title: 'FileRulesQuery',
  additionalProperties: false,
});

export const FileFormSchema = Type.Object(
  {
    filename: Type.Optional(Type.String({ description: 'The name of the file.' })),
    ...RULE_MEMBERS,
    file: BINARY,
  },
  { title: 'FileForm', additionalProperties: false },
);

export const FileUploadedSchema = Type.Object(
  { uuid: uuid('The file; it is stored durably and will be applied.') },
  { title: 'FileUploaded', additionalProperties: false },
);

export const FilePageSchema = Type.Object(
  {
    pagination: Type.Object(
      {
        total_count: Type.Integer({ description: 'How many files there are in all.' }),
        start: Type.Integer({ description: 'How many files come before this page.' }),
        limit: Type.Integer({ description: 'How many the page holds at most.' }),
        next_start_index: integerOrNull('The `start` of the next page; null on the last.'),
      },
      { additionalProperties: false },
    ),
    files: Type.Array(FileSchema),
  },
  { title: 'FilePage', additionalProperties: false },
);

const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

export const FileUploadQuerySchema = Type.Object(
  {
    filename: Type.Optional(Type.String({ description: 'The name of the file.' })),
    mode: Type.Optional(
      Type.Enum(['snapshot'], {
        description: 'The rows are the complete inventory: SKUs that no row names are set to zero.',
      }),
    ),
    atomic: flag('Apply no row if any fails.'),
    dry_run: flag('Report what would happen, and write nothing.'),
    ...RULE_MEMBERS,
  },
  { title: 'FileUploadQuery', additionalProperties: false },
);

export const FileListQuerySchema = Type.Object(
  {
    ...pageParameters('files', FILE_LIMIT_MAX),
    state: Type.Optional(Type.Enum([...FILE_STATES], { description: 'Only files in this state.' })),
  },
  { title: 'FileListQuery', additionalProperties: false },
);

/** Throws `parameter_invalid`. */
export const parseFileList = createQueryReader(FileListQuerySchema);

export const FILE_WAIT_SECONDS_MAX = 30;

export const FileQuerySchema = Type.Object(
  {
    wait: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: FILE_WAIT_SECONDS_MAX,
        description: 'Waits this many seconds at most until the file is finished or held.',
      }),
    ),
  },
  { title: 'FileQuery', additionalProperties: false },
);

export function printFile(file: FileRecord): Static<typeof FileSchema> {
  const { asked, found } = file;
  return {
    uuid: file.uuid,
    filename: file.filename,
    state: file.state,
    kind: found?.kind ?? null,
    format: found?.format ?? null,
    packing: found?.packing ?? null,
    encoding: found?.encoding ?? null,
    mode: asked.isSnapshot ? 'snapshot' : null,
    dry_run: asked.dryRun,
    atomic: asked.atomic,
    as_of: asked.asOfUs === null ? null : printTimeUs(asked.asOfUs),
    mapping: (found?.columns ?? []).map(({ header, target, by }) => ({
      header,
      column: target,
      by,
    })),
    unknown_columns: [...(found?.unknownColumns ?? [])],
    rules: definedOf(printRules(asked.rules)),
    decimal: found?.decimal ?? null,
    questions: (found?.questions ?? []).map(({ answers, ...question }) => ({
      ...question,
      answers: [...answers],
    })),
    notes: [...(found?.notes ?? [])],
    sheet: found?.sheet?.name ?? null,
    bytes: file.bytes,
    rows: file.rowCount,
    rows_expected: file.state === 'done' ? file.rowCount : file.rowsExpected,
    status_counts: { ...file.statusCounts },
    problem: file.problem,
    uploaded: printTime(file.uploadedAtMs),
    started: timeOrNull(file.startedAtMs),
    finished: timeOrNull(file.finishedAtMs),
    username: file.username,
    reason: file.reason,
    reference: file.reference,
  };
}

function definedOf(texts: Partial<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : printTime(ms);
}

export function printFileList(
  { start, limit }: { readonly start: number; readonly limit: number },
  page: {
    readonly totalCount: number;
    readonly files: readonly FileRecord[];
    readonly hasMore: boolean;
  },
): string {
  const { totalCount, files, hasMore } = page;
  return JSON.stringify({
    pagination: {
      total_count: totalCount,
      start,
      limit,
      next_start_index: hasMore ? start + files.length : null,
    },
    files: files.map(printFile),
  });
}

export const FileMappingSchema = Type.Object(
  {
    columns: Type.Record(Type.String(), Type.String(), {
      description: "The supplier's own names of columns, each mapped to a known column.",
      examples: [{ Lagerbestand: 'quantity_in_stock' }],
    }),
  },
  { title: 'FileMapping', additionalProperties: false },
);

const HEADER_CHARACTERS_MAX = 256;

/** Throws `member_invalid`. */
export function parseFileMapping(body: unknown): readonly ColumnMapping[] {
  const columns = isJsonObject(body) ? body['columns'] : undefined;
  const members = isJsonObject(body) ? Object.keys(body) : [];
  if (!isJsonObject(columns) || members.length !== 1) throw invalid(MAPPING_SHAPE);
  return parseMappedColumns(columns);
}

const MAPPING_SHAPE = 'The body must be {"columns": {"<your name>": "<column>"}}.';

/** The member `columns`. Throws `member_invalid`. */
export function parseMappedColumns(columns: unknown): readonly ColumnMapping[] {
  if (!isJsonObject(columns)) throw invalid('columns must be {"<your name>": "<column>"}.');
  const names = Object.entries(columns);
  if (names.length > COLUMN_MAPPINGS_MAX)
    throw invalid(`At most ${COLUMN_MAPPINGS_MAX} names of columns are kept.`);
  return names.map(([header, target]) => {
    const name = header.trim();
    if (name === '' || name.length > HEADER_CHARACTERS_MAX || typeof target !== 'string') {
      throw invalid(
        `${JSON.stringify(header.slice(0, 64))}: a name has 1 to ${HEADER_CHARACTERS_MAX} characters and is mapped to the name of a column, as a text.`,
      );
    }
    return { header: name, target: targetOf(header, target), isOptional: true };
  });
}

function targetOf(header: string, name: string): ColumnMapping['target'] {
  const target = mappingTarget(name);
  if (target !== undefined) return target;
  throw invalid(
    `${JSON.stringify(header)} cannot be mapped to ${JSON.stringify(name.slice(0, 64))}; allowed are ${COLUMN_TARGETS.join(', ')}, and ${IGNORE}.`,
  );
}

function invalid(message: string): OnhandError {
  return new OnhandError('member_invalid', message);
}

export function printFileMapping(columns: readonly ColumnMapping[]): string {
  return JSON.stringify({ columns: printMappedColumns(columns) });
}

/** The member `columns`. */
export function printMappedColumns(columns: readonly ColumnMapping[]): Record<string, string> {
  return Object.fromEntries(columns.map(({ header, target }) => [header, target]));
}
