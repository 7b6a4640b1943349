import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { skuOf } from '../answers.ts';
import { BULK, TestServer } from '../harness.ts';

const SUCCESS = { status_code: 200, message: 'success' };
const VALID = 'Valid identifiers: sku_id, upca, ean13, gtin14, isbn';
const notFound = (identifiers: string) => ({
  status_code: 404,
  message: `No sku found with sku identifier: {${identifiers}}; ${VALID}`,
});

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [
    entry('A-1', { product: { upca: '012345678905' } }),
    entry('A-2', { product: { isbn: '9780306406157', ean13: '4006381333931' } }),
    entry('A-3', { product: { gtin14: '10012345678902' } }),
    entry('A-4', { product: { ean13: '96385074' } }),
    entry('42'),
    entry("it's"),
    entry('\u{1f600}'),
    entry('é'),
    ...Array.from({ length: 7 }, (_, i) =>
      entry(`same-${i}`, { product: { ean13: '5901234123457' } }),
    ),
    entry('alone', { product: { ean13: '5901234123457', upca: '036000291452' } }),
    entry('counted'),
    entry('restricted'),
  ]));
});
afterAll(() => server.stop());

/** Sends lines in a bulk request and returns the results. */
async function results(lines: unknown): Promise<unknown> {
  const answer = await server.ask('POST', BULK, { token, body: lines });
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(; charset=utf-8)?$/);
  return answer.json;
}

test('an empty array returns an empty array', async () => {
  expect(await results('[]')).toEqual([]);
  expect(await results(' [ ] ')).toEqual([]);
});

test('returns one result per line, in order', async () => {
  expect(
    await results([
      { sku_id: 'A-1', quantity_in_stock: 1 },
      { sku_id: 'NON-EXISTENT', quantity_in_stock: 13 },
      5,
      { sku_id: 'A-1', quantity: 1 },
      { ean13: '5901234123457', quantity_in_stock: 1 },
      { quantity_in_stock: 1 },
      { sku_id: 'A-2', quantity_in_stock: 2 },
    ]),
  ).toEqual([
    SUCCESS,
    notFound("'sku_id': 'NON-EXISTENT'"),
    { status_code: 400, message: textMatching(/^A line is an object/) },
    { status_code: 400, message: textMatching(/^"quantity" is not a known member\./) },
    { status_code: 422, message: textMatching(/^More than one sku matches: /) },
    { status_code: 400, message: textMatching(/^The line names no SKU/) },
    SUCCESS,
  ]);
  expect(await skuOf(server, token, 'A-2')).toMatchObject({ quantity_in_stock: 2 });
});

describe('finds a SKU by any form of its GTINs', () => {
  test.for([
    { upca: '012345678905' },
    { upca: 12_345_678_905 },
    { ean13: '0012345678905' },
    { gtin14: '00012345678905' },
    { ean13: '0-012345-678905' },
    { isbn: '0306406152' },
    { isbn: 306_406_152 },
    { isbn: '9780306406157' },
    { ean13: '9780306406157' },
    { gtin14: '9780306406157' },
    { ean13: 4_006_381_333_931, isbn: '0306406152', sku_id: 'A-2' },
    { upca: '96385074' },
    { gtin14: '00000096385074' },
    { gtin14: '10012345678902' },
    { sku_id: 42 },
    { sku_id: "it's" },
    { sku_id: '\u{1f600}' },
    { sku_id: 'A-1', upca: '', ean13: null },
    { upca: '036000291452', ean13: '5901234123457' },
  ])('%j', async (identifiers) => {
    expect(await results([{ ...identifiers, quantity_in_stock: 1 }])).toEqual([SUCCESS]);
  });
});

test('failures alone say which identifiers do not fit together', async () => {
  const identifiers = "'sku_id': 'A-2', 'upca': '012345678905', 'isbn': '0306406152'";
  const lines = [
    { sku_id: 'A-2', isbn: '0306406152', upca: '012345678905', quantity_in_stock: 1 },
    { sku_id: 'NONE', upca: '012345678905', quantity_in_stock: 1 },
  ];
  const unknown = notFound("'sku_id': 'NONE', 'upca': '012345678905'");
  expect(await results(lines)).toEqual([notFound(identifiers), unknown]);
  const answer = await server.ask('POST', `${BULK}?errors_only=true`, { token, body: lines });
  expect(answer.json).toEqual([
    {
      index: 0,
      status_code: 404,
      message: `${notFound(identifiers).message}; the SKU with this sku_id does not have upca "012345678905"`,
    },
    { index: 1, ...unknown },
  ]);
});

const lineOf = (skuId: string) => ({ sku_id: skuId, quantity_in_stock: 3 });

describe('returns 404 with the identifiers as sent if no SKU matches', () => {
  test.for([
    [{ sku_id: 'a-1' }, "'sku_id': 'a-1'"],
    [{ sku_id: 'A-1 ' }, "'sku_id': 'A-1 '"],
    [{ sku_id: 'e\u0301' }, "'sku_id': 'e\u0301'"],
    [{ sku_id: '042' }, "'sku_id': '042'"],
    [{ sku_id: 43 }, "'sku_id': 43"],
    [{ sku_id: 'A-1', ean13: '4006381333931' }, "'sku_id': 'A-1', 'ean13': '4006381333931'"],
    [{ isbn: '0306406152', upca: '012345678905' }, "'upca': '012345678905', 'isbn': '0306406152'"],
    [{ gtin14: '20012345678909' }, "'gtin14': '20012345678909'"],
    [{ isbn: '0-8044-2957-x' }, "'isbn': '0-8044-2957-x'"],
    [{ sku_id: 'it\'s "A"' }, `'sku_id': 'it\\'s "A"'`],
    [{ sku_id: "it's A" }, `'sku_id': "it's A"`],
    [{ sku_id: 'A\u0000' }, String.raw`'sku_id': 'A\x00'`],
    [{ sku_id: '\ud800' }, String.raw`'sku_id': '\ud800'`],
    [{ sku_id: '\u200b\u{e0001}\n' }, String.raw`'sku_id': '\u200b\U000e0001\n'`],
  ] as const)('%j', async ([identifiers, printed]) => {
    const line = { ...identifiers, quantity_in_stock: 1 };
    expect(await results([line])).toEqual([notFound(printed)]);
  });

  test('a sku_id that cannot exist does not affect other lines', async () => {
    expect(await results([lineOf('A-1'), lineOf('\0'), lineOf('\udfff'), lineOf('A-2')])).toEqual([
      SUCCESS,
      notFound(String.raw`'sku_id': '\x00'`),
      notFound(String.raw`'sku_id': '\udfff'`),
      SUCCESS,
    ]);
  });

  test('prints a number of twenty digits exactly', async () => {
    expect(await results('[{"sku_id": 12345678901234567891, "quantity_in_stock": 1}]')).toEqual([
      notFound("'sku_id': 12345678901234567891"),
    ]);
  });
});

describe('identifiers that match more than one SKU', () => {
  test('return 422 with at most five candidates', async () => {
    expect(await results([{ ean13: '5901234123457', quantity_in_stock: 1 }])).toEqual([
      {
        status_code: 422,
        message: textMatching(
          /^More than one sku matches: 'same-0', 'same-1', 'same-2', 'same-3', 'same-4'/,
        ),
      },
    ]);
    expect(await skuOf(server, token, 'same-0')).toMatchObject({ quantity_in_stock: null });
  });

  test('match one SKU if the sku_id is included', async () => {
    const line = { sku_id: 'same-3', ean13: '5901234123457', quantity_in_stock: 9 };
    expect(await results([line])).toEqual([SUCCESS]);
    expect(await skuOf(server, token, 'same-3')).toMatchObject({ quantity_in_stock: 9 });
    expect(await skuOf(server, token, 'same-2')).toMatchObject({ quantity_in_stock: null });
  });
});

const readRestricted = async () => skuOf(server, token, 'restricted');

describe('applies lines in order', () => {
  test('a line sees the effects of the lines before it', async () => {
    expect(
      await results([
        { sku_id: 'counted', quantity_in_stock: 1, backorder_date: '2026-12-01' },
        { sku_id: 'counted', quantity_on_backorder: '7' },
        { sku_id: 'counted', quantity_in_stock: 'x', quantity_on_backorder: 99 },
        { sku_id: 'counted', quantity_in_stock: 3.0 },
        { sku_id: 'counted', quantity_in_stock: 3 },
      ]),
    ).toEqual([
      SUCCESS,
      SUCCESS,
      { status_code: 400, message: textMatching(/^/) },
      SUCCESS,
      SUCCESS,
    ]);
    expect(await skuOf(server, token, 'counted')).toMatchObject({
      quantity_in_stock: 3,
      quantity_on_backorder: 7,
      backorder_date: '2026-12-01',
      restrictions: null,
    });
  });

  test('null sets a field to unknown; null and "" remove a restriction', async () => {
    const line = { sku_id: 'restricted', quantity_in_stock: 5, restrictions: 'tmpunavail' };
    await results([line]);
    expect(await readRestricted()).toMatchObject({
      quantity_in_stock: 5,
      restrictions: 'tmpunavail',
    });
    await results([{ sku_id: 'restricted', restrictions: '' }]);
    expect(await readRestricted()).toMatchObject({ quantity_in_stock: 5, restrictions: null });
    await results([{ ...line, restrictions: 'discontd' }]);
    await results([{ sku_id: 'restricted', quantity_in_stock: null, restrictions: null }]);
    expect(await readRestricted()).toMatchObject({ quantity_in_stock: null, restrictions: null });
  });
});

test('rejects unknown members, even __proto__ and constructor', async () => {
  const body =
    '[{"sku_id": "A-1", "quantity_in_stock": 1, "__proto__": {"x": 1}},' +
    '{"sku_id": "A-1", "quantity_in_stock": 1, "constructor": {"prototype": 1}},' +
    '{"sku_id": "A-1", "quantity_in_stock": 1}]';
  expect(await results(body)).toEqual([
    {
      status_code: 400,
      message: textMatching(/^"__proto__" is not a known member.*sku_id/),
    },
    { status_code: 400, message: textMatching(/^"constructor" is not a known member/) },
    SUCCESS,
  ]);
});

test('returns ten thousand results for ten thousand lines', async () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => ({
    sku_id: i % 2 === 0 ? 'A-1' : `none-${i}`,
    quantity_in_stock: i,
  }));
  const expected = lines.map(({ sku_id }, i) =>
    i % 2 === 0 ? SUCCESS : notFound(`'sku_id': '${sku_id}'`),
  );
  expect(await results(lines)).toEqual(expected);
  expect(await skuOf(server, token, 'A-1')).toMatchObject({ quantity_in_stock: 9998 });
});
