import { OnhandError } from '../domain/errors.ts';
import { ARCHIVE_LIMITS, type ArchiveLimits } from './archive/zip.ts';

/** How much of a file is read. Whatever exceeds a limit is refused, at the place where it does. */
export interface FormatLimits extends ArchiveLimits {
  /** Columns of a table. */
  readonly columnsMax: number;
  /** Characters of one cell; a row with a longer one is refused by itself. */
  readonly cellCharactersMax: number;
  /** Characters of one row: a line of NDJSON, an element of an array, a segment, a row of a table. */
  readonly rowCharactersMax: number;
  /** Rows of a file, refused ones counted; in a table, blank ones too. */
  readonly rowsMax: number;
}

export const FORMAT_LIMITS: FormatLimits = {
  ...ARCHIVE_LIMITS,
  columnsMax: 1000,
  cellCharactersMax: 32_767,
  rowCharactersMax: 1_048_576,
  rowsMax: 20_000_000,
};

/** The refusal of a file that has more rows than are read; `first` is the number of the first too many. */
export function tooManyRows(rowsMax: number, first: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `The file has more than ${rowsMax} rows; the first too many is number ${first}. Send it in several files.`,
  );
}
