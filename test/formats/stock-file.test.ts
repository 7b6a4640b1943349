import { readdir, readlink } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { NO_RULES } from '../../src/domain/reading-rules.ts';
import { openStockFile, type StockFile } from '../../src/formats/stock-file.ts';
import { FORMAT_LIMITS } from './limits.ts';
import { textMatching } from '../matching.ts';
import { zipOf } from './archives.ts';
import { onDisk } from './on-disk.ts';
import { linesOf, open, newJsonLineReader, openInventory, rowsOf } from './stock-files.ts';
import { all, bytesOf } from './reading.ts';
import { workbookOf } from './workbooks.ts';
import { interchange } from './x12.ts';

const LINE = { skuId: 'A-1', gtins: [], fields: { quantityInStock: 5 } };
const CSV = 'sku_id,quantity_in_stock\nA-1,5\n';
const NDJSON = '{"sku_id":"A-1","quantity_in_stock":5}\n';
const JSON_ARRAY = '[{"sku_id": "A-1", "quantity_in_stock": 5}]';
const X12 = interchange(['LIN**SK*A-1', 'QTY*33*5']);
const XLSX = workbookOf({
  sheets: [
    {
      rows: [
        ['sku_id', 'quantity_in_stock'],
        ['A-1', '5'],
      ],
    },
  ],
});

describe('the format is recognised by the content', () => {
  test.for([
    ['csv', 'row', CSV],
    ['csv', 'row', `\n\n${CSV}`],
    ['ndjson', 'line', NDJSON],
    ['ndjson', 'line', NDJSON.trim()],
    ['json', 'element', JSON_ARRAY],
    ['json', 'element', `\uFEFF \n${JSON_ARRAY}\n`],
    ['x12', 'segment', X12],
    ['x12', 'segment', `\r\n${X12}`],
    ['xlsx', 'row', XLSX],
  ] as const)('%s, with rows numbered by %s', async ([format, rowUnit, file]) => {
    const opened = await openInventory(file);
    expect(opened).toMatchObject({ format, rowUnit, packing: null });
    const lines = (await all(opened.rows)).flat().map(({ line }) => line);
    expect(lines).toMatchObject([LINE]);
  });

  test.for([
    ['csv', CSV],
    ['ndjson', NDJSON],
    ['json', JSON_ARRAY],
    ['x12', X12],
  ] as const)('%s compressed with gzip, or alone in a zip archive', async ([format, file]) => {
    for (const [packing, packed] of [
      ['gzip', gzipSync(file)],
      ['zip', zipOf([{ name: 'export/stock.dat', content: file }])],
    ] as const) {
      const opened = await openInventory(packed);
      expect(opened).toMatchObject({ format, packing });
      expect((await all(opened.rows)).flat()).toMatchObject([{ line: LINE }]);
    }
  });

  test.for([
    ['nothing', '', /^The file is empty; a header is needed\.$/],
    ['blanks alone', ' \r\n\t\n', /file is empty/],
    [
      'a workbook of old',
      Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1]),
      /old Excel workbook \(\.xls\)/,
    ],
    ['a PDF', '%PDF-1.7\n', /is a PDF/],
    ['bzip2', 'BZh91AY', /bzip2; use gzip or zip/],
    ['a web page', '<!DOCTYPE html><table>', /XML or a web page, whatever its name says/],
    ['XML', '<?xml version="1.0"?><stock/>', /XML or a web page/],
    [
      'TRADACOMS',
      "STX=ANA:1+5000000000000:ACME+5000000000001'",
      /^The file is TRADACOMS; send X12 846, EDIFACT/,
    ],
    ['a flat IDoc', 'EDI_DC40  1000000000000123456 INVRPT01', /^The file is an SAP IDoc; send X12/],
    [
      'an IDoc in XML',
      '<?xml version="1.0"?>\n<PROACT01><IDOC BEGIN="1"/>',
      /^The file is an SAP IDoc/,
    ],
    [
      'cXML',
      '<?xml version="1.0"?>\n<!DOCTYPE cXML SYSTEM "cXML.dtd">',
      /^The file is cXML; send X12/,
    ],
    [
      'an 846 without ISA and GS',
      'ST*846*0001~BIA*00*SI*1*20261127~',
      /X12 without its envelope.*from ISA to IEA/,
    ],
    ['an 846 without ISA', 'GS*IB*A*B*20261127*0915*7*X*004010~', /X12 without its envelope/],
    [
      'an INVRPT without UNB',
      "UNH+1+INVRPT:D:96A:UN'",
      /EDIFACT without its envelope.*from UNB to UNZ/,
    ],
    [
      'fixed width',
      'SKU       DESCRIPTION    QTY\nA-1       Kettle         12\n',
      /^The file has columns of a fixed width; save it as CSV/,
    ],
    ['records of a fixed width', `HDR${'0'.repeat(60)}\nDTL${'1'.repeat(60)}\n`, /fixed width/],
    [
      'one object over several lines',
      '{\n  "sku_id": "A"\n}\n',
      /an array of objects, or one object per line/,
    ],
    ['gzip in gzip', gzipSync(gzipSync(CSV)), /gzip file holds a workbook or another archive/],
    ['a workbook in gzip', gzipSync(XLSX), /gzip file holds a workbook or another archive/],
    [
      'a workbook in a zip',
      zipOf([{ name: 'a.xlsx', content: XLSX }]),
      /"a\.xlsx", which is a workbook or an archive itself/,
    ],
    [
      'two files in a zip',
      zipOf([
        { name: 'a.csv', content: CSV },
        { name: 'b.csv', content: CSV },
      ]),
      /holds 2 files/,
    ],
    [
      'bytes of a program',
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0, 0, 0, 9, 0]),
      /not text|NUL|No column/,
    ],
  ] as const)('%s is refused', async ([, file, message]) => {
    await expect(open(file)).rejects.toMatchObject({ message: textMatching(message) });
  });

  test('a workbook cannot be read from a stream, only from a file', async () => {
    const terms = { rules: NO_RULES, limits: FORMAT_LIMITS, readJsonLine: newJsonLineReader() };
    await expect(openStockFile({ bytes: bytesOf(XLSX) }, terms)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(/read from files, not from a stream/),
    });
  });
});

describe('the dialect of CSV', () => {
  test.for([',', ';', '\t', '|'])('cells between %j', async (separator) => {
    const file = 'sku_id,UPC,Qty\nA-1,,5\n"A,;\t|1",012345678905,7\n';
    const outside = /("[^"]*")|,/g;
    const written = file.replaceAll(outside, (_, text?: string) => text ?? separator);
    expect(await linesOf(written)).toEqual([
      LINE,
      { skuId: 'A,;\t|1', gtins: [12_345_678_905], fields: { quantityInStock: 7 } },
    ]);
  });

  test.for([
    ['CRLF', CSV.replaceAll('\n', '\r\n')],
    ['CR', CSV.replaceAll('\n', '\r')],
    ['no end of the last line', CSV.trim()],
    ['quotes around every cell', '"sku_id","quantity_in_stock"\n"A-1","5"\n'],
    ['a first row that names the separator', 'sep=;\nsku_id;quantity_in_stock\nA-1;5\n'],
    ['a title above the header', 'Stock list, November\n\nSKU,Qty\nA-1,5\n'],
    ['a byte order mark', `\uFEFF${CSV}`],
    ['UTF-16', Buffer.from(`\uFEFF${CSV}`, 'utf16le')],
    ['more empty cells than columns', 'sku_id,Qty\nA-1,5,,,\n'],
    ['zeros kept from spreadsheets', 'sku_id,Qty\n="A-1",="5"\n'],
    ['a header in other words', 'Item #;Qty on hand;Warehouse\nA-1;5;East\n'],
    ['a header whose decimals have commas', 'SKU;Qty;Price\nA-1;5;1,99\n'],
  ] as const)('%s', async ([, file]) => {
    expect(await linesOf(file)).toEqual([LINE]);
  });

  test('row numbers count blank rows and annotations', async () => {
    const file = '\nsku_id,quantity_in_stock\nrequired,desired\nstring,integer\n\nA-1,5\n,\nB,6\n';
    expect((await rowsOf(file)).map(({ row }) => row)).toEqual([6, 8]);
  });

  test('Windows-1252 is read; the encoding is known after all rows', async () => {
    const opened = await openInventory(Buffer.from('sku_id;Qty\nKäse;5\n', 'latin1'));
    expect((await all(opened.rows)).flat()).toMatchObject([{ line: { skuId: 'Käse' } }]);
    expect(opened.encoding()).toBe('Windows-1252');
  });
});

describe('a row of a table', () => {
  const HEADER =
    'sku_id,upca,barcode,quantity_in_stock,quantity_on_backorder,backorder_date,restrictions';

  test('is a line with all its values', async () => {
    const rows = await rowsOf(
      `${HEADER}\nA,012345678905,4006381333931,5,NULL,2027-01-31,discontd\n`,
    );
    expect(rows).toEqual([
      {
        row: 2,
        cells: ['A', '012345678905', '4006381333931', '5', 'NULL', '2027-01-31', 'discontd'],
        line: {
          skuId: 'A',
          gtins: [12_345_678_905, 4_006_381_333_931],
          fields: {
            quantityInStock: 5,
            quantityOnBackorder: null,
            backorderDate: 20_270_131,
            restrictions: 1,
          },
          asSent: { sku_id: 'A', upca: '012345678905', ean13: '4006381333931' },
        },
      },
    ]);
  });

  test('is refused with the row, column, value and what is allowed for each faulty cell', async () => {
    const file =
      `${HEADER}\n` +
      'A,012345678906,,"1,000",,,sold out\n' +
      ',,,5,,,\n' +
      'A,,,,,,\n' +
      'A,,,5\n' +
      'A,1",,5,,,\n' +
      'NULL,,,-1,,,\n';
    expect(await linesOf(file)).toEqual([
      'Row 2, column "upca": "012345678906" has a wrong check digit (by the digits before it, it would be 5). ' +
        'Row 2, column "quantity_in_stock": "1,000" may be 1000 or 1; send decimal=point if it is 1000, or decimal=comma if it is 1. ' +
        'Row 2, column "restrictions": "sold out" is not a restriction; allowed are discontd, tmpunavail, and NULL to lift the restriction.',
      'Row 3 names no SKU: fill in one or more of "sku_id", "upca", "barcode".',
      'Row 4 sets nothing: fill in one or more of "quantity_in_stock", "quantity_on_backorder", "backorder_date", "restrictions".',
      'Row 5 has 4 cells where the header has 7 columns; perhaps a cell that is not quoted contains a separator.',
      'Row 6, column "upca": "1\\"" has characters other than the digits 0-9.',
      'Row 7, column "sku_id": NULL names nothing; a sku_id has 1 to 256 characters. ' +
        'Row 7, column "quantity_in_stock": "-1" is not a whole number from 0 to 2147483647, or NULL; send negative=zero to read quantities below zero as 0.',
    ]);
  });

  test('that is refused states whether its identifiers were read', async () => {
    const file = 'sku_id,upca,Qty\nA,,x\nA,1,5\n,,5\n';
    expect((await rowsOf(file)).map(({ line }) => line.refusal?.namesRead)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

const columnsOf = async (header: string, columnMap = '') => {
  const opened = await open(`${header}\n`, { columnMap });
  await opened.close();
  const { kind, columns, unknownColumns } = opened;
  return { kind, columns: columns.map(({ target, by }) => `${target} by ${by}`), unknownColumns };
};

describe('which column is read as what', () => {
  test('is reported with the reason', async () => {
    expect(
      await columnsOf('Item #,UPC,quantity_in_stock,Lager,Colour', 'Lager=restrictions'),
    ).toEqual({
      kind: 'inventory',
      columns: [
        'sku_id by alias',
        'upca by alias',
        'quantity_in_stock by name',
        'restrictions by map',
      ],
      unknownColumns: ['Colour'],
    });
  });

  test('a column with the target’s own name wins over an alias', async () => {
    expect(await columnsOf('SKU,sku_id,Qty,quantity_in_stock')).toEqual({
      kind: 'inventory',
      columns: ['sku_id by name', 'quantity_in_stock by name'],
      unknownColumns: ['SKU', 'Qty'],
    });
  });

  test.for([
    [
      'Regal,Menge',
      /No column says which SKU a row is about.*it has Regal, Menge\..*: mapping=Regal=sku_id\./,
    ],
    ['SKU,Regal 4', /No column has a quantity or a status.*: mapping=Regal 4=quantity_in_stock\./],
    [
      'SKU,Qty NJ,"Qty, CA"',
      /To add up several.*: mapping=Qty NJ=quantity_in_stock,"Qty, CA"=quantity_in_stock\./,
    ],
    [
      'SKU,Stock,Quantity',
      /Columns 2 \("Stock"\) and 3 \("Quantity"\) would both be read as quantity_in_stock.*Send mapping=Stock=quantity_in_stock or mapping=Quantity=quantity_in_stock\./,
    ],
    ['SKU,Qty,Qty', /Columns 2 \("Qty"\) and 3 \("Qty"\).*give them different names/],
    ['title,Qty', /No column says which SKU/],
  ] as const)('%s is refused', async ([header, message]) => {
    await expect(open(`${header}\nA,1\n`)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(message),
    });
  });
});

describe('limits of a file', () => {
  test('on rows apply to every format and count refused rows', async () => {
    const limits = { rowsMax: 2 };
    const three: readonly (string | Buffer)[] = [
      'sku_id,quantity_in_stock\nA,1\nB,x\nC,3\n',
      NDJSON.repeat(3),
      `[${['{}', '{}', '{}'].join(',')}]`,
      interchange(['LIN**SK*A', 'QTY*33*1', 'LIN**SK*B', 'LIN**SK*C', 'QTY*33*1']),
    ];
    for (const file of three) {
      await expect(rowsOf(file, { limits })).rejects.toMatchObject({
        code: 'too_many_lines',
        message: textMatching(/^The file has more than 2 rows; the first too many is number \d+\./),
      });
      expect(await rowsOf(file, { limits: { rowsMax: 3 } })).toHaveLength(3);
    }
  });

  test('on rows count blank rows', async () => {
    const file = `${CSV}${'\n'.repeat(50)}`;
    await expect(rowsOf(file, { limits: { rowsMax: 10 } })).rejects.toMatchObject({
      code: 'too_many_lines',
    });
  });

  test('on a cell refuse only its row', async () => {
    const file = `${CSV}${'x'.repeat(33_000)},6\nB,7\n`;
    const lines = await linesOf(file);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toBe('Row 3 has more than 32767 characters in its cell 1.');
  });

  test('on columns refuse the file', async () => {
    await expect(open(`sku_id,Qty${',x'.repeat(999)}\n`)).rejects.toMatchObject({
      message: textMatching(/header has 1001 columns; no more than 1000 are read/),
    });
  });
});

async function readToEnd({ rows }: StockFile): Promise<void> {
  for await (const _ of rows);
}

/** The files that this process has open, where the system tells. */
async function openPaths(): Promise<readonly string[]> {
  const folder = '/proc/self/fd';
  const found = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''));
  return Promise.all(found);
}

/** A source that tells whether it was closed. */
function watched(file: string | Uint8Array) {
  const state = { isClosed: false };
  const bytes = (async function* () {
    try {
      yield* bytesOf(file, 1000);
      await new Promise(() => undefined);
    } finally {
      state.isClosed = true;
    }
  })();
  return { state, bytes };
}

async function* failingAfter(file: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield* bytesOf(file);
  throw new Error('the disk is gone');
}

describe('a file is closed', () => {
  const terms = { rules: NO_RULES, limits: FORMAT_LIMITS, readJsonLine: newJsonLineReader() };
  const long: readonly (readonly [string, string | Buffer])[] = [
    ['csv', CSV + 'A-1,5\n'.repeat(50_000)],
    ['catalogue', `item_id,sku_id,title\n${'1,A-1,x\n'.repeat(50_000)}`],
    ['ndjson', NDJSON.repeat(5000)],
    ['json', `[${'{},'.repeat(50_000)}`],
    ['x12', X12.replace(/LIN[^]*/, 'LIN**SK*A~QTY*33*5~'.repeat(10_000))],
  ];

  test.for(long)('before anything was read: %s', async ([, file]) => {
    const { state, bytes } = watched(file);
    const opened = await openStockFile({ bytes }, terms);
    await opened.close();
    await opened.close();
    expect(state.isClosed).toBe(true);
  });

  test.for(long)('after only its beginning was read: %s', async ([, file]) => {
    const { state, bytes } = watched(file);
    const opened = await openStockFile({ bytes }, terms);
    await opened.rows.next();
    await opened.close();
    expect(state.isClosed).toBe(true);
  });

  test('if it cannot be opened', async () => {
    const { state, bytes } = watched(`Regal,Menge\n${'A,1\n'.repeat(50_000)}`);
    await expect(openStockFile({ bytes }, terms)).rejects.toThrow(/No column/);
    expect(state.isClosed).toBe(true);
  });

  test.runIf(process.platform === 'linux').for([false, true])(
    'that is an archive, begun to be read: %s',
    async (isBegun) => {
      const path = await onDisk(XLSX);
      const opened = await openStockFile({ bytes: bytesOf(XLSX), path }, terms);
      const isOpen = async (): Promise<boolean> => (await openPaths()).includes(path);
      expect(await isOpen()).toBe(true);
      if (isBegun) await opened.rows.next();
      await opened.close();
      await expect.poll(isOpen).toBe(false);
    },
  );

  test('and an error of its source is passed on unchanged', async () => {
    for (const [, file] of long) {
      const opened = await openStockFile({ bytes: failingAfter(file) }, terms);
      await expect(readToEnd(opened)).rejects.toThrow('the disk is gone');
    }
    const packed = gzipSync(CSV + 'A-1,5\n'.repeat(500_000)).subarray(0, 1500);
    await expect(
      openStockFile({ bytes: failingAfter(packed) }, terms).then(readToEnd),
    ).rejects.toThrow('the disk is gone');
  });
});
