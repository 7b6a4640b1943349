import { OnhandError } from '../../domain/errors.ts';
import type { FormatLimits } from '../limits.ts';
import { openTable, type HeaderMatcher, type Table, type TableRow } from '../table/table.ts';
import { readSheet, type Sheet, type Workbook } from './workbook.ts';

/** The one table of a workbook that is read. */
export interface WorkbookTable<Header> extends Table<Header> {
  readonly sheet: ReadSheet;
}

/** The worksheet that is read. */
export interface ReadSheet {
  readonly name: string;
  /** Its part in the archive. */
  readonly part: string;
  /** Names of the sheets that are not read. */
  readonly others: readonly string[];
}

/**
 * Finds the first sheet that has a header (see `openTable`). Hidden sheets are passed over. Rejects
 * with `body_malformed` where there is none, saying what is wrong with the first sheet that holds
 * anything. Empty cells at the end of a row are not in the file: rows are filled up to the header.
 */
export async function openWorkbookTable<Header>(
  workbook: Workbook,
  match: HeaderMatcher<Header>,
  limits: FormatLimits,
): Promise<WorkbookTable<Header>> {
  const terms = { cellCharactersMax: limits.cellCharactersMax, isSparse: true };
  let refusal: OnhandError | undefined;
  for (const sheet of workbook.sheets) {
    if (sheet.isHidden) continue;
    const probe = new SheetProbe();
    const pieces = probe.watch(readSheet(workbook, sheet));
    try {
      const table = await openTable(pieces, match, terms);
      const { name, part } = sheet;
      const others = workbook.sheets.filter((other) => other !== sheet).map((other) => other.name);
      return { sheet: { name, part, others }, ...table };
    } catch (error) {
      await pieces.return(undefined);
      if (!(error instanceof OnhandError) || probe.isBroken) throw error;
      if (probe.holdsRows) refusal ??= refusalOf(error, sheet, workbook);
    }
  }
  throw refusal ?? new OnhandError('body_malformed', 'The workbook is empty; a header is needed.');
}

/** Tells a sheet without a header, behind which another may have one, from a sheet that cannot be read. */
class SheetProbe {
  holdsRows = false;
  isBroken = false;

  async *watch(pieces: AsyncGenerator<readonly TableRow[]>): AsyncGenerator<readonly TableRow[]> {
    try {
      for await (const rows of pieces) {
        this.holdsRows = true;
        yield rows;
      }
    } catch (error) {
      this.isBroken = true;
      throw error;
    }
  }
}

function refusalOf(refusal: OnhandError, sheet: Sheet, workbook: Workbook): OnhandError {
  const where =
    workbook.sheets.length > 1
      ? `None of the ${workbook.sheets.length} sheets has a header that can be used. `
      : '';
  return new OnhandError('body_malformed', `${where}Sheet "${sheet.name}": ${refusal.message}`, {
    cause: refusal,
  });
}
