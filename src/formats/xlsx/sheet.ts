import { OnhandError } from '../../domain/errors.ts';
import type { FormatLimits } from '../format.ts';
import { numberText, PLAIN, type NumberStyle } from './numbers.ts';
import { RichText, unescaped, type SharedStrings } from './strings.ts';
import type { TableRow, UnreadableCell } from '../table/table.ts';
import {
  readXml,
  tooLongText,
  XML_TOKEN_CHARACTERS_MAX,
  type XmlAttributes,
  type XmlListener,
} from './xml.ts';

/** Most rows of a worksheet. */
export const SHEET_ROWS_MAX = 1_048_576;

/** Most columns of a worksheet: the last is XFD. */
export const SHEET_COLUMNS_MAX = 16_384;

/** What the cells of a workbook refer to. */
export interface SheetContext {
  readonly strings: SharedStrings;
  /** Indexed by a cell's style number. */
  readonly styles: readonly NumberStyle[];
  readonly starts1904: boolean;
  readonly limits: FormatLimits;
}

/**
 * Reads the rows of a worksheet, a few at a time, without empty ones. Rejects with `body_malformed` if
 * the part is damaged or its cells are out of order, and with `body_too_large` if it exceeds a limit
 */
export async function* readSheetRows(
  bytes: AsyncIterable<Uint8Array>,
  part: string,
  context: SheetContext,
): AsyncGenerator<readonly TableRow[]> {
  const reader = new SheetReader(context, part);
  for await (const _ of readXml(bytes, part, reader)) {
    const rows = reader.takeRows();
    if (rows.length > 0) yield rows;
  }
}

class SheetReader implements XmlListener {
  readonly #context: SheetContext;
  readonly #part: string;
  #rows: TableRow[] = [];
  #isInData = false;
  #characters = 0;

  #row = 0;
  #cells: string[] = [];
  #rowCharacters = 0;
  #unreadable: UnreadableCell[] | undefined;
  #fractions: number[] | undefined;

  #place = -1;
  #type: string | undefined;
  #style: string | undefined;
  #isInValue = false;
  #hasFormula = false;
  #value = '';
  readonly #rich: RichText;

  constructor(context: SheetContext, part: string) {
    this.#context = context;
    this.#part = part;
    this.#rich = new RichText(part);
  }

  takeRows(): readonly TableRow[] {
    const rows = this.#rows;
    if (rows.length > 0) this.#rows = [];
    return rows;
  }

  readonly open = (name: string, attributes: XmlAttributes): void => {
    if (name === 'sheetData') this.#isInData = true;
    if (!this.#isInData) return;
    if (name === 'c') this.#startCell(attributes);
    else if (name === 'v') this.#isInValue = true;
    else if (name === 'row') this.#startRow(attributes['r']);
    else if (name === 'f') this.#hasFormula = true;
    else this.#rich.open(name);
  };

  readonly text = (chunk: string): void => {
    if (this.#isInValue) this.#addToValue(chunk);
    else if (this.#isInData) this.#rich.add(chunk);
  };

  readonly close = (name: string): void => {
    if (!this.#isInData) return;
    if (name === 'v') this.#isInValue = false;
    else if (name === 'c') this.#endCell();
    else if (name === 'row') this.#endRow();
    else if (name === 'sheetData') this.#isInData = false;
    else this.#rich.close(name);
  };

  #addToValue(chunk: string): void {
    this.#value = this.#value === '' ? chunk : this.#value + chunk;
    if (this.#value.length > XML_TOKEN_CHARACTERS_MAX) throw tooLongText(this.#part);
  }

  #startRow(reference: string | undefined): void {
    const row = reference === undefined ? this.#row + 1 : Number(reference);
    if (!Number.isInteger(row) || row > SHEET_ROWS_MAX)
      throw this.#malformed(`there is no row ${shown(reference ?? String(row))}`);
    if (row <= this.#row) throw this.#malformed(`row ${row} comes after row ${this.#row}`);
    this.#row = row;
    this.#place = -1;
    this.#cells = [];
    this.#rowCharacters = 0;
    this.#unreadable = undefined;
    this.#fractions = undefined;
  }

  #startCell(attributes: XmlAttributes): void {
    const reference = attributes['r'];
    const place = reference === undefined ? this.#place + 1 : this.#placeOf(reference);
    if (place >= SHEET_COLUMNS_MAX)
      throw this.#malformed(`row ${this.#row} has more than ${SHEET_COLUMNS_MAX} cells`);
    if (place <= this.#place) {
      throw this.#malformed(`cell ${shown(reference ?? '')} comes twice or out of order`);
    }
    this.#place = place;
    this.#type = attributes['t'];
    this.#style = attributes['s'];
    this.#isInValue = false;
    this.#hasFormula = false;
    this.#value = '';
    this.#rich.start();
  }

  /** The column, from 0, of a cell reference: `B7` in row 7 is 1. */
  #placeOf(reference: string): number {
    let column = 0;
    let row = 0;
    let i = 0;
    for (; i < reference.length; i += 1) {
      const letter = reference.charCodeAt(i) - 0x40;
      if (letter < 1 || letter > 26) break;
      column = 26 * column + letter;
    }
    for (; i < reference.length; i += 1) {
      const digit = reference.charCodeAt(i) - 0x30;
      row = digit < 0 || digit > 9 ? Number.NaN : 10 * row + digit;
    }
    if (row !== this.#row || column < 1 || column > SHEET_COLUMNS_MAX)
      throw this.#malformed(`row ${this.#row} cannot have a cell ${shown(reference)}`);
    return column - 1;
  }

  #endCell(): void {
    const text = this.#cellText();
    if (text === '') return;
    const place = this.#place;
    const { columnsMax, rowCharactersMax } = this.#context.limits;
    if (place >= columnsMax) {
      throw new OnhandError(
        'body_too_large',
        `Row ${this.#row} of ${this.#part} has a cell in column ${place + 1}; no more than ${columnsMax} are read. ` +
          'Send the columns that are needed.',
      );
    }
    this.#rowCharacters += text.length;
    if (this.#rowCharacters > rowCharactersMax) return;
    while (this.#cells.length < place) this.#cells.push('');
    this.#cells.push(text);
  }

  #cellText(): string {
    const value = this.#value;
    switch (this.#type) {
      case 's':
        return this.#sharedText(value);
      case 'inlineStr':
        return this.#rich.take();
      case 'str':
        return unescaped(value);
      case 'b':
        return value.trim() === '1' ? 'TRUE' : 'FALSE';
      case 'e':
        return this.#unreadableCell(value, `holds the error ${shown(value)}`);
      case undefined:
      default:
        if (value !== '') return this.#plainText(value);
        return this.#hasFormula ? this.#unreadableCell('', FORMULA_WITHOUT_VALUE) : '';
    }
  }

  /** The text of a number, or of a date in ISO format. */
  #plainText(value: string): string {
    if (this.#type === 'd') return /^\d{4}-\d\d-\d\d/.exec(value)?.[0] ?? value;
    const { styles, starts1904 } = this.#context;
    const style = this.#style === undefined ? styles[0] : styles[Number(this.#style)];
    const text = numberText(value, style ?? PLAIN, starts1904);
    if (text === undefined)
      return this.#unreadableCell(value, 'is marked as a number but is not one');
    if (text.includes('.')) (this.#fractions ??= []).push(this.#place);
    return text;
  }

  #sharedText(value: string): string {
    const text = this.#context.strings.at(Number(value));
    if (text === undefined) {
      throw this.#malformed(
        `a cell of row ${this.#row} names the shared text ${shown(value)}, which is missing`,
      );
    }
    return text;
  }

  #unreadableCell(text: string, reason: string): string {
    this.#unreadable ??= [];
    this.#unreadable.push({ place: this.#place, reason });
    return text;
  }

  #endRow(): void {
    const { sheetCharactersMax, rowCharactersMax } = this.#context.limits;
    this.#characters += this.#rowCharacters;
    if (this.#characters > sheetCharactersMax) {
      throw new OnhandError(
        'body_too_large',
        `The cells of ${this.#part} hold more than ${sheetCharactersMax} characters; send the rows in several files.`,
      );
    }
    const row = this.#row;
    if (this.#rowCharacters > rowCharactersMax) {
      this.#rows.push({ row, fault: `is longer than ${rowCharactersMax} characters` });
    } else if (this.#unreadable !== undefined || this.#cells.length > 0) {
      this.#rows.push({
        row,
        cells: this.#cells,
        ...(this.#unreadable !== undefined && { unreadable: this.#unreadable }),
        ...(this.#fractions !== undefined && { fractions: this.#fractions }),
      });
    }
  }

  #malformed(reason: string): OnhandError {
    return new OnhandError(
      'body_malformed',
      `${this.#part} of the workbook is damaged: ${reason}. Open it in a spreadsheet and save it again.`,
    );
  }
}

const FORMULA_WITHOUT_VALUE =
  'holds a formula whose value was not saved; open the file in a spreadsheet and save it';

const SHOWN_CHARACTERS = 40;

function shown(text: string): string {
  return text.slice(0, SHOWN_CHARACTERS).toWellFormed();
}
