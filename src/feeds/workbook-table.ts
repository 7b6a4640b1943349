import { OnhandError } from '../domain/errors.ts';
import { areAnnotations } from './annotations.ts';
import type { SheetRow } from './sheet-rows.ts';
import { readSheet, type Sheet, type Workbook } from './xlsx.ts';

/** The one table of a workbook that is read. */
export interface WorkbookTable<Header> {
  readonly sheetName: string;
  /** Names of the sheets that are not read. */
  readonly otherSheets: readonly string[];
  readonly headerRow: number;
  readonly headerCells: readonly string[];
  readonly header: Header;
  /**
   * The rows below the header and its annotations, in pieces; each row has as many cells as the header
   * at least, and more only where something stands beside the table. To be read once.
   */
  readonly rows: AsyncGenerator<readonly SheetRow[]>;
}

/**
 * Finds the first sheet whose first row that holds anything is a header: one that `match` does not
 * refuse by `body_malformed`. Hidden sheets are passed over. Rejects with `body_malformed` where there
 * is none, saying what is wrong with the first sheet that holds anything.
 */
export async function openTable<Header>(
  workbook: Workbook,
  match: (cells: readonly string[]) => Header,
): Promise<WorkbookTable<Header>> {
  let refusal: OnhandError | undefined;
  for (const sheet of workbook.sheets) {
    if (sheet.isHidden) continue;
    const pieces = readSheet(workbook, sheet);
    try {
      const table = await tryTable(pieces, match);
      if (table !== undefined) {
        const others = workbook.sheets.filter((other) => other !== sheet);
        return { sheetName: sheet.name, otherSheets: others.map((other) => other.name), ...table };
      }
    } catch (error) {
      await pieces.return(undefined);
      if (!(error instanceof HeaderRefusal)) throw error;
      refusal ??= refusalOf(error, sheet, workbook);
    }
  }
  throw refusal ?? new OnhandError('body_malformed', 'The workbook is empty; a header is needed.');
}

/** Says that `match` refused the header, as against a sheet that cannot be read. */
class HeaderRefusal extends Error {
  override readonly name = 'HeaderRefusal';
}

async function tryTable<Header>(
  pieces: AsyncGenerator<readonly SheetRow[]>,
  match: (cells: readonly string[]) => Header,
): Promise<
  Pick<WorkbookTable<Header>, 'headerRow' | 'headerCells' | 'header' | 'rows'> | undefined
> {
  const rows = await readAtLeast(pieces, HEADER_AND_ANNOTATIONS);
  const [first, ...below] = rows;
  if (first === undefined) return undefined;
  if ('fault' in first) throw new HeaderRefusal(`The header ${first.fault}.`);
  const { row: headerRow, cells: headerCells } = first;
  const header = tryMatch(headerCells, match);
  const start = areAnnotations(below[0], below[1]) ? below.slice(2) : below;
  return { headerRow, headerCells, header, rows: padded(start, pieces, headerCells.length) };
}

const HEADER_AND_ANNOTATIONS = 3;

async function readAtLeast(
  pieces: AsyncGenerator<readonly SheetRow[]>,
  count: number,
): Promise<readonly SheetRow[]> {
  const rows: SheetRow[] = [];
  while (rows.length < count) {
    const next = await pieces.next();
    if (next.done === true) break;
    rows.push(...next.value);
  }
  return rows;
}

function tryMatch<Header>(
  cells: readonly string[],
  match: (cells: readonly string[]) => Header,
): Header {
  try {
    return match(cells);
  } catch (error) {
    if (!(error instanceof OnhandError) || error.code !== 'body_malformed') throw error;
    throw new HeaderRefusal(error.message, { cause: error });
  }
}

function refusalOf(refusal: HeaderRefusal, sheet: Sheet, workbook: Workbook): OnhandError {
  const where =
    workbook.sheets.length > 1
      ? `None of the ${workbook.sheets.length} sheets has a header that can be used. `
      : '';
  return new OnhandError('body_malformed', `${where}Sheet "${sheet.name}": ${refusal.message}`, {
    cause: refusal,
  });
}

async function* padded(
  start: readonly SheetRow[],
  rest: AsyncGenerator<readonly SheetRow[]>,
  width: number,
): AsyncGenerator<readonly SheetRow[]> {
  try {
    if (start.length > 0) yield start.map((row) => paddedRow(row, width));
    for await (const rows of rest) yield rows.map((row) => paddedRow(row, width));
  } finally {
    await rest.return(undefined);
  }
}

/** Empty cells at the end of a row are not in the file; a row that is as wide as the header is itself. */
function paddedRow(row: SheetRow, width: number): SheetRow {
  if ('fault' in row || row.cells.length >= width) return row;
  const missing = Array.from({ length: width - row.cells.length }, () => '');
  return { ...row, cells: [...row.cells, ...missing] };
}
