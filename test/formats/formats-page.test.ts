import { describe, expect, test } from 'vitest';
import { COLUMN_TARGETS } from '../../src/domain/file-columns.ts';
import {
  LANGUAGE_CODES,
  LANGUAGES,
  type InLanguages,
  type Language,
} from '../../src/formats/language.ts';
import { COLUMN_NAMES } from '../../src/formats/table/column-names.ts';
import {
  FLAG_WORDS,
  RESTRICTION_OF_STATUS,
  STATUS_KINDS,
  STATUS_WORDS,
} from '../../src/formats/status-words.ts';
import { FORMAT_SETTINGS } from '../../src/config.ts';
import {
  BACKORDER_DATE_CODES,
  GTIN_QUALIFIERS,
  LOCATION_QUALIFIERS,
  OTHER_ID_QUALIFIERS,
  QUANTITY_CODES,
  REPORT_DATE_CODES,
  SKU_ID_QUALIFIERS,
  STATUS_QUALIFIERS,
} from '../../src/formats/x12/codes.ts';
import * as edifact from '../../src/formats/edifact/codes.ts';
import { UNITS } from '../../src/formats/edi/units.ts';
import { codesIn, fencesOf, sectionOf, tableRowsOf } from '../house/markdown.ts';
import { filesMatching } from '../house/sources.ts';
import { linesOf } from './stock-files.ts';

const page = filesMatching(/^docs\/formats\.md$/)[0]?.text ?? '';

/** The rows of the table in a section, without the marks of code. */
const tableOf = (heading: string): readonly (readonly string[])[] =>
  tableRowsOf(sectionOf(page, heading)).map((cells) =>
    cells.map((cell) => cell.replaceAll('`', '')),
  );

const wordsOf = (texts: InLanguages, language: Language): readonly string[] =>
  (texts[language] ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

describe('docs/formats.md names', () => {
  test('every column, with every English name of it, in the order in which they count', () => {
    const documented = tableRowsOf(sectionOf(page, 'Columns')).map(([column = '', others = '']) => [
      codesIn(column)[0],
      codesIn(others),
    ]);
    const known = COLUMN_TARGETS.flatMap((target) =>
      (COLUMN_NAMES[target] ?? [{ names: {} }]).map(({ names }) => [target, wordsOf(names, 'en')]),
    );
    expect(documented).toEqual(expect.arrayContaining(known));
    expect(documented).toHaveLength(known.length);
    // The names of a quantity are listed in the order in which they win.
    const [inOrder, inCode] = [documented, known].map((rows) =>
      rows.filter(([target]) => target === 'quantity_in_stock'),
    );
    expect(inOrder).toEqual(inCode);
  });

  test('every name of a column in every other language', () => {
    const known = COLUMN_TARGETS.flatMap((target) =>
      LANGUAGE_CODES.filter((language) => language !== 'en').flatMap((language) => {
        const names = (COLUMN_NAMES[target] ?? []).flatMap((one) => wordsOf(one.names, language));
        return names.length === 0 ? [] : [[target, LANGUAGES[language], names]];
      }),
    );
    const documented = tableRowsOf(sectionOf(page, 'Headers in other languages')).map(
      ([column = '', language, names = '']) => [codesIn(column)[0], language, codesIn(names)],
    );
    expect(documented).toEqual(expect.arrayContaining(known));
    expect(documented).toHaveLength(known.length);
  });

  test('every word of a status, and what it does', () => {
    const texts = [...Object.entries(STATUS_WORDS), ...Object.entries(FLAG_WORDS)];
    const known = texts.flatMap(([status, words]) =>
      LANGUAGE_CODES.flatMap((language) => {
        const found = wordsOf(words, language);
        return found.length === 0 ? [] : [[status, LANGUAGES[language], found]];
      }),
    );
    const documented = tableRowsOf(sectionOf(page, 'Words for statuses')).map(
      ([status, language, words = '']) => [status, language, codesIn(words)],
    );
    expect(documented).toEqual(known);
    expect(tableOf('Statuses').map(([status, restriction]) => [status, restriction])).toEqual(
      STATUS_KINDS.map((status) => [status, RESTRICTION_OF_STATUS[status] ?? 'none']),
    );
  });

  test('every qualifier of a LIN, in the order in which they count', () => {
    expect(tableOf('LIN: which SKU')).toEqual([
      ...[...SKU_ID_QUALIFIERS, ...OTHER_ID_QUALIFIERS].map(({ code, meaning }) => [
        code,
        meaning,
        'sku_id',
      ]),
      ...GTIN_QUALIFIERS.map(({ code, meaning, form }) => [code, meaning, form]),
    ]);
  });

  test('every code of a QTY, in the order in which they count', () => {
    const columns = {
      quantityInStock: 'quantity_in_stock',
      quantityOnBackorder: 'quantity_on_backorder',
    };
    expect(tableOf('QTY: how many')).toEqual(
      QUANTITY_CODES.map(({ code, meaning, field }) => [code, meaning, columns[field]]),
    );
  });

  test('every code of a DTM, in the order in which they count', () => {
    expect(tableOf('DTM: backorder date')).toEqual(
      BACKORDER_DATE_CODES.map(({ code, meaning }) => [code, meaning, 'backorder_date']),
    );
  });

  test('every unit of measure', () => {
    expect(tableOf('Units of measure')).toEqual(
      UNITS.map(({ code, meaning, size }) => [
        code,
        meaning,
        size === 'container' ? 'what the file says' : String(size),
      ]),
    );
  });

  test('every qualifier of a location', () => {
    expect(tableOf('Several locations')).toEqual(
      LOCATION_QUALIFIERS.map(({ code, meaning }) => [code, meaning]),
    );
  });

  test('every code of the date of a report', () => {
    expect(tableOf('Date of the report')).toEqual(
      REPORT_DATE_CODES.map(({ code, meaning }) => [code, meaning]),
    );
  });

  test('every code of an EDIFACT report, in the order in which they count', () => {
    const columns = {
      quantityInStock: 'quantity_in_stock',
      quantityOnBackorder: 'quantity_on_backorder',
    };
    expect(tableOf('LIN and PIA: which SKU')).toEqual([
      ...[...edifact.SKU_ID_TYPES, ...edifact.OTHER_ID_TYPES].map(({ code, meaning }) => [
        code,
        meaning,
        'sku_id',
      ]),
      ...edifact.GTIN_TYPES.map(({ code, meaning, form }) => [
        code,
        meaning,
        form ?? 'upca, ean13 or gtin14',
      ]),
    ]);
    expect(tableOf('QTY in EDIFACT')).toEqual(
      edifact.QUANTITY_CODES.map(({ code, meaning, field }) => [code, meaning, columns[field]]),
    );
    expect(tableOf('DTM in EDIFACT')).toEqual([
      ...edifact.REPORT_DATE_CODES.map(({ code, meaning }) => [code, meaning]),
      ...edifact.BACKORDER_DATE_CODES.map(({ code, meaning }) => [code, meaning, 'backorder_date']),
    ]);
  });

  test('every qualifier of a status', () => {
    expect(tableOf('REF: restriction')).toEqual(
      STATUS_QUALIFIERS.map(({ code, meaning }) => [code, meaning]),
    );
  });

  test('every limit, with its setting', () => {
    expect(tableOf('Limits').map(([, variable]) => variable)).toEqual(
      Object.values(FORMAT_SETTINGS).map(({ variable }) => variable),
    );
  });
});

test('the X12 that docs/formats.md shows is read', async () => {
  const shown = fencesOf(page).find(({ text }) => text.startsWith('ISA'))?.text ?? '';
  expect(await linesOf(shown)).toEqual([
    { skuId: 'A-1', gtins: [12_345_678_905], fields: { quantityInStock: 40 } },
    {
      skuId: 'B-1',
      gtins: [],
      fields: {
        quantityInStock: 0,
        quantityOnBackorder: 120,
        backorderDate: 20_270_131,
        restrictions: 1,
      },
    },
  ]);
});

test('the EDIFACT that docs/formats.md shows is read', async () => {
  const shown = fencesOf(page).find(({ text }) => text.startsWith('UNA'))?.text ?? '';
  expect(await linesOf(shown)).toEqual([
    { skuId: 'A-1', gtins: [4_006_381_333_931], fields: { quantityInStock: 40 } },
    {
      skuId: 'B-1',
      gtins: [],
      fields: { quantityInStock: 0, quantityOnBackorder: 120, backorderDate: 20_270_131 },
    },
  ]);
});
