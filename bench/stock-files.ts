/** Generates files of each format. Each contains every SKU once, in scrambled order. */
import { Readable } from 'node:stream';
import { writeXlsx } from '../src/formats/xlsx/writer.ts';
import { skuIdOf } from './catalogue.ts';

export interface FileFormat {
  readonly name: string;
  /** Lines of the measured file. */
  readonly lines: number;
  /** @param shift of the quantities, so that consecutive files differ */
  readonly write: (lines: number, shift: number) => NodeJS.ReadableStream;
}

export const CSV: FileFormat = {
  name: 'CSV',
  lines: 1_000_000,
  write: (lines, shift) =>
    Readable.from(printed(cells(lines, shift), (row) => `${row.join(',')}\n`)),
};

export const NDJSON: FileFormat = {
  name: 'NDJSON',
  lines: 1_000_000,
  write: (lines, shift) => Readable.from(printed(cells(lines, shift, false), printJsonLine)),
};

export const XLSX: FileFormat = {
  name: 'XLSX',
  lines: 300_000,
  write: (lines, shift) => writeXlsx(cells(lines, shift)),
};

export const X12: FileFormat = {
  name: 'X12 846',
  lines: 200_000,
  write: (lines, shift) => Readable.from(x12Document(lines, shift)),
};

const HEADER = ['note', 'sku_id', 'quantity_in_stock', 'quantity_on_backorder', 'backorder_date'];

/** A prime that does not divide the number of lines: its multiples visit every SKU once. */
const STRIDE = 514_229;

async function* cells(
  lines: number,
  shift: number,
  hasHeader = true,
): AsyncGenerator<readonly string[]> {
  if (hasHeader) yield await Promise.resolve(HEADER);
  for (let i = 0; i < lines; i += 1) {
    const skuId = skuIdOf((i * STRIDE) % lines);
    yield [`Row ${i}`, skuId, String((i + shift) % 1000), String(i % 7), '2027-01-31'];
  }
}

function printJsonLine([
  ,
  skuId = '',
  inStock = '',
  onBackorder = '',
  date = '',
]: readonly string[]): string {
  return `{"sku_id":"${skuId}","quantity_in_stock":${inStock},"quantity_on_backorder":${onBackorder},"backorder_date":"${date}"}\n`;
}

/** Joins rows, because streams are slow with small chunks. */
async function* printed<T>(
  rows: AsyncIterable<T>,
  print: (row: T) => string,
): AsyncGenerator<string> {
  let text = '';
  for await (const one of rows) {
    text += print(one);
    if (text.length < 64 * 1024) continue;
    yield text;
    text = '';
  }
  yield text;
}

async function* x12Document(lines: number, shift: number): AsyncGenerator<string> {
  yield `ISA*00*${' '.repeat(10)}*00*${' '.repeat(10)}*ZZ*${'BENCH'.padEnd(15)}*ZZ*${'ONHAND'.padEnd(15)}*261123*0915*U*00401*000000001*0*P*>~`;
  yield 'GS*IB*BENCH*ONHAND*20261123*0915*1*X*004010~ST*846*0001~BIA*00*MB*1*20261123~';
  yield* printed(
    cells(lines, shift, false),
    ([, skuId = '', inStock = '']) => `LIN**SK*${skuId}~QTY*33*${inStock}*EA~`,
  );
  yield `CTT*${lines}~SE*${2 * lines + 4}*0001~GE*1*1~IEA*1*000000001~`;
}
