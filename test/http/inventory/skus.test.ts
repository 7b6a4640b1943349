import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf, textAt } from '../answers.ts';
import { BULK, SKUS, TestServer, type Answer } from '../harness.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/;
const NOBODYS_UUID = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';

let server: TestServer;
let acme: Organization;
let bolt: Organization;
let token: string;
let retailerToken: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ supplier: acme, token } = await server.createSupplier('Acme', [
    ...Array.from({ length: 60 }, (_, i) => entry(`A-${i}`)),
    entry('book', { product: { isbn: '080442957X' } }),
    entry('tin', { product: { upca: '012345678905' }, inventory: { restrictions: 1 } }),
    entry('box', { product: { gtin14: '10012345678902' }, inventory: { restrictions: 2 } }),
    entry('42'),
    entry('é & ü+%'),
  ]));
  ({ supplier: bolt } = await server.createSupplier('Bolt', [entry('B-0'), entry('B-1')]));
  const retailer = await server.createOrganization('retailer', 'Shop');
  await server.store.accounts.createConnection(bolt.id, retailer.id);
  await server.store.accounts.createConnection(acme.id, retailer.id);
  retailerToken = await server.createToken(retailer.id, ['view_items']);
});
afterAll(() => server.stop());

const list = (query: string, as: string = token): Promise<Answer> =>
  server.ask('GET', SKUS + query, { token: as });

async function skuIdsOf(query: string, as: string = token): Promise<readonly unknown[]> {
  const answer = await list(query, as);
  expect(answer.status, answer.text).toBe(200);
  const skus = at(answer.json, 'skus');
  return Array.isArray(skus) ? skus.map((sku) => at(sku, 'sku_id')) : [];
}

const IDS = [
  ...Array.from({ length: 60 }, (_, i) => `A-${i}`),
  'book',
  'tin',
  'box',
  '42',
  'é & ü+%',
];

const paginationOf = async (query: string) => at((await list(query)).json, 'pagination');

const countFor = async (query: string) =>
  at((await list(query, retailerToken)).json, 'pagination', 'total_count');

describe('the list of SKUs', () => {
  test('returns 25 SKUs by default, in order of creation', async () => {
    expect(await skuIdsOf('')).toEqual(IDS.slice(0, 25));
    expect(at((await list('')).json, 'pagination')).toEqual({
      total_count: 65,
      start: 0,
      limit: 25,
      next_start_index: 25,
    });
  });

  test('can start at any index, even after the end', async () => {
    expect(await skuIdsOf('?start=60&limit=3')).toEqual(IDS.slice(60, 63));
    expect(await skuIdsOf('?start=60&limit=500')).toEqual(IDS.slice(60));
    expect(await skuIdsOf('?start=65')).toEqual([]);
    expect(await skuIdsOf('?start=999999999999999')).toEqual([]);
    const end = { total_count: 65, next_start_index: null };
    expect(await paginationOf('?start=60&limit=5')).toEqual({ ...end, start: 60, limit: 5 });
    expect(await paginationOf('?start=60&limit=4')).toMatchObject({ next_start_index: 64 });
    expect(await paginationOf('?start=70')).toEqual({ ...end, start: 70, limit: 25 });
  });

  test('is ordered by supplier, then creation', async () => {
    expect(await skuIdsOf('?limit=500', retailerToken)).toEqual([...IDS, 'B-0', 'B-1']);
    expect(at((await list('', retailerToken)).json, 'pagination', 'total_count')).toBe(67);
  });

  test('can be read completely with cursors', async () => {
    const seen: unknown[] = [];
    let cursor = '';
    for (let pages = 1; ; pages += 1) {
      const { json } = await list(`?limit=10&cursor=${cursor}`, retailerToken);
      const skus = at(json, 'skus');
      if (Array.isArray(skus)) seen.push(...skus.map((sku) => at(sku, 'sku_id')));
      const next = at(json, 'pagination', 'next_cursor');
      expect(at(json, 'pagination')).toEqual({
        total_count: 67,
        start: null,
        limit: 10,
        next_start_index: null,
        next_cursor: next,
        ...(pages === 1 && { changes_cursor: textMatching(/./) }),
      });
      if (next === null) {
        expect(pages).toBe(7);
        break;
      }
      cursor = textAt(json, 'pagination', 'next_cursor');
    }
    expect(seen).toEqual([...IDS, 'B-0', 'B-1']);
  });

  test('can be read with cursors and a filter', async () => {
    const first = await list('?limit=2&cursor=&restrictions=');
    const cursor = textAt(first.json, 'pagination', 'next_cursor');
    expect(await skuIdsOf(`?limit=2&cursor=${cursor}&restrictions=`)).toEqual(['A-2', 'A-3']);
  });

  test.for([
    ['?sku_id=A-7', ['A-7']],
    ['?sku_id=42', ['42']],
    [`?sku_id=${encodeURIComponent('é & ü+%')}`, ['é & ü+%']],
    ['?sku_id=a-7', []],
    ['?sku_id=', []],
    ['?sku_id=%00', []],
    ['?upca=012345678905', ['tin']],
    ['?ean13=0012345678905', ['tin']],
    ['?gtin14=00012345678905', ['tin']],
    ['?upca=12345678905', ['tin']],
    ['?ean13=0-01234-567890%205', ['tin']],
    ['?gtin14=10012345678902', ['box']],
    ['?isbn=080442957X', ['book']],
    ['?isbn=80442957x', ['book']],
    ['?isbn=9780804429573', ['book']],
    ['?ean13=9780804429573', ['book']],
    ['?isbn=080442957X&ean13=9780804429573&sku_id=book', ['book']],
    ['?isbn=080442957X&sku_id=tin', []],
    ['?upca=036000291452', []],
    ['?restrictions=discontd', ['tin']],
    ['?restrictions=tmpunavail', ['box']],
    ['?restrictions=discontd&upca=012345678905', ['tin']],
    ['?restrictions=&upca=012345678905', []],
    ['?restrictions=&start=58', ['A-58', 'A-59', 'book', '42', 'é & ü+%']],
    ['?item_verbosity=minimal&sku_id=42', ['42']],
  ] as const)('%s', async ([query, skuIds]) => {
    const answer = await list(query);
    expect(await skuIdsOf(query)).toEqual(skuIds);
    const total = query.includes('start') ? 63 : skuIds.length;
    expect(at(answer.json, 'pagination', 'total_count')).toBe(total);
  });

  test('can be filtered by suppliers: one, comma-separated, or repeated', async () => {
    expect(await countFor(`?supplier_uuids=${acme.uuid}`)).toBe(65);
    expect(await countFor(`?supplier_uuids=${bolt.uuid.toUpperCase()}`)).toBe(2);
    expect(await countFor(`?supplier_uuids=${bolt.uuid},${acme.uuid}`)).toBe(67);
    expect(await countFor(`?supplier_uuids=${bolt.uuid}&supplier_uuids=${acme.uuid}`)).toBe(67);
    expect(await countFor(`?supplier_uuids=${bolt.uuid},%20${bolt.uuid},${NOBODYS_UUID}`)).toBe(2);
    expect(await countFor(`?supplier_uuids=${NOBODYS_UUID}`)).toBe(0);
  });

  test.for([
    ['?limit=0', 'limit'],
    ['?limit=501', 'limit'],
    ['?limit=x', 'limit'],
    ['?limit=', 'limit'],
    ['?limit=1.5', 'limit'],
    ['?limit=5&limit=6', 'limit'],
    ['?start=-1', 'start'],
    ['?start=1e3', 'start'],
    ['?start=0&cursor=', 'cursor'],
    ['?cursor=nonsense', 'cursor'],
    ['?supplier_uuids=acme', 'supplier_uuids'],
    ['?supplier_uuids=', 'supplier_uuids'],
    ['?restrictions=sold', 'discontd'],
    ['?upca=9780306406157', 'upca'],
    ['?isbn=9.78E%2B12', 'rounded'],
    ['?ean13=x', 'ean13'],
    ['?quantity=5', '"quantity"'],
    ['?__proto__=5', '"__proto__"'],
  ] as const)('refuses %s, and names %s', async ([query, named]) => {
    expect(problemOf(await list(query), 400, 'parameter_invalid')).toContain(named);
  });
});

describe('one SKU', () => {
  test('is returned as in the list', async () => {
    const listed = await skuOf(server, token, 'book');
    const uuid = textAt(listed, 'uuid');
    for (const written of [uuid, uuid.toUpperCase()]) {
      const answer = await server.ask('GET', `${SKUS}${written}/`, { token });
      expect([answer.status, answer.json]).toEqual([200, listed]);
    }
    expect((await server.ask('GET', `${SKUS}${uuid}`, { token: retailerToken })).json).toEqual(
      listed,
    );
  });

  test.for([NOBODYS_UUID, 'x', '0', '%00', 'null'])(
    'that does not exist returns 404: %s',
    async (uuid) => {
      problemOf(await server.ask('GET', `${SKUS}${uuid}/`, { token }), 404, 'sku_not_found');
    },
  );
});

const create = (body: unknown): Promise<Answer> => server.ask('POST', SKUS, { token, body });

const itemOf = async (body: object) => {
  const answer = await create(body);
  expect(answer.status, answer.text).toBe(201);
  return textAt(answer.json, 'item', 'uuid');
};

describe('creating a SKU', () => {
  test('with only a sku_id leaves all other fields null', async () => {
    const answer = await create({ sku_id: 'bare' });
    expect(answer.status, answer.text).toBe(201);
    const uuid = textAt(answer.json, 'uuid');
    expect(answer.headers.get('location')).toBe(`${SKUS}${uuid}/`);
    expect(answer.json).toEqual({
      uuid: textMatching(UUID),
      sku_id: 'bare',
      item: { uuid: textMatching(UUID) },
      restrictions: null,
      condition: null,
      quantity_in_stock: null,
      quantity_on_backorder: null,
      backorder_date: null,
      number_of_units_bundled: null,
      product_identifiers: {
        upca: null,
        ean13: null,
        gtin14: null,
        isbn: null,
        asin: null,
        mpn: null,
      },
      supplier: { uuid: acme.uuid, name: 'Acme' },
      created: textMatching(TIME),
      last_updated: textMatching(TIME),
    });
    expect((await server.ask('GET', `${SKUS}${uuid}/`, { token })).json).toEqual(answer.json);
  });

  test('accepts all documented members and returns numeric strings as numbers', async () => {
    const answer = await create({
      sku_id: 'full',
      item: { uuid: '1B4E28BA-2FA1-41D2-883F-0016D3CCA427' },
      title: 'A full one',
      condition: 'refurb',
      restrictions: 'tmpunavail',
      quantity_in_stock: '12',
      quantity_on_backorder: '3.0',
      backorder_date: '2027-01-31',
      number_of_units_bundled: '6',
      product_identifiers: { upca: 36_000_291_452, ean13: '', asin: 'B00X', mpn: 'M/1' },
      isbn: '0-306-40615-2',
      gtin14: null,
      minimum_advertised_price: '9.99',
      minimum_advertised_price_currency: 'USD',
      msrp: 12.5,
      msrp_currency: 'USD',
      price_tiers: [{ quantity: 1, price: '9.99' }],
      distinguishing_attributes: { color: 'red' },
      nondistinguishing_attributes: [],
      sku_distinguishing_attributes: {},
      product_images: [{ url: 'http://example.com/1.png' }],
      measurements: { weight: { value: 1, unit: 'kg' } },
      description: 'long',
      brand: 'Acme',
    });
    expect(answer.status, answer.text).toBe(201);
    expect(answer.json).toMatchObject({
      item: { uuid: '1b4e28ba-2fa1-41d2-883f-0016d3cca427' },
      restrictions: 'tmpunavail',
      condition: 'refurb',
      quantity_in_stock: 12,
      quantity_on_backorder: 3,
      backorder_date: '2027-01-31',
      number_of_units_bundled: 6,
      product_identifiers: {
        upca: '036000291452',
        ean13: null,
        gtin14: null,
        isbn: '0306406152',
        asin: 'B00X',
        mpn: 'M/1',
      },
    });
    const line = { ean13: '9780306406157', quantity_in_stock: 1 };
    const updated = await server.ask('POST', BULK, { token, body: [line] });
    expect(updated.json).toEqual([{ status_code: 200, message: 'success' }]);
  });

  test('with an existing sku_id returns 422 and changes nothing', async () => {
    const before = await skuOf(server, token, 'tin');
    const answer = await create({ sku_id: 'tin', quantity_in_stock: 99 });
    expect(problemOf(answer, 422, 'already_exists')).toContain('"tin"');
    problemOf(await create('{"sku_id": 42}'), 422, 'already_exists');
    expect(await skuOf(server, token, 'tin')).toEqual(before);
  });

  test('SKUs with the same item_id share an item; others get their own', async () => {
    const red = await itemOf({ sku_id: 'shirt-red', item_id: 'shirt' });
    const blue = await itemOf({ sku_id: 'shirt-blue', item_id: 'shirt', item: null });
    const hat = await itemOf({ sku_id: 'hat', item_id: 'hat', item: {} });
    const [one, two] = [await itemOf({ sku_id: 'one' }), await itemOf({ sku_id: 'two', item: {} })];
    expect(blue).toBe(red);
    expect(new Set([red, hat, one, two]).size).toBe(4);
    const assigned = await itemOf({
      sku_id: 'green',
      item_id: 'shirt',
      item: { uuid: NOBODYS_UUID },
    });
    expect(assigned).toBe(NOBODYS_UUID);
  });

  test.for([
    [{}, /^sku_id is missing/],
    [{ sku_id: '' }, /^sku_id "" is not a text of 1 to 256/],
    [{ sku_id: null }, /^sku_id null is not/],
    ['{"sku_id": 1.0}', /^sku_id 1\.0 is a number/],
    [{ sku_id: 'x'.repeat(257) }, /^sku_id .*longer than 256/],
    [{ sku_id: 'a\0b' }, /^sku_id .*NUL/],
    [{ sku_id: '\ud800' }, /^sku_id .*surrogate/],
    [{ sku_id: 'n', upca: '9780306406157' }, /^upca .*13 digits/],
    [
      { sku_id: 'n', product_identifiers: { isbn: '1511' } },
      /^In product_identifiers: isbn "1511"/,
    ],
    ['{"sku_id": "n", "product_identifiers": {"ean13": 9.780306406157e12}}', /rounded/],
    [
      { sku_id: 'n', upca: '012345678905', product_identifiers: { upca: '036000291452' } },
      /upca is given twice/,
    ],
    [{ sku_id: 'n', product_identifiers: { upc: '1' } }, /"upc" is not a known member/],
    [{ sku_id: 'n', product_identifiers: [] }, /^product_identifiers must be an object/],
    [{ sku_id: 'n', condition: 'broken' }, /^condition must be "new" or "used" or "refurb"/],
    [{ sku_id: 'n', quantity_in_stock: -1 }, /^quantity_in_stock must be/],
    [{ sku_id: 'n', number_of_units_bundled: 'six' }, /^number_of_units_bundled must be/],
    [{ sku_id: 'n', backorder_date: 'soon' }, /^backorder_date must be/],
    [{ sku_id: 'n', item: { uuid: 'x' } }, /^item must be/],
    [{ sku_id: 'n', item: { uuid: NOBODYS_UUID, name: 'x' } }, /^item must be/],
    [{ sku_id: 'n', title: 5 }, /^title must be/],
    [{ sku_id: 'n', quantity: 5 }, /^"quantity" is not a known member.*Valid members: sku_id/],
    ['{"sku_id": "n", "__proto__": {"title": "x"}}', /^"__proto__" is not a known member/],
    ['{"zz": 1, "sku_id": "", "1": 2}', /^"zz" .* sku_id "" .* "1" is not/],
  ] as const)('that cannot be read is a 400: %j', async ([body, expected]) => {
    expect(problemOf(await create(body), 400, 'member_invalid')).toMatch(expected);
    expect(await skuIdsOf('?sku_id=n')).toEqual([]);
  });

  test.for(['[]', '5', 'null', '"A"'])('rejects %s', async (body) => {
    problemOf(await create(body), 400, 'body_shape_wrong');
  });
});
