import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseCursor } from '../../src/changes/cursor.ts';
import { OnhandError } from '../../src/domain/errors.ts';
import { GTIN_FORMS, guessGtin, readGtin } from '../../src/domain/gtin.ts';
import { readDate, readQuantityText } from '../../src/domain/inventory.ts';
import { printCsv } from '../../src/formats/csv/writer.ts';
import { firstNotUtf8 } from '../../src/wire/utf8.ts';
import { isGzipped, readMediaType } from '../../src/http/request/body.ts';
import { acceptsGzip } from '../../src/http/request/reply.ts';
import { cleanFilename } from '../../src/http/files/file-upload.ts';
import { parseColumnMappings, parseWords } from '../../src/domain/reading-rules.ts';
import { isWebhookSecret } from '../../src/webhooks/signature.ts';
import { readWebhookUrl } from '../../src/webhooks/address.ts';
import { readRetryAfter } from '../../src/webhooks/schedule.ts';
import { JsonCounter } from '../../src/wire/json-counter.ts';
import { parseBody } from '../../src/wire/json.ts';
import { RowSplitter } from '../../src/wire/lines/ndjson.ts';
import { parseLines } from '../../src/wire/lines/lines.ts';
import { repr } from '../../src/wire/lines/python-repr.ts';
import { readQuantity, readChange } from '../../src/wire/inventory/inventory-fields.ts';
import { parseSkuList } from '../../src/wire/inventory/skus.ts';
import { readUuids } from '../../src/wire/query.ts';
import { readTimeUs } from '../../src/wire/times.ts';
import { zipOf } from '../formats/archives.ts';
import { rowsOf } from '../formats/stock-files.ts';
import { workbookOf } from '../formats/workbooks.ts';
import { report } from '../formats/edifact.ts';
import { interchange } from '../formats/x12.ts';
import { cpuMsOf } from './cpu-time.ts';

/**
 * Each parser reads a large text. If that takes next to no CPU time, the parser is linear: with a nanosecond for
 * each pair of characters it would take some seconds. Otherwise it also reads a text of a quarter of the size.
 * A linear parser takes a quarter of the time for it, a quadratic one a sixteenth.
 */
const SIZE = 48 * 1024;
const RATIO_MAX = 9;
const NEGLIGIBLE_MS = 60;
const ATTEMPTS = 4;

const LIMITS = { linesMax: 200_000, membersMax: 64, textBytesMax: 65_536, formBytesMax: 1_048_576 };
const TERMS = { nowMs: 0, asOfToleranceSeconds: 300, asOfUs: undefined };

/** What the texts repeat. */
const PUMPS = [
  ' ',
  '\n',
  '+',
  '"',
  '""',
  ',',
  ';',
  '[',
  '{"a":',
  '{"a":1},',
  '"a":1,',
  String.raw`\"`,
  '%41',
  '0',
  '9.',
  '=',
  '="a",',
  'a b ',
  'A,5\n',
  '" ,\n',
  '\u0000',
  'é',
  '\u{1F600}',
  '/',
  '~',
  '?',
  "'",
  ':',
  '*',
  '<a>',
  '&amp;',
  '_x0041_',
  '-',
] as const;

type Parser = (text: string) => unknown;

async function runs(parse: Parser, text: string): Promise<void> {
  try {
    await parse(text);
  } catch (error) {
    if (!(error instanceof OnhandError)) throw error;
  }
}

/** Undefined if the parser takes linear time for a repeated text; else the times that were measured, in ms. */
async function excessOf(parse: Parser, pump: string): Promise<string | undefined> {
  const text = (size: number): string => pump.repeat(Math.ceil(size / pump.length));
  const measured: string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const large = await cpuMsOf(() => runs(parse, text(SIZE)));
    if (large < NEGLIGIBLE_MS) return undefined;
    const small = await cpuMsOf(() => runs(parse, text(SIZE / 4)));
    if (large < RATIO_MAX * Math.max(small, 1)) return undefined;
    measured.push(`${small.toFixed(1)} and ${large.toFixed(1)} ms`);
  }
  return `${JSON.stringify(pump)}: ${measured.join('; ')}`;
}

const count = (bytes: Buffer, step: number): void => {
  const counter = new JsonCounter(LIMITS);
  for (let end = step; end - step < bytes.length; end += step)
    counter.count(bytes.subarray(0, end));
};

const split = (bytes: Buffer, step: number): void => {
  const splitter = new RowSplitter();
  for (let at = 0; at < bytes.length; at += step) {
    Array.from(splitter.take(bytes.subarray(at, at + step)));
  }
  splitter.end();
};

const lines = (text: string): unknown => {
  const body = parseBody(text, 'lines').value;
  return Array.isArray(body) ? parseLines(body, text, TERMS) : undefined;
};

const POLICY = { allowHttp: false, allowPrivateNetworks: false };
const KEY = Buffer.alloc(32);
const escapedXml = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\0', '');

const PARSERS: Readonly<Record<string, Parser>> = {
  'a JSON body': (text) => parseBody(text, 'lines', LIMITS),
  'a JSON body after white space': (text) => parseBody(`  ${text}x`, 'lines', LIMITS),
  'the lines of a bulk body': (text) =>
    lines(`[{"sku_id":${JSON.stringify(text.slice(0, 200_000))},"upca":1.5}]`),
  'an open array': (text) => parseBody(`[${text}`, 'lines', LIMITS),
  'an open text': (text) => parseBody(`["${text}`, 'lines', LIMITS),
  'a form': (text) => parseBody(`data=${text}`, 'lines', LIMITS),
  'a form with backslashes': (text) => parseBody(`data=[{\\"a\\":${text}`, 'lines', LIMITS),
  'the counter of a body': (text) => count(Buffer.from(text), 997),
  'the counter of an array': (text) => count(Buffer.from(`[${text}`), 997),
  'bytes that are not UTF-8': (text) =>
    firstNotUtf8(Buffer.concat([Buffer.from(text), Buffer.of(0xff)])),
  'the rows of a stream': (text) => split(Buffer.from(text), 997),
  'a CSV file': (text) => rowsOf(`sku_id,qty\n${text}`),
  'a CSV file in a quoted cell': (text) => rowsOf(`sku_id,qty\n"${text}`),
  'a CSV file in Windows-1252': (text) =>
    rowsOf(Buffer.concat([Buffer.from('sku_id,qty\nA\xfc,1\n', 'latin1'), Buffer.from(text)])),
  'a CSV file in UTF-16': (text) => rowsOf(Buffer.from(`\uFEFFsku_id,qty\n${text}`, 'utf16le')),
  'the head of a file': (text) => rowsOf(text),
  'a gzip file': (text) => rowsOf(gzipSync(`sku_id,qty\n${text}`)),
  'a JSON file': (text) => rowsOf(`[${text}`),
  'an NDJSON file': (text) => rowsOf(`{"sku_id":"A","quantity_in_stock":1}\n${text}`),
  'an X12 file': (text) => rowsOf(interchange([`LIN**SK*${text}`])),
  'X12 segments': (text) => rowsOf(interchange([]).replace('BIA', `${text}BIA`)),
  'an EDIFACT file': (text) => rowsOf(report([`LIN+1++${text}:SA`])),
  'EDIFACT segments': (text) => rowsOf(report([]).replace('BGM', `${text}BGM`)),
  'released characters of EDIFACT': (text) =>
    rowsOf(report([`LIN+1++${"?'".repeat(text.length / 2)}${text}`])),
  'an EDIFACT report of an item': (text) =>
    rowsOf(
      report([
        'LIN+1++A:SA',
        ...Array.from({ length: text.length / 16 }, () => `QTY+145:1'LOC+18+${text.at(0) ?? ''}`),
      ]),
    ),
  'a zip archive': (text) => rowsOf(zipOf([{ name: 'a.csv', content: `sku_id,qty\n${text}` }])),
  'a file name in a zip archive': (text) =>
    rowsOf(zipOf([{ name: text.slice(0, 20_000), content: 'sku_id,qty\n' }])),
  'a cell of a workbook': (text) =>
    rowsOf(workbookOf({ sheets: [{ rows: [['sku_id', 'qty'], [text.replaceAll('\0', '')]] }] })),
  'the shared texts of a workbook': (text) =>
    rowsOf(
      workbookOf({
        sheets: [{ rows: [['sku_id', 'qty']] }],
        strings: [`<t>${escapedXml(text)}</t>`],
      }),
    ),
  'a number format of a workbook': (text) =>
    rowsOf(workbookOf({ sheets: [{ rows: [['sku_id', 'qty']] }], formats: [escapedXml(text)] })),
  'the XML of a worksheet': (text) => rowsOf(workbookOf({ sheets: [{ rows: text }] })),
  'rows of a worksheet': (text) =>
    rowsOf(workbookOf({ sheets: [{ rows: '<row><c/></row>'.repeat(text.length / 4) }] })),
  'a cursor': (text) => parseCursor(text, { key: KEY, readerId: 1 }),
  'query parameters': (text) =>
    parseSkuList(
      new Map([
        ['cursor', [text]],
        ['limit', [text]],
      ]),
    ),
  'a list of UUIDs': (text) => readUuids([text]),
  'a media type': (text) => readMediaType(`application/json;${text}`, ['application/json']),
  'a content encoding': (text) => isGzipped(text),
  'an Accept-Encoding': (text) => acceptsGzip(text),
  'a file name': (text) => cleanFilename(text),
  'a column mapping': (text) => parseColumnMappings(text),
  'words for quantities': (text) => parseWords(text),
  'a time': (text) => readTimeUs(`2026-01-01T00:00:00.${text}`),
  'a date': (text) => readDate(text),
  'a quantity': (text) => [readQuantityText(text), readQuantity(text), readChange(text)],
  'an identifier': (text) => [guessGtin(text), ...GTIN_FORMS.map((form) => readGtin(form, text))],
  'a quoted identifier': (text) => repr(text),
  'a webhook URL': (text) => [
    readWebhookUrl(text, POLICY),
    readWebhookUrl(`https://example.com/${text}`, POLICY),
    readWebhookUrl(`https://${text}`, POLICY),
  ],
  'a webhook secret': (text) => isWebhookSecret(`whsec_${text}`),
  'a Retry-After': (text) => readRetryAfter(text, 0),
  'results as CSV': (text) => printCsv([[text, 'a'], ...text.split(',').map((cell) => [cell])]),
};

test.for(Object.entries(PARSERS))(
  '%s takes linear time',
  { timeout: 240_000 },
  async ([, parse]) => {
    const slow: string[] = [];
    for (const pump of PUMPS) {
      const excess = await excessOf(parse, pump);
      if (excess !== undefined) slow.push(excess);
    }
    expect(slow).toEqual([]);
  },
);

/** Compares each character with each before it. */
const quadratic: Parser = (text) => {
  const { length } = text;
  let count = 0;
  for (let i = 0; i < length / 3; i += 1) {
    for (let j = 0; j < i; j += 1) if (text.charCodeAt(i) === text.charCodeAt(j)) count += 1;
  }
  return count;
};

test('the check finds a quadratic parser', async () => {
  expect(await excessOf(quadratic, ' ')).toBeDefined();
});
