import { describe, expect, test } from 'vitest';
import { CATALOGUE_COLUMNS } from '../../src/domain/file-columns.ts';
import { parseColumnMappings } from '../../src/domain/reading-rules.ts';
import { matchCatalogue } from '../../src/formats/table/columns.ts';
import { textMatching } from '../matching.ts';

const match = (header: readonly string[], columnMap = '') =>
  matchCatalogue(header, parseColumnMappings(columnMap));

const readAs = (header: readonly string[], columnMap = '') =>
  match(header, columnMap).columns.map(({ place, target }) => `${place} ${target}`);

describe('a column map', () => {
  test.for([
    ['', []],
    [' ', []],
    ['barcode=gtin', [['barcode', 'gtin']]],
    [
      ' bar code = gtin , code=sku_id',
      [
        ['bar code', 'gtin'],
        ['code', 'sku_id'],
      ],
    ],
    ['CODE=SKU_ID', [['CODE', 'sku_id']]],
    ['a=b=isbn', [['a=b', 'isbn']]],
    [
      'barcode=gtin,barcode=sku_id',
      [
        ['barcode', 'gtin'],
        ['barcode', 'sku_id'],
      ],
    ],
  ] as const)('%j is read', ([text, expected]) => {
    expect(parseColumnMappings(text).map(({ header, target }) => [header, target])).toEqual(
      expected,
    );
  });

  test.for([
    ['barcode', /"barcode" is not a column mapping; write header=column/],
    ['=gtin', /is not a column mapping; write header=column/],
    ['barcode=', /is not a column mapping; write header=column/],
    ['barcode=gtin,', /is not a column mapping; write header=column/],
    [
      'barcode=upc',
      /"upc" is not a column to map to; there are item_id, sku_id, .*, published, unit, and ignore\./,
    ],
    ['barcode=constructor', /not a column to map to/],
  ] as const)('%j is refused', ([text, message]) => {
    expect(() => parseColumnMappings(text)).toThrow(
      expect.objectContaining({ code: 'parameter_invalid', message: textMatching(message) }),
    );
  });
});

describe('a header', () => {
  test('of the product file is read completely', () => {
    expect(match(CATALOGUE_COLUMNS)).toMatchObject({ unknown: [], width: 15 });
    expect(readAs(CATALOGUE_COLUMNS)).toEqual(CATALOGUE_COLUMNS.map((name, i) => `${i} ${name}`));
  });

  test('is read in any case and order, with or without spaces around names', () => {
    expect(readAs([' ISBN', 'Sku_Id '])).toEqual(['0 isbn', '1 sku_id']);
  });

  test('may name a column of mixed codes', () => {
    expect(readAs(['sku_id', 'gtin'])).toEqual(['0 sku_id', '1 gtin']);
  });

  test('lists its unknown columns, and those without a name by their position', () => {
    expect(match(['colour', 'sku_id', '', 'constructor']).unknown).toEqual([
      'colour',
      '(column 3, without a name)',
      'constructor',
    ]);
  });

  test('that is mapped loses the meaning of its own name', () => {
    expect(readAs(['isbn', 'sku_id'], 'isbn=title')).toEqual(['0 title', '1 sku_id']);
  });

  test('may be read as two columns', () => {
    expect(readAs(['Barcode', 'name'], 'barcode=gtin,barcode=sku_id,name=title')).toEqual([
      '0 gtin',
      '0 sku_id',
      '1 title',
    ]);
  });

  test('mapped twice to the same column is read once', () => {
    expect(readAs(['code'], 'code=sku_id,CODE=sku_id')).toEqual(['0 sku_id']);
  });

  test.for([
    [
      'without sku_id',
      ['code', 'title'],
      '',
      /no sku_id column.*it has code, title\..*: mapping=code=sku_id\./,
    ],
    ['without sku_id, as it is mapped away', ['sku_id'], 'sku_id=title', /no sku_id column/],
    ['without a mapped header', ['sku_id'], 'ean=ean13', /no column "ean" to read as ean13/],
    ['that names a column twice', ['sku_id', 'SKU_ID'], '', /Columns 1 .* and 2 .* both .* sku_id/],
    [
      'of which two columns are mapped to one',
      ['a', 'b'],
      'a=sku_id,b=sku_id',
      /Columns 1 \("a"\) and 2 \("b"\)/,
    ],
  ] as const)('%s is refused', ([, header, columnMap, message]) => {
    expect(() => match(header, columnMap)).toThrow(
      expect.objectContaining({ code: 'body_malformed', message: textMatching(message) }),
    );
  });

  test('that is long is shortened in the error', () => {
    const header = Array.from({ length: 500 }, (_, i) => `${'long '.repeat(50)}${i}`);
    expect(() => match(header)).toThrow(/and 470 more\./);
  });
});
