import { OnhandError } from '../../domain/errors.ts';
import type { TableRow, UnreadableCell } from '../table/table.ts';
import type { FormatLimits } from '../format.ts';

/** Cells that a spreadsheet shows as one. Rows are counted from 1, columns from 0; all are inclusive. */
export interface Merge {
  readonly firstRow: number;
  readonly lastRow: number;
  readonly firstPlace: number;
  readonly lastPlace: number;
}

/** A merged cell as it is written below the rows of a sheet. */
const MERGE =
  /<(?:\w+:)?mergeCell\s[^<>]*?\bref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']/g;

/** Longest `mergeCell` tag that is found if it is cut by the end of a chunk. */
const MERGE_TAG_CHARACTERS_MAX = 256;

const ROWS_END = /<\/(?:\w+:)?sheetData\s*>|<(?:\w+:)?sheetData\s*\/>/;

/**
 * The merged cells of a worksheet, in order of their first rows. A worksheet lists them below its rows, so
 * that it has to be unpacked once before its rows can be read. Rejects with `body_too_large` if there are
 * more than `mergedCellsMax`.
 */
export async function readMerges(
  bytes: AsyncIterable<Buffer>,
  part: string,
  { mergedCellsMax, columnsMax }: FormatLimits,
): Promise<readonly Merge[]> {
  const merges: Merge[] = [];
  let areRowsOver = false;
  let carried = '';
  for await (const chunk of bytes) {
    const text = carried + chunk.toString('latin1');
    carried = text.slice(-MERGE_TAG_CHARACTERS_MAX);
    // Most chunks hold rows. A quick look for the end tag's name tells.
    areRowsOver ||= text.includes('sheetData') && ROWS_END.test(text);
    if (!areRowsOver) continue;
    let end = 0;
    for (const match of text.matchAll(MERGE)) {
      end = match.index + match[0].length;
      const [, firstColumn = '', firstRow, lastColumn = '', lastRow] = match;
      if (merges.length >= mergedCellsMax) throw tooManyMerges(part, mergedCellsMax);
      merges.push({
        firstRow: Number(firstRow),
        lastRow: Number(lastRow),
        firstPlace: placeOf(firstColumn),
        lastPlace: Math.min(placeOf(lastColumn), columnsMax - 1),
      });
    }
    carried = text.slice(Math.max(end, text.length - MERGE_TAG_CHARACTERS_MAX));
  }
  return merges.toSorted((a, b) => a.firstRow - b.firstRow);
}

function placeOf(letters: string): number {
  let column = 0;
  for (const letter of letters) column = 26 * column + letter.charCodeAt(0) - 0x40;
  return column - 1;
}

function tooManyMerges(part: string, mergedCellsMax: number): OnhandError {
  return new OnhandError(
    'body_too_large',
    `${part} of the workbook has more than ${mergedCellsMax} merged cells; unmerge them, or send the sheet as CSV.`,
  );
}

/** A merge whose first row was passed, and what its first cell holds. */
interface OpenMerge extends Merge {
  readonly text: string;
  readonly unreadable: string | undefined;
}

type CellRow = Extract<TableRow, { readonly cells: readonly string[] }>;

/**
 * Fills each merged cell with the value of its first: a spreadsheet stores the value there only. Rows that
 * the worksheet leaves out stay left out. Rejects with `body_malformed` if merged cells overlap, and with
 * `body_too_large` beyond the limit for the characters of a sheet.
 */
export async function* filledRows(
  rowArrays: AsyncGenerator<readonly TableRow[]>,
  merges: readonly Merge[],
  part: string,
  limits: FormatLimits,
): AsyncGenerator<readonly TableRow[]> {
  const filler = new MergeFiller(merges, part, limits);
  for await (const rows of rowArrays) yield rows.map((row) => filler.fill(row));
}

class MergeFiller {
  readonly #merges: readonly Merge[];
  readonly #part: string;
  readonly #limits: FormatLimits;
  #next = 0;
  #open: readonly OpenMerge[] = [];
  #characters = 0;

  constructor(merges: readonly Merge[], part: string, limits: FormatLimits) {
    this.#merges = merges;
    this.#part = part;
    this.#limits = limits;
  }

  fill(row: TableRow): TableRow {
    if (this.#open.length > 0) this.#open = this.#open.filter((merge) => merge.lastRow >= row.row);
    const begun = this.#begin(row);
    if ('fault' in row || this.#open.length === 0) return row;
    const cells = [...row.cells];
    const unreadable = [...(row.unreadable ?? [])];
    for (const merge of this.#open) this.#fillMerge(row, merge, cells, unreadable);
    return {
      row: row.row,
      cells,
      ...(unreadable.length > 0 && { unreadable }),
      ...(row.fractions !== undefined && { fractions: row.fractions }),
      ...(begun > 0 && { mergedRows: begun }),
    };
  }

  /** Opens the merges that begin in this row. Returns how many rows the tallest of them spans. */
  #begin(row: TableRow): number {
    let rows = 0;
    const begun: OpenMerge[] = [];
    for (;;) {
      const merge = this.#merges[this.#next];
      if (merge === undefined || merge.firstRow > row.row) break;
      this.#next += 1;
      // The first row of an earlier merge was left out, so it has no value.
      if (merge.firstRow < row.row || 'fault' in row) continue;
      if (merge.firstPlace >= this.#limits.columnsMax) continue;
      const text = row.cells[merge.firstPlace] ?? '';
      const unreadable = row.unreadable?.find(({ place }) => place === merge.firstPlace)?.reason;
      begun.push({ ...merge, text, unreadable });
      rows = Math.max(rows, merge.lastRow - merge.firstRow + 1);
    }
    if (begun.length > 0) this.#open = [...this.#open, ...begun];
    if (this.#open.length > this.#limits.columnsMax) throw overlapping(this.#part);
    return rows;
  }

  #fillMerge(
    { row }: CellRow,
    { text, unreadable: reason, firstRow, firstPlace, lastPlace }: OpenMerge,
    cells: string[],
    unreadable: UnreadableCell[],
  ): void {
    if (text === '' && reason === undefined) return;
    const { sheetCharactersMax } = this.#limits;
    for (
      let place = row === firstRow ? firstPlace + 1 : firstPlace;
      place <= lastPlace;
      place += 1
    ) {
      this.#characters += text.length;
      if (this.#characters > sheetCharactersMax)
        throw tooManyCharacters(this.#part, sheetCharactersMax);
      while (cells.length <= place) cells.push('');
      cells[place] = text;
      if (reason !== undefined) unreadable.push({ place, reason });
    }
  }
}

function overlapping(part: string): OnhandError {
  return new OnhandError(
    'body_malformed',
    `${part} of the workbook is damaged: merged cells overlap. Open it in a spreadsheet and save it again.`,
  );
}

function tooManyCharacters(part: string, sheetCharactersMax: number): OnhandError {
  return new OnhandError(
    'body_too_large',
    `The merged cells of ${part} would hold more than ${sheetCharactersMax} characters; unmerge them, or send the sheet as CSV.`,
  );
}
