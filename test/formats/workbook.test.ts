import { describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { linesOf, open, openInventory, rowsOf } from './stock-files.ts';
import { all } from './reading.ts';
import { workbookOf, type WrittenWorkbook } from './workbooks.ts';

const HEADER =
  '<row r="1"><c r="A1" t="inlineStr"><is><t>SKU</t></is></c><c r="B1" t="inlineStr"><is><t>Qty</t></is></c></row>';

/** The cells of the rows under a header of `SKU` and `Qty`, written as XML. */
const cellsOf = async (rows: string, workbook: Partial<WrittenWorkbook> = {}) => {
  const file = workbookOf({ sheets: [{ rows: HEADER + rows }], ...workbook });
  return (await rowsOf(file)).map(({ cells }) => cells);
};

/** What a number under a format is read as. */
const numberOf = async (value: string, format: string, workbook: Partial<WrittenWorkbook> = {}) => {
  const rows = `<row r="2"><c r="A2" s="1"><v>${value}</v></c><c r="B2"><v>1</v></c></row>`;
  return (await cellsOf(rows, { formats: [format], ...workbook }))[0]?.[0];
};

describe('a workbook', () => {
  test('of the vendor, with its two annotation rows', async () => {
    const file = workbookOf({
      sheets: [
        {
          name: 'Inventory',
          rows: [
            ['item_id', 'sku_id', 'quantity_in_stock', 'quantity_on_backorder', 'backorder_date'],
            ['required', 'required', 'required', 'desired', 'dependent'],
            ['string', 'string', 'integer', 'integer', 'string'],
            ['I-1', 'A-1', '5', '7', '2027-01-31'],
            ['I-1', 'A-2', '0'],
          ],
        },
      ],
    });
    const opened = await openInventory(file);
    expect(opened).toMatchObject({
      format: 'xlsx',
      rowUnit: 'row',
      packing: null,
      sheet: { name: 'Inventory', others: [] },
    });
    expect(opened.encoding()).toBeNull();
    const rows = (await all(opened.rows)).flat();
    expect(rows.map(({ row, line }) => [row, line.skuId, line.fields])).toEqual([
      [4, 'A-1', { quantityInStock: 5, quantityOnBackorder: 7, backorderDate: 20_270_131 }],
      [5, 'A-2', { quantityInStock: 0 }],
    ]);
  });

  test('with omitted rows and cells keeps row numbers and columns', async () => {
    const file = workbookOf({
      sheets: [
        {
          rows:
            '<row r="3"><c r="B3" t="str"><v>SKU</v></c><c r="D3" t="str"><v>UPC</v></c><c r="E3" t="str"><v>Qty</v></c></row>' +
            '<row r="7"><c r="E7"><v>4</v></c></row>' +
            '<row r="9"><c r="B9" t="str"><v>A</v></c><c r="E9"><v>5</v></c></row>' +
            '<row r="12"/><row r="13"><c r="B13" t="str"><v>B</v></c></row>',
        },
      ],
    });
    const opened = await openInventory(file);
    expect(opened.header).toEqual(['', 'SKU', '', 'UPC', 'Qty']);
    expect(
      (await all(opened.rows))
        .flat()
        .map(({ row, cells, line }) => [row, cells, line.refusal?.message]),
    ).toEqual([
      [7, ['', '', '', '', '4'], 'Row 7 names no SKU: fill in one or more of "SKU", "UPC".'],
      [9, ['', 'A', '', '', '5'], undefined],
      [13, ['', 'B', '', '', ''], 'Row 13 sets nothing: fill in one or more of "Qty".'],
    ]);
  });

  test('of several sheets is read from the first visible one with a header', async () => {
    const table = [
      ['SKU', 'Qty'],
      ['A', '1'],
    ];
    const file = workbookOf({
      sheets: [
        { name: 'Read me', rows: [['This is our stock list.']] },
        { name: 'Old', state: 'hidden', rows: table },
        { name: 'Stock', rows: [['Stock of November'], [], ...table] },
        { name: 'More', rows: table },
      ],
    });
    const opened = await openInventory(file);
    expect(opened.sheet).toMatchObject({ name: 'Stock', others: ['Read me', 'Old', 'More'] });
    expect((await all(opened.rows)).flat().map(({ row }) => row)).toEqual([4]);
  });

  test('without a header in any sheet is refused, naming the row most like one', async () => {
    const file = workbookOf({
      sheets: [
        { name: 'Read me', rows: [['About'], ['Regal', 'Farbe', 'Ort'], ['A', '1']] },
        { name: 'Empty', rows: '' },
      ],
    });
    await expect(open(file)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(
        /^None of the 2 sheets has a header.*Sheet "Read me": No column says which SKU.*it has Regal, Farbe, Ort\./,
      ),
    });
  });

  test('that is empty is refused', async () => {
    await expect(open(workbookOf({ sheets: [{ rows: '' }] }))).rejects.toMatchObject({
      message: textMatching(/workbook is empty; a header is needed/),
    });
  });

  test('that is sent as a catalogue is one', async () => {
    const file = workbookOf({
      sheets: [
        {
          rows: [
            ['sku_id', 'title', 'quantity_in_stock'],
            ['A', 'Kettle', '5'],
          ],
        },
      ],
    });
    const opened = await open(file, { rules: { kind: 'catalogue' } });
    if (opened.kind !== 'catalogue') throw new Error('not a catalogue');
    expect(opened.columns.map(({ target }) => target)).toEqual([
      'sku_id',
      'title',
      'quantity_in_stock',
    ]);
    expect((await all(opened.rows)).map(({ entry }) => entry)).toEqual([
      { skuId: 'A', product: { title: 'Kettle' }, inventory: { quantityInStock: 5 } },
    ]);
  });
});

describe('texts of a workbook', () => {
  test('are read if shared, inline, in runs, escaped, or results of formulas', async () => {
    const rows =
      '<row r="2"><c r="A2" t="s"><v>0</v></c></row>' +
      '<row r="3"><c r="A3" t="s"><v>1</v></c></row>' +
      '<row r="4"><c r="A4" t="inlineStr"><is><r><t>A</t></r><r><t xml:space="preserve"> 4</t></r></is></c></row>' +
      '<row r="5"><c r="A5" t="str"><f>"A"&amp;5</f><v>A&lt;5</v></c></row>' +
      '<row r="6"><c r="A6" t="b"><v>1</v></c></row>' +
      '<row r="7"><c r="A7" t="s"><v>2</v></c></row>';
    const strings = [
      '<t>0012</t>',
      '<r><rPr><b/></rPr><t>A-</t></r><r><t>3</t></r><rPh><t>エー</t></rPh>',
      '<t>a_x000A_b_x005F_x0041_</t>',
    ];
    expect((await cellsOf(rows, { strings })).map(([cell]) => cell)).toEqual([
      '0012',
      'A-3',
      'A 4',
      'A<5',
      'TRUE',
      'a\nb_x0041_',
    ]);
  });

  test('keep their zeros: numbers stored as text are read as written', async () => {
    const file = workbookOf({
      sheets: [
        {
          rows: [
            ['UPC', 'Qty'],
            ['012345678905', '007'],
          ],
        },
      ],
    });
    expect(await linesOf(file)).toEqual([
      { skuId: null, gtins: [12_345_678_905], fields: { quantityInStock: 7 } },
    ]);
  });
});

const numberCell = (reference: string, value: string, style = 0): string =>
  `<c r="${reference}" s="${style}"><v>${value}</v></c>`;

describe('numbers of a workbook', () => {
  test.for([
    ['5', 'General', '5'],
    ['5.0', 'General', '5'],
    ['9.78043902348E12', 'General', '9780439023480'],
    ['9780439023480', '0', '9780439023480'],
    ['1.1000000000000001', 'General', '1.1'],
    ['1E+3', 'General', '1000'],
    ['12345', '00000000', '00012345'],
    ['9780439023480', '0.00E+00', '9.78043902348e+12'],
    ['9780439023485', '0.00E+00', '9780439023485'],
    ['9.780440e+12', 'General', '9.780440e+12'],
    ['12345678901234567890', 'General', '1.2345678901234567e+19'],
    ['46353', 'dd/mm/yyyy', '2026-11-27'],
    ['46353.75', 'yyyy\\-mm\\-dd hh:mm', '2026-11-27'],
    ['46353', '[$-407]d. mmmm yyyy;@', '2026-11-27'],
    ['1', 'm/d/yy', '1900-01-01'],
    ['60', 'm/d/yy', '60'],
    ['61', 'm/d/yy', '1900-03-01'],
    ['0.5', 'hh:mm', '0.5'],
    ['5', '#,##0 &quot;pcs&quot;', '5'],
  ] as const)('%s under %s is %s', async ([value, format, expected]) => {
    expect(await numberOf(value, format)).toBe(expected);
  });

  test('are dates counted from 1904 if the workbook says so', async () => {
    expect(await numberOf('44891', 'yyyy-mm-dd', { starts1904: true })).toBe('2026-11-27');
  });

  test('a rounded ISBN is refused, a lost leading zero is restored', async () => {
    const rows =
      '<row r="1"><c r="A1" t="str"><v>Barcode</v></c><c r="B1" t="str"><v>Qty</v></c></row>' +
      `<row r="2">${numberCell('A2', '9.78043902348E+12', 1)}${numberCell('B2', '1')}</row>` +
      `<row r="3">${numberCell('A3', '12345678905')}${numberCell('B3', '2')}</row>`;
    expect(await linesOf(workbookOf({ sheets: [{ rows }], formats: ['0.00E+00'] }))).toEqual([
      textMatching(/^Row 2, column "Barcode": "9\.78043902348e\+12" was rounded by a spreadsheet/),
      { skuId: null, gtins: [12_345_678_905], fields: { quantityInStock: 2 } },
    ]);
  });
});

describe('a cell without a readable value refuses only its row', () => {
  test.for([
    ['<c r="B2" t="e"><v>#N/A</v></c>', /^Row 2, column "Qty": holds the error #N\/A\.$/],
    [
      '<c r="B2"><f>A1*2</f></c>',
      /^Row 2, column "Qty": holds a formula whose value was not saved/,
    ],
    ['<c r="B2"><v>five</v></c>', /^Row 2, column "Qty": is marked as a number but is not one\.$/],
    ['<c r="B2" t="b"><v>1</v></c>', /^Row 2, column "Qty": "TRUE" is not a whole number/],
    [
      '<c r="B2"><v>5</v></c><c r="D2"><v>9</v></c>',
      /^Row 2 has something in its cell 4, beyond the table: the header has 2 columns\.$/,
    ],
  ] as const)('%s', async ([cell, message]) => {
    const rows = `${HEADER}<row r="2"><c r="A2" t="str"><v>A</v></c>${cell}</row><row r="3"><c r="A3" t="str"><v>B</v></c><c r="B3"><v>1</v></c></row>`;
    expect(await linesOf(workbookOf({ sheets: [{ rows }] }))).toEqual([
      textMatching(message),
      { skuId: 'B', gtins: [], fields: { quantityInStock: 1 } },
    ]);
  });

  test('and is ignored in a column that is not read', async () => {
    const rows =
      '<row r="1"><c r="A1" t="str"><v>SKU</v></c><c r="B1" t="str"><v>Qty</v></c><c r="C1" t="str"><v>Colour</v></c></row>' +
      '<row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2"><v>1</v></c><c r="C2" t="e"><v>#REF!</v></c></row>';
    expect(await linesOf(workbookOf({ sheets: [{ rows }] }))).toEqual([
      { skuId: 'A', gtins: [], fields: { quantityInStock: 1 } },
    ]);
  });

  test('a formula is read by its saved value, a macro is ignored', async () => {
    const rows = `${HEADER}<row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2"><f>1+1</f><v>2</v></c></row>`;
    const parts = [{ name: 'xl/vbaProject.bin', content: 'Sub Auto_Open()' }];
    expect(await linesOf(workbookOf({ sheets: [{ rows }], parts }))).toEqual([
      { skuId: 'A', gtins: [], fields: { quantityInStock: 2 } },
    ]);
  });
});

describe('a damaged workbook is refused; the error names the part', () => {
  test.for([
    [
      'cells out of order',
      '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>',
      /sheet1\.xml of the workbook is damaged: cell A2 comes twice or out of order/,
    ],
    ['rows out of order', '<row r="3"/><row r="2"/>', /row 2 comes after row 3/],
    ['a row that cannot be', '<row r="1048577"/>', /there is no row 1048577/],
    [
      'a cell of another row',
      '<row r="2"><c r="A3"><v>1</v></c></row>',
      /row 2 cannot have a cell A3/,
    ],
    [
      'a column that cannot be',
      '<row r="2"><c r="XFE2"><v>1</v></c></row>',
      /cannot have a cell XFE2/,
    ],
    [
      'a shared text that is missing',
      '<row r="2"><c r="A2" t="s"><v>7</v></c></row>',
      /names the shared text 7, which is missing/,
    ],
    ['XML that does not close', '<row r="2"><c r="A2"></row>', /cannot be read \(/],
  ] as const)('%s', async ([, rows, message]) => {
    await expect(cellsOf(rows)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(message),
    });
  });

  test('a part that is missing', async () => {
    const links =
      '<Relationships><Relationship Id="s0" Type="x/worksheet" Target="worksheets/gone.xml"/></Relationships>';
    const parts = [{ name: 'xl/_rels/workbook.xml.rels', content: links }];
    await expect(cellsOf('', { parts })).rejects.toMatchObject({
      message: textMatching(/lacks its part "xl\/worksheets\/gone\.xml"/),
    });
  });
});
