import { gzipSync } from 'node:zlib';
import { printDate, restrictionName } from '../../src/domain/inventory.ts';
import { writeXlsx } from '../../src/formats/xlsx/writer.ts';
import { zipOf } from './archives.ts';
import { all } from './reading.ts';
import { report } from './edifact.ts';
import { envelope, set846 } from './x12.ts';

/** A line that every format can hold. */
export interface AnyLine {
  readonly skuId?: string;
  readonly gtin?: { readonly form: 'upca' | 'ean13' | 'gtin14' | 'isbn'; readonly text: string };
  readonly inStock?: number;
  readonly onBackorder?: number;
  /** yyyymmdd. */
  readonly backorderDate?: number;
  /** A restriction's number, or null for none. */
  readonly restrictions?: number | null | undefined;
}

/** A way to write lines. */
export interface Writing {
  readonly format: 'csv' | 'xlsx' | 'json' | 'ndjson' | 'x12' | 'edifact';
  readonly packing: 'gzip' | 'zip' | null;
  readonly separator: ',' | ';' | '\t' | '|';
  readonly lineEnd: '\n' | '\r\n' | '\r';
  readonly encoding: 'utf8' | 'marked' | 'utf16le' | 'utf16be';
  readonly isQuoted: boolean;
  readonly release: '4010' | '5010';
}

const COLUMNS = [
  'sku_id',
  'upca',
  'ean13',
  'gtin14',
  'isbn',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

export async function write(lines: readonly AnyLine[], writing: Writing): Promise<Buffer> {
  if (writing.format === 'xlsx') return writeWorkbook(lines);
  const text = Buffer.from(PRINTERS[writing.format](lines, writing));
  if (writing.packing === 'gzip') return gzipSync(text);
  return writing.packing === 'zip' ? zipOf([{ name: 'stock', content: text }]) : text;
}

async function writeWorkbook(lines: readonly AnyLine[]): Promise<Buffer> {
  const rows = async function* (): AsyncGenerator<readonly string[]> {
    yield await Promise.resolve(COLUMNS);
    for (const line of lines) yield cellsOf(line);
  };
  const bytes: AsyncIterable<Buffer> = writeXlsx(rows());
  return Buffer.concat(await all(bytes));
}

function cellsOf(line: AnyLine): readonly string[] {
  const { skuId = '', gtin, inStock, onBackorder, backorderDate, restrictions } = line;
  return [
    skuId,
    ...(['upca', 'ean13', 'gtin14', 'isbn'] as const).map((form) =>
      gtin?.form === form ? gtin.text : '',
    ),
    String(inStock ?? ''),
    String(onBackorder ?? ''),
    backorderDate === undefined ? '' : printDate(backorderDate),
    restrictions === null ? 'NULL' : (restrictionName(restrictions ?? null) ?? ''),
  ];
}

type Printer = (lines: readonly AnyLine[], writing: Writing) => Buffer | string;

const PRINTERS: Readonly<Record<Exclude<Writing['format'], 'xlsx'>, Printer>> = {
  csv: printCsv,
  json: (lines, { encoding }) => encoded(JSON.stringify(lines.map(memberOf), null, 1), encoding),
  ndjson: (lines, { encoding, lineEnd }) =>
    encoded(
      lines
        .map((line) => JSON.stringify(memberOf(line)) + (lineEnd === '\r' ? '\n' : lineEnd))
        .join(''),
      encoding,
    ),
  x12: printAdvice,
  edifact: printReport,
};

function printCsv(lines: readonly AnyLine[], writing: Writing): Buffer {
  const { separator, lineEnd, isQuoted, encoding } = writing;
  const cell = (text: string): string =>
    isQuoted || /[",;\t|\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const rows = [COLUMNS, ...lines.map(cellsOf)];
  return encoded(rows.map((cells) => cells.map(cell).join(separator) + lineEnd).join(''), encoding);
}

function encoded(text: string, encoding: Writing['encoding']): Buffer {
  switch (encoding) {
    case 'utf8':
      return Buffer.from(text);
    case 'marked':
      return Buffer.from(`\uFEFF${text}`);
    case 'utf16le':
      return Buffer.from(`\uFEFF${text}`, 'utf16le');
    case 'utf16be':
      return Buffer.from(`\uFEFF${text}`, 'utf16le').swap16();
  }
}

function memberOf(line: AnyLine): Readonly<Record<string, unknown>> {
  const { skuId, gtin, inStock, onBackorder, backorderDate, restrictions } = line;
  return {
    sku_id: skuId,
    ...(gtin !== undefined && { [gtin.form]: gtin.text }),
    quantity_in_stock: inStock,
    quantity_on_backorder: onBackorder,
    backorder_date: backorderDate === undefined ? undefined : printDate(backorderDate),
    restrictions: restrictions === undefined ? undefined : restrictionName(restrictions),
  };
}

const GTIN_CODES = { upca: 'UP', ean13: 'EN', gtin14: 'UK', isbn: 'IB' } as const;
const STATUSES: readonly string[] = ['ACTIVE', 'DISCONTINUED', 'UNAVAILABLE'];

function printAdvice(lines: readonly AnyLine[], { release }: Writing): string {
  // No text has one of these, nor a line break.
  const delimiters = { element: '\u001d', component: '\u001f', segment: '\u001c' };
  const segments = lines.flatMap(itemOf).map((elements) => elements.join(delimiters.element));
  return envelope([set846(segments)], { ...delimiters, release });
}

const NUMBER_TYPES = { upca: 'UP', ean13: 'EN', gtin14: 'SRV', isbn: 'IB' } as const;

/** Restrictions cannot be written. */
function printReport(lines: readonly AnyLine[]): string {
  const segments = lines.flatMap((line, i) => {
    const { skuId, gtin, inStock, onBackorder, backorderDate } = line;
    const number = gtin === undefined ? '' : `++${gtin.text}:${NUMBER_TYPES[gtin.form]}`;
    const released = skuId?.replaceAll(/[+:'?]/g, '?$&');
    return [
      `LIN+${i + 1}${number}`,
      ...(released === undefined ? [] : [`PIA+1+${released}:SA`]),
      ...(inStock === undefined ? [] : [`QTY+145:${inStock}:PCE`]),
      ...(onBackorder === undefined ? [] : [`QTY+83:${onBackorder}`]),
      ...(backorderDate === undefined ? [] : [`DTM+44:${backorderDate}:102`]),
    ];
  });
  return report(segments, { characterSet: 'UNOW' });
}

function itemOf(line: AnyLine, i: number): readonly (readonly string[])[] {
  const { skuId, gtin, inStock, onBackorder, backorderDate, restrictions } = line;
  const lin = ['LIN', String(i + 1)];
  if (skuId !== undefined) lin.push('SK', skuId);
  if (gtin !== undefined) lin.push(GTIN_CODES[gtin.form], gtin.text);
  const segments = [lin];
  if (inStock !== undefined) segments.push(['QTY', '33', String(inStock), 'EA']);
  if (onBackorder !== undefined) segments.push(['QTY', '63', String(onBackorder), 'EA']);
  if (backorderDate !== undefined) segments.push(['DTM', '018', String(backorderDate)]);
  if (restrictions !== undefined) segments.push(['REF', 'ACC', STATUSES[restrictions ?? 0] ?? '']);
  return segments;
}
