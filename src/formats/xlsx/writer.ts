import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { SHEET_COLUMNS_MAX, SHEET_ROWS_MAX } from './sheet.ts';

/** A number is a finite number that spreadsheets can add up. */
export type Cell = string | number;

/** Most characters of a cell in a spreadsheet, in UTF-16 code units. */
export const CELL_CHARACTERS_MAX = 32_767;

/**
 * Streams rows as a workbook of one sheet, with bounded memory. A text stays a text, so that there are no
 * formulas and no number loses its leading zeros. Characters that XML cannot hold become U+FFFD; text
 * longer than `CELL_CHARACTERS_MAX` is cut and ends in `…`.
 *
 * The stream fails if the rows fail, and with a `RangeError` if there are more than `SHEET_ROWS_MAX` rows
 * or `SHEET_COLUMNS_MAX` columns. Destroy the stream to stop reading early.
 */
export function writeXlsx(rows: AsyncIterable<readonly Cell[]>): Readable {
  const zip = new ZipFile();
  const sheet = Readable.from(printSheet(rows), { objectMode: false });
  for (const [part, content] of Object.entries(FIXED_PARTS)) {
    zip.addBuffer(Buffer.from(content), part, UNDATED);
  }
  zip.addReadStream(sheet, 'xl/worksheets/sheet1.xml', {
    ...UNDATED,
    compressionLevel: COMPRESSION_LEVEL,
  });
  zip.end();
  const output = Readable.from(zip.outputStream, { objectMode: false });
  const fail = (error: Error): void => void output.destroy(error);
  zip.on('error', fail);
  // The archive does not listen before the sheet's turn: closing the rows earlier may fail, and that must not end the process.
  sheet.on('error', fail);
  output.once('close', () => sheet.destroy());
  return output;
}

/** A fixed timestamp, so that the same rows give the same bytes. */
const UNDATED = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true };

/** A low level: a higher one costs much time and saves about a tenth of the size. */
const COMPRESSION_LEVEL = 3;

/** How much text is collected before it is passed on, in characters. */
const CHUNK_CHARACTERS = 64 * 1024;

async function* printSheet(rows: AsyncIterable<readonly Cell[]>): AsyncGenerator<Buffer> {
  let printed = SHEET_START;
  let row = 0;
  for await (const cells of rows) {
    row += 1;
    if (row > SHEET_ROWS_MAX)
      throw new RangeError(`A worksheet holds no more than ${SHEET_ROWS_MAX} rows.`);
    printed += printRow(row, cells);
    if (printed.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(printed);
    printed = '';
  }
  yield Buffer.from(printed + SHEET_END);
}

function printRow(row: number, cells: readonly Cell[]): string {
  if (cells.length > SHEET_COLUMNS_MAX)
    throw new RangeError(`A worksheet holds no more than ${SHEET_COLUMNS_MAX} columns.`);
  let printed = `<row r="${row}">`;
  for (const [place, cell] of cells.entries()) {
    if (cell === '') continue;
    const name = `${columnName(place)}${row}`;
    printed +=
      typeof cell === 'number'
        ? `<c r="${name}"><v>${cell}</v></c>`
        : `<c r="${name}" t="inlineStr"><is><t xml:space="preserve">${printText(cell)}</t></is></c>`;
  }
  return `${printed}</row>`;
}

/** The name of a column: 0 is `A`, 26 is `AA`. */
export function columnName(place: number): string {
  const last = String.fromCharCode(0x41 + (place % 26));
  return place < 26 ? last : columnName(Math.floor(place / 26) - 1) + last;
}

/** Characters to escape or replace: XML's own, and control characters. */
const SPECIAL = /[&<>\ufffe\uffff]|_(?=x[0-9a-f]{4}_)|[^\P{Cc}\t\n\u007f-\u009f]/giu;

function printText(text: string): string {
  const short =
    text.length > CELL_CHARACTERS_MAX ? `${text.slice(0, CELL_CHARACTERS_MAX - 1)}…` : text;
  return short.toWellFormed().replaceAll(SPECIAL, (mark) => REPLACEMENTS[mark] ?? '\uFFFD');
}

const REPLACEMENTS: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  // XML reads a bare carriage return as a line feed.
  '\r': '&#13;',
  // Spreadsheets read `_x0041_` as an A.
  _: '_x005F_',
};

const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';

const SHEET_START = `${DECLARATION}<worksheet xmlns="${MAIN}"><sheetData>`;

// Numbers are stored as text on purpose: suppress the spreadsheet's warning in every cell.
const SHEET_END =
  '</sheetData><ignoredErrors><ignoredError sqref="A1:XFD1048576" numberStoredAsText="1"/></ignoredErrors></worksheet>';

const FIXED_PARTS: Readonly<Record<string, string>> = {
  '[Content_Types].xml':
    `${DECLARATION}<Types xmlns="${PACKAGE}/content-types">` +
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>' +
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>' +
    '</Types>',
  '_rels/.rels':
    `${DECLARATION}<Relationships xmlns="${PACKAGE}/relationships">` +
    `<Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  'xl/workbook.xml':
    `${DECLARATION}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}">` +
    '<sheets><sheet name="Results" sheetId="1" r:id="rId1"/></sheets></workbook>',
  'xl/_rels/workbook.xml.rels':
    `${DECLARATION}<Relationships xmlns="${PACKAGE}/relationships">` +
    `<Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
};
