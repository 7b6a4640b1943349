/** What a file did or would do, and the preview of one. */
import { type Static, Type } from 'typebox';
import { OnhandError } from '../domain/errors.ts';
import type { FailedLine } from '../domain/batches.ts';
import type { FileFindings, FileProblem, FileRecord } from '../domain/files.ts';
import { FileRulesQuerySchema, PROBLEM } from './file-jobs.ts';
import { printInventory } from './inventory/inventory-fields.ts';
import {
  pageParameters,
  paginationSchema,
  printPagination,
  type PageRequest,
} from './pagination.ts';
import { createQueryReader, type Query } from './query.ts';
import { integerOrNull, textOrNull } from './schema.ts';

const EFFECTS_LIMIT_MAX = 1000;
const PREVIEW_ROWS_MAX = 100;
const PREVIEW_ROWS = 20;

/** Which rows to list. */
const FILTERS = ['failed', 'changed', 'to_zero'] as const;
type Filter = (typeof FILTERS)[number];

export const FileEffectsQuerySchema = Type.Object(
  {
    ...pageParameters('rows', EFFECTS_LIMIT_MAX),
    only: Type.Optional(
      Type.Enum(FILTERS, {
        description:
          'Which rows to list: `failed`; `changed`, that would change their SKU; `to_zero`, that would set its quantity in stock to 0.',
      }),
    ),
  },
  { title: 'FileEffectsQuery', additionalProperties: false },
);

export interface EffectsRequest extends PageRequest {
  readonly only: Filter | null;
}

const readEffectsQuery = createQueryReader(FileEffectsQuerySchema);

/** Throws `parameter_invalid`. */
export function parseFileEffectsQuery(query: Query): EffectsRequest {
  const { start, limit, only = null } = readEffectsQuery(query);
  return { start, limit, only };
}

const VALUE = Type.Unsafe<string | number | null>({ type: ['integer', 'string', 'null'] });

const ROW = Type.Object(
  {
    row: Type.Integer({ description: 'Its number in the file, as in the messages.' }),
    status_code: Type.Integer(),
    message: Type.String({ description: 'As in the results.' }),
    sku_id: textOrNull({ description: 'As the row has it; null if it names its SKU otherwise.' }),
    sku_uuid: textOrNull({ format: 'uuid', description: 'The SKU that would change.' }),
    candidates: Type.Array(Type.String(), {
      description: 'The `sku_id`s of the SKUs that the row may mean.',
    }),
    changes: Type.Record(
      Type.String(),
      Type.Object({ from: VALUE, to: VALUE }, { additionalProperties: false }),
      { description: 'The inventory fields that a dry run would change.' },
    ),
  },
  { additionalProperties: false },
);

export const FileEffectsSchema = Type.Object(
  {
    totals: Type.Object(
      {
        rows: Type.Integer({ description: 'Rows of the file.' }),
        failed: Type.Integer({ description: 'Rows that were not, or would not be, applied.' }),
        changed: integerOrNull('Rows that would change their SKU; null if it was no dry run.'),
        unchanged: integerOrNull('Rows that would change nothing; null if it was no dry run.'),
        to_zero: integerOrNull(
          'Rows that would set a quantity in stock to 0; null if it was no dry run.',
        ),
        zeroed: integerOrNull(
          'SKUs that the snapshot would set to 0 because no row names them; null if it is no dry run of a snapshot.',
        ),
      },
      { additionalProperties: false },
    ),
    failures: Type.Array(
      Type.Object(
        {
          reason: Type.String({ description: 'Why the rows failed, without their own values.' }),
          status_code: Type.Integer(),
          count: Type.Integer({ description: 'How many rows failed for this reason.' }),
          example_row: Type.Integer({ description: 'The number of the first of them.' }),
          example_message: Type.String({ description: 'Its message.' }),
          candidates: Type.Array(Type.String(), {
            description: 'The `sku_id`s of the SKUs that it may mean.',
          }),
        },
        { additionalProperties: false },
      ),
      { description: 'The reasons, the most frequent first.' },
    ),
    pagination: paginationSchema('rows'),
    rows: Type.Array(ROW),
  },
  { title: 'FileEffects', additionalProperties: false },
);

type WouldChange = NonNullable<FailedLine['wouldChange']>;

interface RowEffect {
  readonly row: number;
  readonly statusCode: number;
  readonly message: string;
  readonly skuId: string | null;
  readonly candidates: readonly string[];
  readonly wouldChange?: WouldChange | null | undefined;
}

interface Effects {
  readonly rows: readonly RowEffect[];
  readonly matchedCount: number;
  readonly totals: Readonly<Record<'rows' | 'failed' | 'changed' | 'unchanged' | 'toZero', number>>;
  readonly failures: readonly {
    readonly reason: string;
    readonly statusCode: number;
    readonly count: number;
    readonly example: RowEffect;
  }[];
}

export function printFileEffects(
  { asked, found }: Pick<FileRecord, 'asked' | 'found'>,
  page: PageRequest,
  { rows, matchedCount, totals, failures }: Effects,
): string {
  const ofDryRun = (count: number): number | null => (asked.dryRun ? count : null);
  const printed: Static<typeof FileEffectsSchema> = {
    totals: {
      rows: totals.rows,
      failed: totals.failed,
      changed: ofDryRun(totals.changed),
      unchanged: ofDryRun(totals.unchanged),
      to_zero: ofDryRun(totals.toZero),
      zeroed: asked.dryRun && asked.isSnapshot ? (found?.zeroedCount ?? null) : null,
    },
    failures: failures.map(({ reason, statusCode, count, example }) => ({
      reason,
      status_code: statusCode,
      count,
      example_row: example.row,
      example_message: example.message,
      candidates: [...example.candidates],
    })),
    pagination: printPagination(page, matchedCount),
    rows: rows.map(printRow),
  };
  return JSON.stringify(printed);
}

function printRow(effect: RowEffect): Static<typeof ROW> {
  const { row, statusCode, message, skuId, candidates, wouldChange } = effect;
  return {
    row,
    status_code: statusCode,
    message,
    sku_id: skuId,
    sku_uuid: wouldChange?.skuUuid ?? null,
    candidates: [...candidates],
    changes: wouldChange ? changesOf(wouldChange) : {},
  };
}

function changesOf({ before, after }: WouldChange): Static<typeof ROW>['changes'] {
  const was = new Map(Object.entries(printInventory(before)));
  return Object.fromEntries(
    Object.entries(printInventory(after)).flatMap(([field, to]) => {
      const from = was.get(field) ?? null;
      return from === to ? [] : [[field, { from, to }]];
    }),
  );
}

const { properties: rules } = FileRulesQuerySchema;

export const FilePreviewQuerySchema = Type.Object(
  {
    rows: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: PREVIEW_ROWS_MAX,
        default: PREVIEW_ROWS,
        description: 'How many rows to show at most.',
      }),
    ),
    ...rules,
  },
  { title: 'FilePreviewQuery', additionalProperties: false },
);

/** The parameter `rows`. Throws `parameter_invalid`. */
export function parsePreviewRows(query: Query): number {
  const values = query.get('rows') ?? [String(PREVIEW_ROWS)];
  const rows = /^[0-9]{1,3}$/.test(values[0] ?? '') ? Number(values[0]) : Number.NaN;
  if (values.length === 1 && rows <= PREVIEW_ROWS_MAX) return rows;
  throw new OnhandError(
    'parameter_invalid',
    `rows must be a whole number from 0 to ${PREVIEW_ROWS_MAX}, given once.`,
  );
}

export const FilePreviewSchema = Type.Object(
  {
    kind: Type.Enum(['inventory', 'catalogue'], { description: 'What the file is read as.' }),
    format: Type.String({ description: 'csv, xlsx, json, ndjson, x12 or edifact.' }),
    sheet: textOrNull({ description: 'The worksheet that is read.' }),
    other_sheets: Type.Array(Type.String(), { description: 'The worksheets that are not read.' }),
    header: Type.Array(Type.String(), { description: 'The names of the cells of a row.' }),
    header_problem: Type.Union([PROBLEM, Type.Null()], {
      description:
        'Why the header cannot be used, and what to do; null if it can. `header` is then the row that was most likely meant.',
    }),
    mapping: Type.Array(
      Type.Object(
        {
          header: Type.String({ description: 'The name that the file gives the column.' }),
          column: Type.String({ description: 'What it is read as.' }),
          by: Type.String({
            description: 'Why: `map` (a mapping), its own `name`, or a known `alias`.',
          }),
        },
        { additionalProperties: false },
      ),
    ),
    unknown_columns: Type.Array(Type.String(), { description: 'Columns that are ignored.' }),
    rows: Type.Array(
      Type.Object(
        {
          row: Type.Integer({ description: 'Its number in the file.' }),
          cells: Type.Array(Type.String(), { description: 'As written; long ones are cut.' }),
          problem: textOrNull({ description: 'Why it cannot be read; null if it can.' }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { title: 'FilePreview', additionalProperties: false },
);

interface Preview extends Pick<
  FileFindings,
  'kind' | 'format' | 'sheet' | 'columns' | 'unknownColumns'
> {
  readonly header: readonly string[];
  readonly headerProblem: FileProblem | null;
  readonly rows: readonly {
    readonly row: number;
    readonly cells: readonly string[];
    readonly problem: string | null;
  }[];
}

export function printFilePreview(preview: Preview): string {
  const printed: Static<typeof FilePreviewSchema> = {
    kind: preview.kind,
    format: preview.format,
    sheet: preview.sheet?.name ?? null,
    other_sheets: [...(preview.sheet?.others ?? [])],
    header: [...preview.header],
    header_problem: preview.headerProblem,
    mapping: preview.columns.map(({ header, target, by }) => ({ header, column: target, by })),
    unknown_columns: [...preview.unknownColumns],
    rows: preview.rows.map(({ row, cells, problem }) => ({ row, cells: [...cells], problem })),
  };
  return JSON.stringify(printed);
}
