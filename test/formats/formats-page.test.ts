import { describe, expect, test } from 'vitest';
import { SHEET_CHARACTERS_MAX } from '../../src/formats/xlsx/sheet.ts';
import { MERGES_MAX } from '../../src/formats/xlsx/merges.ts';
import { SHEETS_MAX, STYLES_MAX } from '../../src/formats/xlsx/workbook.ts';
import { restrictionName } from '../../src/domain/inventory.ts';
import { COLUMN_TARGETS } from '../../src/domain/file-columns.ts';
import { COLUMN_ALIASES, normalizedHeader } from '../../src/formats/table/aliases.ts';
import { FORMAT_LIMITS } from '../../src/formats/format.ts';
import { SHARED_STRINGS_BYTES_MAX, SHARED_STRINGS_MAX } from '../../src/formats/xlsx/strings.ts';
import {
  BACKORDER_DATE_CODES,
  GTIN_QUALIFIERS,
  LOCATION_QUALIFIERS,
  OTHER_ID_QUALIFIERS,
  QUANTITY_CODES,
  REPORT_DATE_CODES,
  restrictionOfStatus,
  SKU_ID_QUALIFIERS,
  STATUS_QUALIFIERS,
  STATUS_WORDS,
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

describe('docs/formats.md names', () => {
  test('every column, with every other name of it, and no other', () => {
    const documented = tableRowsOf(sectionOf(page, 'Columns')).map(([column = '', others = '']) => [
      codesIn(column)[0],
      codesIn(others).map(normalizedHeader).toSorted(),
    ]);
    const known = COLUMN_TARGETS.map((target) => [
      target,
      (COLUMN_ALIASES[target] ?? []).toSorted(),
    ]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(known));
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

  test('every qualifier and every word of a status', () => {
    const [qualifiers, statuses] = [
      tableOf('REF: restriction').filter(([code = '']) => /^[A-Z]+$/.test(code)),
      tableOf('REF: restriction').filter(([code = '']) => /^[a-z ]+$/.test(code)),
    ];
    expect(qualifiers).toEqual(STATUS_QUALIFIERS.map(({ code, meaning }) => [code, meaning]));
    expect(statuses.map(([word = '']) => word.replaceAll(' ', ''))).toEqual(
      Object.keys(STATUS_WORDS),
    );
    for (const [word = '', meaning] of statuses) {
      expect(meaning, word).toBe(
        restrictionName(restrictionOfStatus(word) ?? null) ?? 'unrestricted',
      );
    }
  });

  test('every limit, with its default', () => {
    const documented = tableOf('Limits').map(([, value = '']) => Number(value.replaceAll(',', '')));
    const { inflatedBytesMax, ratioMax, entriesMax } = FORMAT_LIMITS;
    const { columnsMax, missingCellsMax, emptyCellsMax } = FORMAT_LIMITS;
    const { cellCharactersMax, rowCharactersMax, rowsMax } = FORMAT_LIMITS;
    expect(documented).toEqual([
      inflatedBytesMax,
      ratioMax,
      entriesMax,
      columnsMax,
      missingCellsMax,
      emptyCellsMax,
      cellCharactersMax,
      rowCharactersMax,
      rowsMax,
      SHARED_STRINGS_MAX,
      SHARED_STRINGS_BYTES_MAX,
      SHEET_CHARACTERS_MAX,
      SHEETS_MAX,
      STYLES_MAX,
      MERGES_MAX,
    ]);
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
