import type { FilePreview, FileWithBatches } from '../../../client/src/index.ts';

/** What a column can be read as; `ignore` leaves it out. */
export const COLUMN_TARGETS = [
  'sku_id',
  'gtin',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
  'status',
  'discontinued',
  'hidden',
  'title',
] as const;

export const IGNORE = 'ignore';

/** One column of a file: its header, its first values, and what it is read as. */
export interface FileColumn {
  readonly header: string;
  readonly samples: readonly string[];
  /** What the column is read as; undefined if it is not read. */
  readonly column: string | undefined;
  /** Whether someone said so. */
  readonly isMapped: boolean;
}

const SAMPLE_COUNT = 3;

/** The columns in the order of the file; in that of the file's status if it could not be previewed. */
export function columnsOf(
  file: FileWithBatches,
  preview: FilePreview | undefined,
): readonly FileColumn[] {
  const mapping = preview?.mapping ?? file.mapping;
  const headers = preview?.header ?? [
    ...file.mapping.map(({ header }) => header),
    ...file.unknown_columns,
  ];
  return headers.flatMap((header, place) => {
    if (header.trim() === '') return [];
    const read = mapping.find((each) => each.header === header);
    const samples = (preview?.rows ?? [])
      .map(({ cells }) => cells[place] ?? '')
      .filter((cell) => cell !== '');
    return [
      {
        header,
        samples: samples.slice(0, SAMPLE_COUNT),
        column: read?.column === IGNORE ? undefined : read?.column,
        isMapped: read?.by === 'map',
      },
    ];
  });
}
