/** The settings of how much of a file is read: a part of the table in `config.ts`. */
/** A setting that is a whole number. */
export interface NumberSetting {
  readonly variable: string;
  readonly fallback: number;
  readonly min: number;
  /** undefined means no limit. */
  readonly max?: number;
}

const MIB = 1024 * 1024;

/**
 * How much of a file is read, by the names of `FormatLimits` in `formats/format.ts`. Each is per file unless it
 * says otherwise.
 */
export const FORMAT_SETTINGS = {
  /** Bytes that an archive unpacks to. */
  inflatedBytesMax: {
    variable: 'ONHAND_FILE_UNPACKED_BYTES_MAX',
    fallback: 2048 * MIB,
    min: 1024,
  },
  /** How many times larger than packed a file of more than 8 MiB may be. */
  ratioMax: { variable: 'ONHAND_FILE_COMPRESSION_RATIO_MAX', fallback: 200, min: 1 },
  /** Files and folders in an archive. A workbook is an archive too. */
  entriesMax: { variable: 'ONHAND_FILE_ARCHIVE_ENTRIES_MAX', fallback: 1000, min: 20 },
  /** Columns of a table. */
  columnsMax: { variable: 'ONHAND_FILE_COLUMNS_MAX', fallback: 1000, min: 20 },
  /** Cells that the rows of a CSV file lack under its header. */
  missingCellsMax: { variable: 'ONHAND_FILE_MISSING_CELLS_MAX', fallback: 4_000_000, min: 0 },
  /** The same for a worksheet. */
  emptyCellsMax: { variable: 'ONHAND_SHEET_EMPTY_CELLS_MAX', fallback: 100_000_000, min: 0 },
  /** Characters of a cell. */
  cellCharactersMax: { variable: 'ONHAND_FILE_CELL_CHARACTERS_MAX', fallback: 32_767, min: 256 },
  /** Characters of a row of a table, a line or element of JSON, or a segment. */
  rowCharactersMax: { variable: 'ONHAND_FILE_ROW_CHARACTERS_MAX', fallback: MIB, min: 1024 },
  /** Rows. */
  rowsMax: { variable: 'ONHAND_FILE_ROWS_MAX', fallback: 20_000_000, min: 1 },
  /** Shared strings of a workbook, … */
  sharedStringsMax: { variable: 'ONHAND_SHARED_STRINGS_MAX', fallback: 4_000_000, min: 0 },
  /** … and bytes of them, which are held in the memory of the thread that reads. */
  sharedStringBytesMax: { variable: 'ONHAND_SHARED_STRING_BYTES_MAX', fallback: 64 * MIB, min: 0 },
  /** Characters of all cells of a worksheet. */
  sheetCharactersMax: { variable: 'ONHAND_SHEET_CHARACTERS_MAX', fallback: 256 * MIB, min: 1024 },
  /** Sheets of a workbook. */
  sheetsMax: { variable: 'ONHAND_SHEETS_MAX', fallback: 1000, min: 1 },
  /** Cell formats of a workbook, and its number formats. Spreadsheets write at most 65,490. */
  cellFormatsMax: { variable: 'ONHAND_CELL_FORMATS_MAX', fallback: 65_536, min: 1 },
  /** Merged cells of a worksheet. */
  mergedCellsMax: { variable: 'ONHAND_MERGED_CELLS_MAX', fallback: 65_536, min: 0 },
} as const satisfies Readonly<Record<string, NumberSetting>>;
