import { describe, expect, test } from 'vitest';
import { FORMAT_LIMITS } from './limits.ts';
import { textMatching } from '../matching.ts';
import { linesOf, open } from './stock-files.ts';
import { workbookOf } from './workbooks.ts';

const read = (
  rows: string | readonly (readonly string[])[],
  merges: readonly string[],
  columnMap = '',
) => linesOf(workbookOf({ sheets: [{ rows, merges }] }), { columnMap });

const inStock = (skuId: string, quantityInStock: number) => ({
  skuId,
  gtins: [],
  fields: { quantityInStock },
});

describe('merged cells of a workbook', () => {
  test('all have the value of their first cell', async () => {
    const rows = [
      ['SKU', 'Qty', 'Backorder'],
      ['A', '1', '5'],
      ['B', '2', ''],
      ['C', '3', ''],
      ['D', '4', ''],
    ];
    const lines = await read(rows, ['C3:C4', 'B5:C5', 'C2:C3']);
    expect(lines).toMatchObject([
      { fields: { quantityInStock: 1, quantityOnBackorder: 5 } },
      { fields: { quantityInStock: 2, quantityOnBackorder: 5 } },
      { fields: { quantityInStock: 3 } },
      { fields: { quantityInStock: 4, quantityOnBackorder: 4 } },
    ]);
    expect(lines[2]).not.toHaveProperty('fields.quantityOnBackorder');
  });

  test('that span columns which are not read change nothing', async () => {
    const rows = [
      ['SKU', 'Qty', 'Note', 'Note'],
      ['A', '1', 'x', ''],
    ];
    expect(await read(rows, ['C2:D2'])).toEqual([inStock('A', 1)]);
  });

  test('with an error reject each of their rows', async () => {
    const rows =
      '<row r="1"><c r="A1" t="str"><v>SKU</v></c><c r="B1" t="str"><v>Qty</v></c></row>' +
      '<row r="2"><c r="A2" t="str"><v>A</v></c><c r="B2" t="e"><v>#REF!</v></c></row>' +
      '<row r="3"><c r="A3" t="str"><v>B</v></c></row>';
    expect(await read(rows, ['B2:B3'])).toEqual([
      textMatching(/^Row 2, column "Qty": holds the error #REF!/),
      textMatching(/^Row 3, column "Qty": holds the error #REF!/),
    ]);
  });

  test('that overlap without end are refused', async () => {
    const rows = [['SKU', 'Qty'], ...Array.from({ length: 20 }, () => ['A', '1'])];
    const merges = Array.from({ length: 1001 }, () => 'C2:C9');
    await expect(read(rows, merges)).rejects.toThrow(/merged cells overlap/);
  });

  test(`are at most ${FORMAT_LIMITS.mergedCellsMax}`, async () => {
    const merges = Array.from({ length: FORMAT_LIMITS.mergedCellsMax + 1 }, () => 'C9:C9');
    await expect(read([['SKU', 'Qty']], merges)).rejects.toMatchObject({
      code: 'body_too_large',
      message: textMatching(/more than 65536 merged cells/),
    });
  });
});

describe('a header of merged cells', () => {
  test('over two rows is read by both names', async () => {
    const rows = [
      ['SKU', 'Warehouse', ''],
      ['', 'Qty', 'Note'],
      ['A', '1', 'x'],
    ];
    expect(await read(rows, ['A1:A2', 'B1:C1'], 'Warehouse Qty=quantity_in_stock')).toEqual([
      inStock('A', 1),
    ]);
  });

  test('is not read as a row if each of its cells spans two rows', async () => {
    const rows = [
      ['SKU', 'Qty'],
      ['', ''],
      ['A', '1'],
    ];
    expect(await read(rows, ['A1:A2', 'B1:B2'])).toEqual([inStock('A', 1)]);
  });

  test('whose second row is a header of its own is read by that row', async () => {
    const rows = [
      ['Stock list', '', ''],
      ['SKU', 'Qty', 'Note'],
      ['A', '1', 'x'],
    ];
    expect(await read(rows, ['A1:C1'])).toEqual([inStock('A', 1)]);
  });

  test('with groups above it is named with its groups', async () => {
    const rows = [
      ['', 'Stock', ''],
      ['SKU', 'NJ', 'CA'],
      ['A', '1', '2'],
    ];
    const file = workbookOf({ sheets: [{ rows, merges: ['B1:C1'] }] });
    await expect(open(file)).rejects.toThrow(/Stock NJ, Stock CA/);
  });
});

test('a header is found below many other rows', async () => {
  const above = Array.from({ length: 99 }, (_, i) => `line ${i},of an address\n`).join('');
  expect(await linesOf(`${above}\nSKU;Qty\n`.replaceAll(',', ';') + 'A;1\n')).toEqual([
    inStock('A', 1),
  ]);
  await expect(linesOf(`${above}x,y\nSKU,Qty\nA,1\n`)).rejects.toThrow(/No column/);
});
