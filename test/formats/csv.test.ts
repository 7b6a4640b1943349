import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAULTY_ROWS_MAX, readCsv } from '../../src/formats/csv/csv.ts';
import { FORMAT_LIMITS } from '../../src/formats/format.ts';
import { textMatching } from '../matching.ts';
import { all, bytesOf } from './reading.ts';

const read = async (file: string | Uint8Array, chunkBytes?: number) =>
  (await all(readCsv(bytesOf(file, chunkBytes)))).flat();

const cellsOf = async (file: string | Uint8Array) =>
  (await read(file)).map((row) => ('cells' in row ? row.cells : row.fault));

describe('CSV', () => {
  test.for([
    ['LF', 'a,b\n1,2\n'],
    ['CRLF', 'a,b\r\n1,2\r\n'],
    ['CR', 'a,b\r1,2\r'],
    ['no end at the last line', 'a,b\n1,2'],
    ['quotes around every cell', '"a","b"\r\n"1","2"\r\n'],
  ])('%s is read', async ([, file = '']) => {
    expect(await cellsOf(file)).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
  });

  test('quoted cells keep commas, quotes and line breaks', async () => {
    expect(await cellsOf('"a,b","say ""hi""","two\nlines"\n')).toEqual([
      ['a,b', 'say "hi"', 'two\nlines'],
    ]);
  });

  test('spaces around a cell are part of it', async () => {
    expect(await cellsOf(' a , b\n')).toEqual([[' a ', ' b']]);
  });

  test('rows are numbered as a spreadsheet shows them: empty lines count, line breaks in cells do not', async () => {
    expect(await read('h\n\n"two\nlines"\nx\n')).toEqual([
      { row: 1, cells: ['h'] },
      { row: 2, cells: [''] },
      { row: 3, cells: ['two\nlines'] },
      { row: 4, cells: ['x'] },
    ]);
  });

  test('the rows do not depend on where the bytes are split', async () => {
    const file = '\uFEFFcode,name\r\n1,"Käse, ""alt""\r\n𝄞"\r\n\r\n2,x"y,\r\n3,ein Löffel\r\n';
    const whole = await read(file);
    expect(whole).toHaveLength(5);
    for (const chunkBytes of [1, 2, 3, 5, 7]) expect(await read(file, chunkBytes)).toEqual(whole);
  });

  test('an empty file has no rows', async () => {
    expect(await read('')).toEqual([]);
  });
});

test('a cell written as ="00123" is read as the text in its quotes', async () => {
  const file = '="00123",5,"=""007"""\n="a""b",1\n="a,b",1\n=1+1,"=1+1"\n';
  expect(await cellsOf(file)).toEqual([
    ['00123', '5', '007'],
    textMatching(/a quote inside a cell/),
    textMatching(/a quote inside a cell/),
    ['=1+1', '=1+1'],
  ]);
});

describe('stray quotes', () => {
  const STRAY = textMatching(/a quote inside a cell/);

  test('spoil their row alone, and the rows behind it keep their numbers', async () => {
    expect(await read('h\n1\n12" pan\n3\n5" a "b" c\n5\n')).toEqual([
      { row: 1, cells: ['h'] },
      { row: 2, cells: ['1'] },
      { row: 3, fault: STRAY, found: ['12" pan'] },
      { row: 4, cells: ['3'] },
      { row: 5, fault: STRAY, found: ['5" a "b" c'] },
      { row: 6, cells: ['5'] },
    ]);
  });

  test('spoil rows one after another, and the last', async () => {
    const rows = await read('h,i\na"b,1\nc"d,e"f\n\n1,2\nx"y,1\nz"z,2');
    expect(rows.map((row) => [row.row, 'fault' in row])).toEqual([
      [1, false],
      [2, true],
      [3, true],
      [4, false],
      [5, false],
      [6, true],
      [7, true],
    ]);
  });

  test('before a line break do not hide the next rows', async () => {
    const rows = await read('h,i\n"two\nlines",x"y\n1,2\n');
    expect(rows.map((row) => [row.row, 'fault' in row])).toEqual([
      [1, false],
      [2, true],
      [3, false],
    ]);
  });

  test(`in more than ${FAULTY_ROWS_MAX} rows tell that the file is not CSV`, async () => {
    const faulty = 'a"b\n'.repeat(FAULTY_ROWS_MAX);
    expect(await read(faulty)).toHaveLength(FAULTY_ROWS_MAX);
    await expect(read(`${faulty}c"d\n`)).rejects.toMatchObject({ code: 'body_malformed' });
  });
});

describe('a file with uncertain row ends is refused', () => {
  test.for([
    ['a quote that is never closed', 'h\n"a\nb\nc\n', /never closed \(row 2/],
    ['text behind a closing quote', 'h\n1\n"a"b\nc\n', /has text after its closing quote.*\(row 3/],
    [
      'a row without an end',
      `h\n${'x'.repeat(2 * FORMAT_LIMITS.rowCharactersMax)}\n`,
      /too long.*\(row 2/,
    ],
  ] as const)('%s', async ([, file, message]) => {
    await expect(read(file)).rejects.toMatchObject({
      code: 'body_malformed',
      message: textMatching(message),
    });
  });
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from('a,b\n1,2\n'));
  throw new Error('the disk is gone');
}

test('an error of the source is passed on unchanged', async () => {
  await expect(all(readCsv(failing()))).rejects.toThrow('the disk is gone');
});

test('any CSV is read like csv-parse reads it, wherever it is split', async () => {
  const piece = fc.constantFrom(
    'a',
    'é',
    '"',
    '""',
    ',',
    ';',
    '\n',
    '\r\n',
    ' ',
    '"x"',
    '"p,q"',
    '"\n"',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      fc.constantFrom(',', ';'),
      fc.integer({ min: 1, max: 9 }),
      async (file, delimiter, chunkBytes) => {
        const terms = { delimiter, relax_column_count: true, record_delimiter: ['\r\n', '\n'] };
        let expected: unknown;
        try {
          expected = parse(file, terms);
        } catch {
          // What it does not read, this may read in part or refuse, but not otherwise.
          return;
        }
        const rows = (await all(readCsv(bytesOf(file, chunkBytes), delimiter))).flat();
        expect(rows.map((row) => ('cells' in row ? row.cells : row.fault))).toEqual(expected);
      },
    ),
    { seed: 20_261_123, numRuns: 1000 },
  );
});
