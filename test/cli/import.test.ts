import { readFile, writeFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

const CATALOGUE =
  'code,title,barcode,isbn,quantity_in_stock,colour\n' +
  'A-1,"Kettle, cream",4006381333931,,40,cream\n' +
  'A-2,Apron,4006381333931,,7,navy\n' +
  'A-3,Jar,36000291452,,5,\n' +
  'B-1,Reader,,9.78043902348e+12,1,\n' +
  'B-2,Reader,,0306406152,x,\n' +
  'A-3,Jar,36000291452,,6,\n';

const MAP = ['--map', 'code=sku_id', '--map', 'barcode=gtin'];

/** The counts of a summary, by their labels. */
function countsOf(summary: string): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, label = '', count] of summary.matchAll(/^ {2}(\S.*?) {2,}(\d+)$/gm)) {
    counts[label] = Number(count);
  }
  return counts;
}

describe('onhand import', () => {
  let work: Workplace;

  beforeAll(async () => {
    work = await Workplace.make();
    await work.succeed('organization', 'create', '--type', 'supplier', 'Acme');
    await work.succeed('organization', 'create', '--type', 'retailer', 'Corner Shop');
    await writeFile(work.path('catalogue.csv'), CATALOGUE);
    await writeFile(work.path('broken.csv'), `${CATALOGUE}"C-1,never closed\n`);
  });

  afterAll(() => work.remove());

  test('imports a catalogue, reports problems of its rows, and changes nothing the second time', async () => {
    const args = ['import', 'catalogue.csv', '--supplier', 'Acme', ...MAP, '--report', 'r.csv'];
    const first = await work.run(args);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^Imported the catalogue of "Acme"\.\n/);
    expect(first.stdout).toMatch(/^ {2}columns ignored +colour$/m);
    expect(first.stdout).toMatch(/^ {2}report +r\.csv$/m);
    const counts = { 'rows read': 6, 'rows rejected': 2, 'rows doubtful': 4 };
    expect(countsOf(first.stdout)).toEqual({
      ...counts,
      'SKUs created': 4,
      'SKUs updated': 0,
      'SKUs unchanged': 0,
    });

    const report = await readFile(work.path('r.csv'), 'utf8');
    expect(parse(report)).toEqual([
      ['row', 'column', 'value', 'reason', 'kind'],
      ['2', 'barcode', '4006381333931', textMatching(/also on the SKU "A-2"/), 'doubtful'],
      ['3', 'barcode', '4006381333931', textMatching(/also on the SKU "A-1"/), 'doubtful'],
      ['4', 'barcode', '36000291452', textMatching(/read as upca 036000291452/), 'doubtful'],
      ['4', 'code', 'A-3', textMatching(/comes again in row 7; the last row counts/), 'rejected'],
      ['5', 'isbn', '9.78043902348e+12', textMatching(/rounded by a spreadsheet/), 'doubtful'],
      ['6', 'quantity_in_stock', 'x', textMatching(/not a whole number/), 'rejected'],
      ['7', 'barcode', '36000291452', textMatching(/leading zeros restored/), 'doubtful'],
    ]);

    const second = await work.run(args);
    expect(countsOf(second.stdout)).toEqual({
      ...counts,
      'SKUs created': 0,
      'SKUs updated': 0,
      'SKUs unchanged': 4,
    });
    expect(await readFile(work.path('r.csv'), 'utf8')).toBe(report);
    expect(await work.run(['doctor'])).toMatchObject({ code: 0 });
  });

  test('asks for the decimal mark that a file does not show, and takes words and negatives by rule', async () => {
    await writeFile(work.path('n.csv'), 'sku_id,qty,on order\nA-1,12.000,-3\nA-2,many,0\n');
    const args = ['import', 'n.csv', '--supplier', 'Acme'];
    expect(await work.run(args)).toMatchObject({
      code: 1,
      stderr: textMatching(
        /"12\.000" may be 12 or 12000.*Say --decimal point .* or --decimal comma/,
      ),
    });
    const rules = ['--decimal', 'comma', '--words', 'many=9', '--negative', 'zero'];
    const { stdout } = await work.run([...args, ...rules]);
    expect(countsOf(stdout)).toMatchObject({ 'SKUs updated': 2, 'rows rejected': 0 });
  });

  test('shows the first complaints if no report is requested', async () => {
    const { stdout } = await work.run(['import', 'catalogue.csv', '--supplier', 'Acme', ...MAP]);
    expect(stdout).toMatch(
      /The first complaints \(write all of them with --report FILE\.csv\):\n {2}row 2 doubtful: barcode "4006381333931" this GTIN/,
    );
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .slice(-5)
        .every((line) => line.startsWith('  row ')),
    ).toBe(true);
  });

  test('applies nothing of a truncated file, and exits 1', async () => {
    await work.succeed('organization', 'create', '--type', 'supplier', 'Broken');
    const broken = ['import', 'broken.csv', '--supplier', 'Broken', ...MAP];
    expect(await work.run([...broken, '--report', 'broken-report.csv'])).toEqual({
      code: 1,
      stdout: '',
      stderr: textMatching(/^onhand: A quote is opened and never closed \(row 8\)\.\n$/),
    });
    const next = await work.run(['import', 'catalogue.csv', '--supplier', 'Broken', ...MAP]);
    expect(countsOf(next.stdout)).toMatchObject({ 'SKUs created': 4 });
  });

  test.for([
    [
      'a file that does not exist',
      ['no.csv', '--supplier', 'Acme'],
      /^onhand: The file no\.csv cannot be read: .*no such file/,
    ],
    ['a directory', ['.', '--supplier', 'Acme'], /^onhand: \. is a directory; name a file\.\n$/],
    [
      'a file without a sku_id column',
      ['catalogue.csv', '--supplier', 'Acme'],
      /^onhand: The file has no sku_id column/,
    ],
    [
      'a mapped header that is missing',
      ['catalogue.csv', '--supplier', 'Acme', ...MAP, '--map', 'ean=ean13'],
      /^onhand: The file has no column "ean" to read as ean13/,
    ],
    [
      'a malformed map',
      ['catalogue.csv', '--supplier', 'Acme', '--map', 'code'],
      /^onhand: "code" is not a column mapping; write header=column/,
    ],
    [
      'an unknown supplier',
      ['catalogue.csv', '--supplier', 'Nope'],
      /^onhand: There is no organization "Nope"/,
    ],
    [
      'a retailer',
      ['catalogue.csv', '--supplier', 'Corner Shop'],
      /^onhand: "Corner Shop" is a retailer, not a supplier/,
    ],
    [
      'a report that would overwrite the file itself',
      ['catalogue.csv', '--supplier', 'Acme', ...MAP, '--report', './catalogue.csv'],
      /^onhand: The report would overwrite the imported file/,
    ],
    [
      'a report that cannot be written',
      ['catalogue.csv', '--supplier', 'Acme', ...MAP, '--report', 'no/such/r.csv'],
      /^onhand: The report no\/such\/r\.csv cannot be written/,
    ],
  ] as const)('rejects %s: exit 1, in one line', async ([, args, message]) => {
    const refused = await work.run(['import', ...args]);
    expect(refused).toEqual({ code: 1, stdout: '', stderr: textMatching(message) });
    expect(refused.stderr.split('\n')).toHaveLength(2);
    expect(await readFile(work.path('catalogue.csv'), 'utf8')).toBe(CATALOGUE);
  });
});
