import { RowSplitter, type Row } from '../../../src/wire/lines/ndjson.ts';
import { ChunkReader, type Chunk } from '../../../src/wire/lines/stream-chunks.ts';
import { checkMessage, cut, expectSame, expectThat, type Target } from '../target.ts';
import { LINE_TOKENS } from './json.ts';

const TERMS = { nowMs: 1_795_000_000_000, asOfToleranceSeconds: 300, asOfUs: undefined };

/** Streams: bytes to rows, rows to chunks. */
export const ndjson: Target = {
  name: 'ndjson',
  tokens: [...LINE_TOKENS, '\n', '\n\n', '\ufeff', '\r'],
  seeds: [
    '{"sku_id":"A","quantity_in_stock":1}\n{"sku_id":"B","quantity_in_stock_change":-2}\n\n{"sku_id":"C","restrictions":null}',
    '\ufeff{"group":"g","sku_id":"A","quantity_in_stock":1}\r\n{"group":"g","upca":"012345678905","quantity_in_stock":1}\r\n{"group":"h","x":1}\r\n',
  ],
  run: (bytes, random) => {
    const rows = rowsOf([bytes]);
    expectSame('rows depend on how bytes arrive', rows, rowsOf(cut(bytes, random)));
    const breaks = bytes.filter((byte) => byte === 0x0a).length;
    const isOpen = bytes.length > 0 && bytes.at(-1) !== 0x0a;
    expectThat(rows.length === breaks + (isOpen ? 1 : 0), 'the count of rows', rows.length);
    const chunks = chunksOf(rows, () => false);
    expectSame(
      'chunks of a stream that is resumed differ',
      chunks,
      chunksOf(rows, () => false),
    );
    const lines = chunks.reduce((sum, { lines: { count } }) => sum + count, 0);
    const blank = rows.filter((row) => typeof row === 'string' && /^[ \t\r]*$/.test(row)).length;
    expectThat(lines === rows.length - blank, 'each row is a line or blank', { lines, blank });
    const others = chunksOf(rows, () => random.chance(0.5), false);
    expectSame('lines depend on where a stream is cut', textsOf(chunks), textsOf(others));
    for (const { lines: read } of chunks)
      for (const { message } of read.refusals.values()) checkMessage(message);
  },
};

function rowsOf(parts: readonly Buffer[]): readonly Row[] {
  const splitter = new RowSplitter();
  const rows = parts.flatMap((part) => [...splitter.take(part)]);
  const last = splitter.end();
  return last === undefined ? rows : [...rows, last];
}

function chunksOf(
  rows: readonly Row[],
  isCut: () => boolean,
  isResumable = true,
): readonly Chunk[] {
  const reader = new ChunkReader(() => TERMS, { withEffects: false, isResumable });
  const chunks: Chunk[] = [];
  for (const row of rows) {
    if (reader.isFull || (isCut() && reader.canCut)) chunks.push(reader.cut());
    reader.add(row);
  }
  if (reader.isFull) chunks.push(reader.cut());
  reader.end();
  if (reader.canCut) chunks.push(reader.cut());
  if (reader.canCut) chunks.push(reader.cut());
  return chunks;
}

/** What lines say, without where their chunk begins. */
function textsOf(chunks: readonly Chunk[]): readonly unknown[] {
  return chunks.flatMap(({ lines, first }) =>
    Array.from({ length: lines.count }, (_, i) => [
      first.index + i,
      lines.skuIds[i],
      lines.asSent[i],
      lines.refusals.get(i),
      Object.values(lines.fields).map((column) => column[i]),
    ]),
  );
}
