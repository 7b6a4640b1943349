/** What all formats share: their limits, the rows that they yield, and how a row becomes a line. */
import { OnhandError } from '../domain/errors.ts';
import type { GtinForm } from '../domain/gtin.ts';
import type { Inventory } from '../domain/inventory.ts';
import { SKU_ID_CODE_POINTS_MAX, type LineDraft } from '../domain/lines.ts';
import type { ArchiveLimits } from './archive/zip.ts';

/** How much of a file is read; the defaults are in `config.ts`. The error names the place where a limit is exceeded. */
export interface FormatLimits extends ArchiveLimits {
  /** Columns of a table. */
  readonly columnsMax: number;
  /** Cells that the rows of a CSV file lack under its header, all together. A results file has them. */
  readonly missingCellsMax: number;
  /** The same for a workbook, whose rows leave out empty cells. */
  readonly emptyCellsMax: number;
  /** Characters of one cell. A row with a longer cell is refused; the other rows are read. */
  readonly cellCharactersMax: number;
  /** Characters of one row: a line of NDJSON, an element of an array, a segment, a row of a table. */
  readonly rowCharactersMax: number;
  /** Rows of a file, refused rows included; in a table, blank rows too. */
  readonly rowsMax: number;
  /** Shared strings of a workbook. */
  readonly sharedStringsMax: number;
  /** Bytes of them in UTF-8. They are held in memory while the workbook is read. */
  readonly sharedStringBytesMax: number;
  /** Characters of all cells of a worksheet. A shared string counts once per cell. */
  readonly sheetCharactersMax: number;
  /** Sheets of a workbook. */
  readonly sheetsMax: number;
  /** Cell formats of a workbook, and its number formats. */
  readonly cellFormatsMax: number;
  /** Merged cells of a worksheet. */
  readonly mergedCellsMax: number;
}

/** The error for a file with too many rows; `first` is the number of the first row beyond the limit. */
export function tooManyRows(rowsMax: number, first: number): OnhandError {
  return new OnhandError(
    'too_many_lines',
    `The file has more than ${rowsMax} rows; the first too many is number ${first}. Send it in several files.`,
  );
}

/** What a row number counts, from 1. */
export type RowUnit = 'row' | 'line' | 'element' | 'segment';

/** One row of an inventory file and its line, which carries a `refusal` if the row cannot be read. */
export interface FileRow {
  readonly row: number;
  /** The row's cells as written, one per column, for the results file. */
  readonly cells: readonly string[];
  readonly line: LineDraft;
  /** Sentences about values that were changed or ignored, although the row is applied. */
  readonly warnings?: readonly string[];
  /** Where its quantity is, if the file says so: rows of one SKU are then parts of its stock, even if equal. */
  readonly location?: string;
  /** Whether the location is all of them: the row is the total of the SKU's others. */
  readonly isTotal?: true;
  /** The day of its quantity, as written, if the file says so. */
  readonly day?: string;
  /** The name of its place or status, if its stock cannot be sold: it is no part of what its SKU has in stock. */
  readonly unsellable?: string;
}

/**
 * A row whose stock cannot be sold: it is not applied, unless the rows of its SKU are added up, and it is left out of
 * their total.
 *
 * @param place where the row says so, for its message
 * @param keep what to send to have it read as any other row
 */
export function unsellableRow(
  row: FileRow,
  name: string,
  {
    place,
    keep,
    isSummed,
  }: { readonly place: string; readonly keep: string; readonly isSummed: boolean },
): FileRow {
  const { line } = row;
  if (line.refusal !== undefined || line.fields.quantityInStock === undefined) return row;
  if (isSummed) return { ...row, unsellable: name };
  const { skuId, alternatives, gtins } = line;
  const message = `${place}: ${quoted(name)} is stock that cannot be sold, so the row is left out. ${keep}`;
  return {
    ...row,
    line: { skuId, alternatives, gtins, fields: {}, refusal: { message, namesRead: true } },
    unsellable: name,
  };
}

/** A row that cannot be read at all. */
export function refusedRow(row: number, cells: readonly string[], message: string): FileRow {
  return {
    row,
    cells,
    line: { skuId: null, gtins: [], fields: {}, refusal: { message, namesRead: false } },
  };
}

/** Most faults of one row that its message names: a row of an EDI file may have millions of segments. */
const FAULTS_MAX = 50;

/** Collects what one row says, valid or not, and builds its line. */
export class RowDraft {
  skuId: string | null = null;
  /** Further `sku_id`s, which are tried in order if no SKU has `skuId`. */
  alternatives: readonly string[] | undefined = undefined;
  readonly gtins: number[] = [];
  readonly fields: { -readonly [Name in keyof Inventory]?: Inventory[Name] } = {};
  /** The identifiers as written in the file. */
  readonly asSent: Record<string, string> = {};
  readonly #faults: string[] = [];
  readonly #warnings: string[] = [];
  readonly #missing: string[] = [];
  #hasIdentifier = false;
  #hasFaultyIdentifier = false;
  #hasField = false;

  /** Whether the row has an identifier, valid or not. */
  get hasIdentifier(): boolean {
    return this.#hasIdentifier;
  }

  /** Sentences about values that were changed or ignored. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  setSkuId(text: string): void {
    this.#hasIdentifier = true;
    this.skuId = text;
    this.asSent['sku_id'] = text;
  }

  addGtin(form: GtinForm, gtin: number, text: string): void {
    this.#hasIdentifier = true;
    this.asSent[form] = text;
    if (!this.gtins.includes(gtin)) this.gtins.push(gtin);
  }

  setField(name: keyof Inventory, value: number | null): void {
    this.#hasField = true;
    this.fields[name] = value;
  }

  addIdentifierFault(message: string): void {
    this.#hasIdentifier = true;
    this.#hasFaultyIdentifier = true;
    this.#addFault(message);
  }

  addFieldFault(message: string): void {
    this.#hasField = true;
    this.#addFault(message);
  }

  #addFault(message: string): void {
    if (this.#faults.length < FAULTS_MAX) this.#faults.push(message);
  }

  /** Notes a placeholder, such as `N/A`, in an identifier column. It matters only if the row has no identifier. */
  addMissing(message: string): void {
    this.#missing.push(message);
  }

  /** Notes a problem that refuses the row only if the row sets nothing else. */
  addWarning(message: string): void {
    this.#warnings.push(message);
  }

  /** The line, or a refusal that lists every fault. The callbacks say what is missing. */
  build(noIdentifier: () => string, noField: () => string): LineDraft {
    const { skuId, alternatives, gtins, fields, asSent } = this;
    if (!this.#hasIdentifier) this.#faults.push(...this.#missing, noIdentifier());
    if (!this.#hasField) this.#faults.push(...this.#warnings, noField());
    if (this.#faults.length > 0) {
      const namesRead = this.#hasIdentifier && !this.#hasFaultyIdentifier;
      const refusal = { message: this.#faults.join(' '), namesRead };
      return { skuId, alternatives, gtins, fields: {}, refusal };
    }
    return gtins.length === 0
      ? { skuId, alternatives, gtins, fields }
      : { skuId, alternatives, gtins, fields, asSent };
  }
}

export const SKU_ID_LENGTH = `a sku_id has 1 to ${SKU_ID_CODE_POINTS_MAX} characters`;

/** Text of an uploaded file as a message shows it: in quotes, printable and short. */
export function quoted(text: string, charactersMax = 64): string {
  if (text.length <= charactersMax) return JSON.stringify(text.toWellFormed());
  return `${JSON.stringify(text.slice(0, charactersMax).toWellFormed())}…`;
}
