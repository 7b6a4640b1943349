import { truncate } from 'node:fs/promises';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { NO_RULES } from '../../src/domain/reading-rules.ts';
import { openStockFile } from '../../src/formats/stock-file.ts';
import { FORMAT_LIMITS } from './limits.ts';
import { textMatching } from '../matching.ts';
import { bomb, zipOf } from './archives.ts';
import { onDisk } from './on-disk.ts';
import { linesOf, newJsonLineReader, rowsOf } from './stock-files.ts';
import { bytesOf } from './reading.ts';
import { workbookOf } from './workbooks.ts';
import { report } from './edifact.ts';
import { interchange } from './x12.ts';

const MIB = 1024 ** 2;
const CSV = 'sku_id,quantity_in_stock\nA-1,5\n';
const LINE = '{"sku_id":"A","quantity_in_stock":1}';

/** A file that goes on and on, and counts how much of it was asked for. */
class Endless {
  readonly #head: string;
  readonly #filler: Buffer;
  readonly #bytesMax: number;
  bytes = 0;

  constructor(head: string, filler: string, bytesMax = Infinity) {
    this.#head = head;
    this.#filler = Buffer.from(filler.repeat(Math.ceil(MIB / filler.length)));
    this.#bytesMax = bytesMax;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(this.#head));
    for (; this.bytes < this.#bytesMax; this.bytes += this.#filler.length) yield this.#filler;
  }
}

/** Reads a file to its end; gives its rows. */
async function read(bytes: AsyncIterable<Uint8Array>, path?: string): Promise<number> {
  const terms = { rules: NO_RULES, limits: FORMAT_LIMITS, readJsonLine: newJsonLineReader() };
  const opened = await openStockFile(path === undefined ? { bytes } : { bytes, path }, terms);
  let rows = 0;
  for await (const some of opened.rows) rows += Array.isArray(some) ? some.length : 1;
  return rows;
}

/** An EDIFACT report that ends inside a LIN. */
const REPORT = report(['LIN+1++']).replace(/'\nUNT[^]*/, '');

/** Many parts of text that differ, so that an archive of them is no bomb by its ratio. */
function varied(count: number, part: (number: number) => string): string {
  return Array.from({ length: count }, (_, i) => part((i * 7919) % 104_729)).join('');
}

describe('a line without an end is refused after a few megabytes', () => {
  test.for([
    ['csv', CSV, 'x', 'body_malformed', /^A row is too long.*\(row 3\)/],
    ['csv, in a quote that is never closed', `${CSV}"`, 'x', 'body_malformed', /row 3\)/],
    ['csv, its header', '', 'x', 'body_malformed', /^A row is too long.*\(row 1\)/],
    ['csv, a header of more columns than there are', 'sku_id,', 'x,', 'body_malformed', /row 1\)/],
    ['csv, of blanks', '', ' ', 'body_malformed', /row 1\)/],
    ['json', `[${LINE},"`, 'x', 'body_too_large', /^Element 2 is longer than 1048576 characters/],
    ['json, of blanks', `[${LINE},`, ' ', 'body_too_large', /^Element 2 is longer/],
    ['json, of brackets', `[${LINE},`, '[', 'body_malformed', /element 2 is nested too deeply/],
    [
      'x12',
      interchange(['LIN**SK*']).slice(0, 215),
      'x',
      'body_too_large',
      /^Segment \d is longer/,
    ],
    ['edifact', REPORT, 'x', 'body_too_large', /^Segment \d is longer/],
    ['edifact, of released ends', REPORT, "?'", 'body_too_large', /^Segment \d is/],
  ] as const)('%s', async ([, head, filler, code, message]) => {
    const file = new Endless(head, filler);
    await expect(read(file)).rejects.toMatchObject({ code, message: textMatching(message) });
    expect(file.bytes).toBeLessThan(8 * MIB);
  });

  test('in NDJSON only that line is refused and the next is read', async () => {
    const file = new Endless(`${LINE}\n"`, 'x', 400 * MIB);
    const bytes = (async function* () {
      yield* file;
      yield Buffer.from(`"\n${LINE}\n`);
    })();
    const before = process.memoryUsage().rss;
    expect(await read(bytes)).toBe(3);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
  });

  test('line breaks without an end are refused as too many rows', async () => {
    const limits = { ...FORMAT_LIMITS, rowsMax: 100_000 };
    const file = new Endless(CSV, '\n');
    const terms = { rules: NO_RULES, limits, readJsonLine: newJsonLineReader() };
    await expect(openStockFile({ bytes: file }, terms)).rejects.toMatchObject({
      code: 'too_many_lines',
    });
    expect(file.bytes).toBeLessThan(8 * MIB);
  });
});

/** Gzip of a CSV of so many MiB, packed into a two-hundredth of that or less. */
function gzipBomb(mebibytes: number): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  const options = { finishFlush: constants.Z_FULL_FLUSH };
  const first = deflateRawSync(CSV, options);
  const block = deflateRawSync(`${'A'.repeat(253)},5\n`.repeat(MIB / 256), options);
  return Buffer.concat([head, first, ...Array.from({ length: mebibytes }, () => block)]);
}

describe('what unpacks to too much is refused', () => {
  test('a gzip file, by its ratio, early', async () => {
    const packed = gzipBomb(2000);
    expect(packed.length).toBeLessThan(10 * MIB);
    let unread = packed.length;
    const source = async function* () {
      for await (const chunk of bytesOf(packed)) {
        unread -= chunk.length;
        yield chunk;
      }
    };
    await expect(read(source())).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/^The gzip file unpacks to more than 200 times its size/),
    });
    // No more is read than unpacks to a few megabytes.
    expect(unread).toBeGreaterThan(packed.length / 2);
  });

  test.for(['xl/sharedStrings.xml', 'xl/worksheets/sheet1.xml', 'xl/styles.xml'])(
    'a workbook whose %s is a bomb',
    async (name) => {
      const file = workbookOf({
        sheets: [{ rows: [['sku_id', 'Qty']] }],
        parts: [bomb(name, 900)],
      });
      expect(file.length).toBeLessThan(2 * MIB);
      await expect(rowsOf(file)).rejects.toMatchObject({
        code: 'body_too_large',
        message: textMatching(
          /unpacks to more than 200 times its size|has more than 16777216 bytes|a text or tag of more/,
        ),
      });
    },
  );

  test('an archive with overlapping files', async () => {
    const archive = zipOf([
      { name: 'a.csv', content: CSV },
      { name: 'b.csv', content: CSV },
    ]);
    // The second entry of the directory is made to point at the first file.
    archive.writeUInt32LE(0, archive.lastIndexOf('PK\u0001\u0002') + 42);
    await expect(rowsOf(archive)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(/damaged or truncated \("b\.csv" overlaps the file before it\)/),
    });
  });
});

describe('XML that no workbook needs is refused', () => {
  const table = [
    ['SKU', 'Qty'],
    ['A', '1'],
  ];
  const laughs = Array.from(
    { length: 9 },
    (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`,
  ).join('');

  test.for([
    [
      'entities that multiply',
      `<!DOCTYPE w [<!ENTITY l0 "lol">${laughs}]>`,
      /sheet1\.xml of the workbook cannot be read \(it has a DTD, which is not allowed\)/,
    ],
    [
      'an entity from outside',
      '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
      /it has a DTD/,
    ],
    [
      'another encoding',
      '<?xml version="1.0" encoding="UTF-16"?>',
      /its encoding is UTF-16, not UTF-8/,
    ],
    [
      'a comment without an end',
      `<!--${'x'.repeat(2 * MIB)}`,
      /cannot be read|a text or tag of more than 1048576/,
    ],
  ] as const)('%s', async ([, prologue, message]) => {
    await expect(rowsOf(workbookOf({ sheets: [{ rows: table }], prologue }))).rejects.toMatchObject(
      {
        message: textMatching(message),
      },
    );
  });

  test.for([
    [
      'an entity that is not XML’s own',
      '<row><c t="inlineStr"><is><t>&lol;</t></is></c></row>',
      /cannot be read \(.*entity/,
    ],
    ['elements without an end', '<a>'.repeat(200), /elements are nested more than 100 deep/],
    [
      'an attribute without an end',
      `<row x="${'x'.repeat(2 * MIB)}"/>`,
      /xl\/worksheets\/sheet1\.xml of the workbook contains a text or tag of more than 1048576 characters/,
    ],
    [
      'a text without an end',
      `<row><c t="str"><v>${'x'.repeat(2 * MIB)}</v></c></row>`,
      /a text or tag of more than 1048576/,
    ],
    [
      'a text in a million pieces',
      `<row><c t="inlineStr"><is><t>${varied(600_000, (i) => `<![CDATA[${i % 100}]]>`)}</t></is></c></row>`,
      /a text or tag of more than 1048576/,
    ],
  ] as const)('%s', async ([, rows, message]) => {
    await expect(rowsOf(workbookOf({ sheets: [{ rows }] }))).rejects.toMatchObject({
      message: textMatching(message),
    });
  });
});

test('a workbook part that is not UTF-8 is refused', async () => {
  const content = Buffer.from('<worksheet><sheetData>\xe9</sheetData></worksheet>', 'latin1');
  const parts = [{ name: 'xl/worksheets/sheet1.xml', content }];
  await expect(rowsOf(workbookOf({ sheets: [{ rows: '' }], parts }))).rejects.toMatchObject({
    message: textMatching(/sheet1\.xml of the workbook cannot be read \(it is not UTF-8\)/),
  });
});

describe('a million columns', () => {
  test('in a header of CSV are refused', async () => {
    await expect(rowsOf(`sku_id,Qty${','.repeat(1_000_000)}\n`)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(/^The header has 1000002 columns; no more than 1000 are read\.$/),
    });
  });

  test('in a row of CSV refuse only that row', async () => {
    const lines = await linesOf(`${CSV}A${',x'.repeat(500_000)}\nB,7\n`);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^Row 3 has 500001 cells where the header has 2 columns/);
  });

  test('in a workbook are refused; the error names the row', async () => {
    const wide = `<row>${varied(1_000_000, (i) => `<c><v>${i % 100}</v></c>`)}</row>`;
    await expect(rowsOf(workbookOf({ sheets: [{ rows: wide }] }))).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(
        /^Row 1 of xl\/worksheets\/sheet1\.xml has a cell in column 1001; no more than 1000/,
      ),
    });
  });
});

describe('a truncated file is refused, wherever it ends', () => {
  test('gzip', async () => {
    const packed = gzipSync(CSV.repeat(20));
    for (let bytes = packed.length - 1; bytes > 10; bytes -= 1) {
      await expect(
        read(bytesOf(packed.subarray(0, bytes))),
        `${bytes} bytes`,
      ).rejects.toMatchObject({
        code: 'body_malformed',
        message: textMatching(/gzip file is damaged or truncated|is empty/),
      });
    }
  });

  test('gzip with a wrong checksum or length', async () => {
    const packed = gzipSync(CSV.repeat(20));
    for (const at of [packed.length - 1, packed.length - 5]) {
      const lying = Buffer.from(packed);
      lying[at] = (lying[at] ?? 0) ^ 1;
      await expect(read(bytesOf(lying))).rejects.toMatchObject({
        code: 'body_malformed',
        message: textMatching(/gzip file is damaged or truncated after \d+ bytes/),
      });
    }
  });

  test('a workbook', async () => {
    const file = workbookOf({
      sheets: [
        {
          rows: [
            ['SKU', 'Qty'],
            ['A', '1'],
          ],
        },
      ],
    });
    const path = await onDisk(file);
    for (let bytes = file.length - 1; bytes > 4; bytes -= 7) {
      await truncate(path, bytes);
      await expect(read(bytesOf(file), path), `${bytes} bytes`).rejects.toMatchObject({
        code: 'body_malformed',
      });
    }
  });

  test('an interchange', async () => {
    const file = interchange(['LIN**SK*A-1', 'QTY*33*5'], { lineBreak: '' });
    for (let bytes = file.length - 1; bytes > 6; bytes -= 1) {
      await expect(read(bytesOf(file.slice(0, bytes))), `${bytes} bytes`).rejects.toMatchObject({
        code: 'body_malformed',
      });
    }
  });

  test('a JSON array', async () => {
    const file = `[${LINE}, ${LINE}]`;
    for (let bytes = file.length - 1; bytes > 0; bytes -= 1) {
      await expect(read(bytesOf(file.slice(0, bytes))), `${bytes} bytes`).rejects.toMatchObject({
        code: 'body_malformed',
      });
    }
  });
});

test('random bytes are refused or read as rows, and never crash the reader', async () => {
  let state = 20_261_123;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  };
  const seeds = [CSV, `${LINE}\n`, `[${LINE}]`, interchange(['LIN**SK*A', 'QTY*33*5'])].map(
    (text) => Buffer.from(text),
  );
  const packed = [
    gzipSync(CSV),
    workbookOf({
      sheets: [
        {
          rows: [
            ['SKU', 'Qty'],
            ['A', '1'],
          ],
        },
      ],
    }),
  ];
  for (let run = 0; run < 300; run += 1) {
    const choices = [...seeds, ...packed];
    const bytes = Buffer.from(choices[run % choices.length] ?? []);
    for (let flips = 1 + (next() % 4); flips > 0; flips -= 1)
      bytes[next() % bytes.length] = next() % 256;
    const outcome = await rowsOf(bytes).then(
      () => 'read',
      (error: unknown) => error,
    );
    if (outcome !== 'read')
      expect(outcome, `run ${run}`).toMatchObject({
        code: textMatching(/^(?:body_malformed|body_too_large|body_shape_wrong)$/),
      });
  }
});

describe('results that would be far larger than the file', () => {
  const columns = `sku_id,Qty${',x'.repeat(998)}\n`;

  test('a CSV file whose rows are much shorter than its header is refused', async () => {
    await expect(rowsOf(columns + 'A\n'.repeat(5000))).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(
        /^The rows up to 4006 lack more than 4000000 cells of the 1000 columns/,
      ),
    });
  });

  test('some short rows are only refused themselves', async () => {
    expect(await linesOf(columns + 'A\n'.repeat(4000))).toHaveLength(4000);
  });

  test('a workbook whose rows leave out a hundred million cells is refused', async () => {
    const header = `<row>${'sku_id,quantity_in_stock'
      .split(',')
      .map((name) => `<c t="inlineStr"><is><t>${name}</t></is></c>`)
      .join('')}<c r="ALL1" t="str"><v>x</v></c></row>`;
    const rows = header + '<row><c><v>1</v></c><c><v>1</v></c></row>'.repeat(2000);
    const limits = { ...FORMAT_LIMITS, emptyCellsMax: 1_000_000 };
    await expect(rowsOf(workbookOf({ sheets: [{ rows }] }), { limits })).rejects.toMatchObject({
      message: textMatching(/lack more than 1000000 cells of the 1000 columns/),
    });
  });
});

describe('workbooks with far too many parts', () => {
  const rows = '<row><c><v>1</v></c></row>';
  const bookOf = (sheets: string): Buffer =>
    workbookOf({
      sheets: [{ rows }],
      parts: [
        {
          name: 'xl/workbook.xml',
          content: `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>${sheets}</sheets></workbook>`,
        },
      ],
    });

  test('sheets that are the same part are refused', async () => {
    await expect(
      rowsOf(bookOf('<sheet name="x" r:id="s0"/>'.repeat(100_000))),
    ).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(/two of its sheets are the same part, "xl\/worksheets\/sheet1\.xml"/),
    });
  });

  test('more than 65,536 cell formats are refused', async () => {
    const styles = `<styleSheet><cellXfs>${'<xf/>'.repeat(65_537)}</cellXfs></styleSheet>`;
    const book = workbookOf({
      sheets: [{ rows }],
      parts: [{ name: 'xl/styles.xml', content: styles }],
    });
    await expect(rowsOf(book)).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/more than 65536 cell formats/),
    });
  });
});
