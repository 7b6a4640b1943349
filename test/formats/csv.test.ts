import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAULTY_ROWS_MAX, readCsv } from '../../src/formats/csv/csv.ts';
import { FORMAT_LIMITS } from './limits.ts';
import { textMatching } from '../matching.ts';
import { all, bytesOf } from './reading.ts';

const { rowCharactersMax } = FORMAT_LIMITS;

const read = async (file: string | Uint8Array, chunkBytes?: number) =>
  (await all(readCsv(bytesOf(file, chunkBytes), ',', rowCharactersMax))).flat();

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
  const file = '="00123",5,"=""007"""\n="a""b",1\n=1+1,"=1+1"\n';
  expect(await cellsOf(file)).toEqual([
    ['00123', '5', '007'],
    ['="a""b"', '1'],
    ['=1+1', '=1+1'],
  ]);
});

describe('a quote that does not enclose a whole cell', () => {
  test('is part of the text', async () => {
    expect(
      await cellsOf('A,24" shelf,3\nB,say "hi" x,4\n"Best" jar,"" x,"a""b" c\n1" x 2"'),
    ).toEqual([
      ['A', '24" shelf', '3'],
      ['B', 'say "hi" x', '4'],
      ['"Best" jar', '"" x', '"a""b" c'],
      ['1" x 2"'],
    ]);
  });

  test('does not hide the rows behind a quoted cell with line breaks', async () => {
    expect(await cellsOf('h,i\n"two\nlines",x"y\n1,2\n')).toEqual([
      ['h', 'i'],
      ['two\nlines', 'x"y'],
      ['1', '2'],
    ]);
  });
});

describe('a quote that is never closed', () => {
  const UNCLOSED = textMatching(/opens a quote that is never closed/);

  test.for([
    ['in the last row', 'h\n1\n"a', ['1', '2', '!3']],
    ['in the last row, before its end', 'h\n"a\n', ['1', '!2']],
    ['before other rows', 'h,i\n"a,1\nb,2\nc,3\n', ['1', '!2', '3', '4']],
    ['before a row that opens one too', 'h,i\n"a,1\n"b",2\nc,3\n', ['1', '!2', '3', '4']],
    ['in rows one after another', 'h\n"a\n"b" c\n"d\n', ['1', '!2', '3', '!4']],
  ] as const)('%s makes that row faulty, and no other', async ([, file, rows]) => {
    const found = await read(file);
    expect(found.map((row) => ('fault' in row ? `!${row.row}` : String(row.row)))).toEqual(rows);
    for (const row of found) if ('fault' in row) expect(row.fault).toEqual(UNCLOSED);
  });

  test('and whose text exceeds the limit of a row makes only its row faulty', async () => {
    const rows = await all(readCsv(bytesOf(`h\n"a\n${'x\n'.repeat(100)}`, 10), ',', 60));
    expect(rows.flat()).toHaveLength(102);
    expect(rows.flat().filter((row) => 'fault' in row)).toEqual([
      { row: 2, fault: UNCLOSED, found: ['"a'], isUnclosed: true },
    ]);
  });

  test('is refused alike wherever the file is split if the row is longer than a row may be', async () => {
    const file = `h\n"${'x,\n'.repeat(30)}"\nA\n`;
    const reads = [1, 7, 64, 4096].map(async (chunkBytes) =>
      (await all(readCsv(bytesOf(file, chunkBytes), ',', 60))).flat(),
    );
    const [bytewise, ...others] = await Promise.all(reads);
    expect(bytewise).toContainEqual({
      row: 2,
      fault: UNCLOSED,
      found: ['"x', ''],
      isUnclosed: true,
    });
    for (const rows of others) expect(rows).toEqual(bytewise);
  });

  test(`in more than ${FAULTY_ROWS_MAX} rows shows that the file is not CSV`, async () => {
    const faulty = '"a\nb" c\n'.repeat(FAULTY_ROWS_MAX);
    expect(await read(faulty)).toHaveLength(2 * FAULTY_ROWS_MAX);
    await expect(read(`${faulty}"a\nb" c\n`)).rejects.toMatchObject({ code: 'body_malformed' });
  });
});

test('a row without an end refuses the file', async () => {
  const file = `h\n${'x'.repeat(2 * rowCharactersMax)}\n`;
  await expect(read(file)).rejects.toMatchObject({
    code: 'body_malformed',
    message: textMatching(/too long.*\(row 2/),
  });
});

async function* failing(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from('a,b\n1,2\n'));
  throw new Error('the disk is gone');
}

test('an error of the source is passed on unchanged', async () => {
  await expect(all(readCsv(failing(), ',', rowCharactersMax))).rejects.toThrow('the disk is gone');
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
        const rows = (
          await all(readCsv(bytesOf(file, chunkBytes), delimiter, rowCharactersMax))
        ).flat();
        expect(rows.map((row) => ('cells' in row ? row.cells : row.fault))).toEqual(expected);
      },
    ),
    { seed: 20_261_123, numRuns: 1000 },
  );
});
