import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openFeed } from '../src/feeds/feed.ts';
import { FEED_LIMITS } from '../src/feeds/limits.ts';
import { writeXlsx } from '../src/feeds/xlsx-writer.ts';
import { jsonLineReader } from '../src/wire/lines.ts';
import { eachRound, medianOf, row, type BenchRow, type Row } from './stage.ts';

/** A file to be read, and how fast that has to be for the store, not the reading, to be what takes time. */
interface FormatScenario {
  readonly name: string;
  readonly lines: number;
  readonly goalPerSecond: number;
  readonly write: (lines: number) => NodeJS.ReadableStream;
}

const HEADER = [
  'item_id',
  'sku_id',
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
];

const SCENARIOS: readonly FormatScenario[] = [
  {
    name: 'CSV',
    lines: 1_000_000,
    goalPerSecond: 200_000,
    write: (lines) => Readable.from(printed(cells(lines), (row) => `${row.join(',')}\n`)),
  },
  {
    name: 'NDJSON',
    lines: 1_000_000,
    goalPerSecond: 200_000,
    write: (lines) => Readable.from(printed(cells(lines, false), printJsonLine)),
  },
  {
    name: 'XLSX',
    lines: 300_000,
    goalPerSecond: 50_000,
    write: (lines) => writeXlsx(cells(lines)),
  },
  {
    name: 'X12 846',
    lines: 200_000,
    goalPerSecond: 100_000,
    write: (lines) => Readable.from(advice(lines)),
  },
];

/** Files of each format, read to their end and not applied. */
export const formatRows: BenchRow = async (rounds) => {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-bench-'));
  try {
    const rows: Row[] = [];
    for (const { name, lines, goalPerSecond, write } of SCENARIOS) {
      const path = join(folder, name);
      await pipeline(write(lines), createWriteStream(path));
      const seconds = await eachRound(name, rounds, () => secondsToRead(path, lines));
      rows.push(
        row(
          `${name}: read alone`,
          [lines / medianOf(seconds, (taken) => taken), 'lines/s'],
          goalPerSecond,
          { atLeast: 1 },
          `limit: the goal itself; ${lines.toLocaleString('en')} lines in one file, one core`,
        ),
      );
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
};

async function secondsToRead(path: string, lines: number): Promise<number> {
  const begin = performance.now();
  const readJsonLine = jsonLineReader({ nowMs: 0, asOfToleranceSeconds: 0, asOfUs: undefined });
  const feed = await openFeed(
    { bytes: createReadStream(path), path },
    { mappings: [], limits: FEED_LIMITS, readJsonLine },
  );
  if (feed.kind !== 'inventory') throw new Error(`${path} is a catalogue`);
  let read = 0;
  for await (const rows of feed.rows) {
    read += rows.length;
    const refused = rows.find(({ line }) => line.refusal !== undefined);
    if (refused !== undefined) throw new Error(refused.line.refusal?.message);
  }
  if (read !== lines) throw new Error(`${read} of ${lines} lines were read`);
  return (performance.now() - begin) / 1000;
}

async function* cells(lines: number, hasHeader = true): AsyncGenerator<readonly string[]> {
  if (hasHeader) yield await Promise.resolve(HEADER);
  for (let i = 0; i < lines; i += 1)
    yield [`ITEM-${i}`, `BENCH-SKU-${i}`, String(i % 1000), String(i % 7), '2027-01-31'];
}

function printJsonLine([
  ,
  skuId = '',
  inStock = '',
  onBackorder = '',
  date = '',
]: readonly string[]) {
  return `{"sku_id":"${skuId}","quantity_in_stock":${inStock},"quantity_on_backorder":${onBackorder},"backorder_date":"${date}"}\n`;
}

/** Many rows at a time: a stream is slow in small pieces. */
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

async function* advice(lines: number): AsyncGenerator<string> {
  yield `ISA*00*${' '.repeat(10)}*00*${' '.repeat(10)}*ZZ*${'BENCH'.padEnd(15)}*ZZ*${'ONHAND'.padEnd(15)}*261123*0915*U*00401*000000001*0*P*>~`;
  yield 'GS*IB*BENCH*ONHAND*20261123*0915*1*X*004010~ST*846*0001~BIA*00*MB*1*20261123~';
  yield* printed(
    cells(lines, false),
    ([, skuId = '', inStock = '']) => `LIN**SK*${skuId}*UP*012345678905~QTY*33*${inStock}*EA~`,
  );
  yield `CTT*${lines}~SE*${2 * lines + 4}*0001~GE*1*1~IEA*1*000000001~`;
}
