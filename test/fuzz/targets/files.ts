import { readCsv } from '../../../src/formats/csv/csv.ts';
import { openFile } from '../../../src/formats/open-file.ts';
import { withoutBlanks } from '../../../src/formats/table/blanks.ts';
import { readSettings } from '../../../src/settings/read.ts';
import { parseBody } from '../../../src/wire/json.ts';
import { parseLines } from '../../../src/wire/lines/lines.ts';
import type { FileRow } from '../../../src/formats/format.ts';
import { cut, expectSame, expectThat, outcomeOf, outcomeOfAsync, type Target } from '../target.ts';
import { LINE_TOKENS } from './json.ts';
import { arriving, readFile, someRules } from './reading.ts';
import { NO_RULES } from '../../../src/domain/reading-rules.ts';

/** Words of headers and cells. */
export const TABLE_TOKENS = [
  ',',
  ';',
  '\t',
  '\n',
  '\r\n',
  '"',
  'sku_id',
  'sku',
  'quantity_in_stock',
  'qty',
  'Lagerbestand',
  'available',
  'upca',
  'ean13',
  'barcode',
  'gtin',
  'isbn',
  'restrictions',
  'backorder_date',
  'quantity_on_backorder',
  'discontinued',
  'published',
  'title',
  'item_id',
  'location',
  'unit',
  'NULL',
  'N/A',
  '1.000',
  '1,5',
  '12,000.00',
  '-3',
  '(5)',
  '10+',
  '5 pcs',
  '2 dozen',
  'yes',
  'out of stock',
  '03/04/2027',
  '2027-04-03',
  '4006381333931',
  '012345678905',
  '4.00638E+12',
  '="001"',
  'required',
  'string',
  'integer',
  'sep=;',
];

const TABLE_SEEDS = [
  'sku_id,quantity_in_stock\nA-1,5\nA-2,\n,7\n',
  'item_id,sku_id,quantity_in_stock,quantity_on_backorder,backorder_date\nrequired,required,required,desired,dependent\nstring,string,integer,integer,string\nI1,A,3,2,2027-01-05\n',
  'Artikelnummer;Lagerbestand;EAN\r\nA;1.000;4006381333931\r\nB;12,5;x\r\n',
  'Stock list of ACME\n\nSKU\tBarcode\tQty\tStatus\nA\t012345678905\t10+\tdiscontinued\n',
  'sku_id,title,item_id,upca,quantity_in_stock\nA,Tea,I1,12345678905,5\n',
  'sku,location,qty,unit\nA,North,5,dozen\nA,South,2,pcs\n',
  Buffer.from('\ufeffsku_id,qty\nä,1\n', 'utf16le'),
  Buffer.from('sku_id,qty\n\xfc\xe9,1\n', 'latin1'),
];

/** CSV files: encoding, separator, header, cells. */
export const table: Target = {
  name: 'table',
  tokens: TABLE_TOKENS,
  seeds: TABLE_SEEDS,
  run: async (bytes, random) => {
    const rules = someRules(random);
    const whole = await readFile([bytes], rules);
    expectSame(
      'a file depends on how bytes arrive',
      whole,
      await readFile(cut(bytes, random), rules),
    );
    if ('value' in whole && whole.value.format === 'csv' && whole.value.kind === 'inventory')
      await readsAllRows(bytes, whole.value.rows);
  },
};

const LIMITS = readSettings({}, {}).formatLimits;

/** From its first row on, a table is read without gaps: every row is there unless it is blank. */
async function readsAllRows(bytes: Buffer, rows: readonly FileRow[]): Promise<void> {
  const first = rows[0]?.row ?? Infinity;
  const outcome = await outcomeOfAsync(async () => {
    const file = await openFile({ bytes: arriving([bytes]) }, LIMITS);
    if (file.format === 'xlsx') return [];
    const found: number[] = [];
    for await (const some of readCsv(file.utf8, file.delimiter, 1500)) {
      for (const row of some) {
        const cells = 'cells' in row ? row.cells : row.found;
        const isBlank = 'cells' in row && cells.every((cell) => withoutBlanks(cell) === '');
        if (row.row >= first && !isBlank) found.push(row.row);
      }
    }
    await file.close();
    return found;
  });
  if ('value' in outcome)
    expectSame(
      'rows are missing',
      rows.map(({ row }) => row),
      outcome.value,
    );
}

/** Files of JSON and NDJSON. Their lines mean the same as in a bulk update. */
export const jsonFile: Target = {
  name: 'json-file',
  tokens: [...LINE_TOKENS, '\n', '\ufeff'],
  seeds: [
    '[{"sku_id":"A","quantity_in_stock":1},\n {"upca":"012345678905","quantity_in_stock":"2"}]',
    '{"sku_id":"A","quantity_in_stock":1}\n\n{"isbn":"0306406152","restrictions":"tmpunavail"}\n[]\n',
  ],
  run: async (bytes, random) => {
    const whole = await readFile([bytes], NO_RULES);
    expectSame(
      'a file depends on how bytes arrive',
      whole,
      await readFile(cut(bytes, random), NO_RULES),
    );
    if (!('value' in whole) || whole.value.format !== 'json') return;
    const { rows } = whole.value;
    const text = bytes.toString().replace(/^\ufeff/, '');
    if (Buffer.from(text).length < bytes.length - 3 || text.includes('\ufffd')) return;
    const body = outcomeOf(() => parseBody(text, 'lines').value);
    expectThat('value' in body, 'a file is accepted whose JSON is refused as a body', body);
    if (!('value' in body) || !Array.isArray(body.value)) return;
    const lines = parseLines(body.value, text, {
      nowMs: 0,
      asOfToleranceSeconds: Infinity,
      asOfUs: undefined,
    });
    expectSame(
      'lines of a file and of a body differ',
      rows.map(({ line }) => [line.skuId, line.refusal]),
      rows.map((_, i) => [lines.skuIds[i], lines.refusals.get(i)]),
    );
    expectThat(rows.length === lines.count, 'the count of rows', rows.length);
  },
};
