import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { SINGLE, SKUS, TestServer } from '../harness.ts';
import { BATCHES } from './written.ts';

let server: TestServer;
let token: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [
    entry('kettle', { product: { title: 'Kettle' } }),
    entry('untitled'),
  ]));
});
afterAll(() => server.stop());

const patch = (uuid: string, body: unknown, as: string = token) =>
  server.ask('PATCH', `${SKUS}${uuid}/?include=title`, { token: as, body });

const create = async (body: object): Promise<string> =>
  textAt((await server.ask('POST', SKUS, { token, body })).json, 'uuid');

const ask = (path: string) => server.ask('GET', SKUS + path, { token });

test('a reply has the title of a SKU only on request', async () => {
  const plain = await ask('');
  expect(plain.text).not.toContain('"title"');
  const { json } = await ask('?include=title');
  expect(at(json, 'skus', 0, 'title')).toBe('Kettle');
  expect(at(json, 'skus', 1, 'title')).toBeNull();
  const path = `${textAt(json, 'skus', 0, 'uuid')}/`;
  expect((await ask(path)).text).not.toContain('"title"');
  expect((await ask(`${path}?include=title`)).json).toEqual(at(json, 'skus', 0));
  const past = await ask(`${path}?include=title&as_of=2100-01-01T00:00:00Z`);
  expect(at(past.json, 'title')).toBe('Kettle');
});

test('the reply to a creation can have the title', async () => {
  const body = { sku_id: 'jug', title: 'Jug' };
  const { json } = await server.ask('POST', `${SKUS}?include=title`, { token, body });
  expect(at(json, 'title')).toBe('Jug');
});

test('include takes nothing but title', async () => {
  for (const path of ['?include=price', '?include=', '?include=title&include=title']) {
    problemOf(await ask(path), 400, 'parameter_invalid');
  }
  const answer = await server.ask('POST', `${SKUS}?include=x`, { token, body: { sku_id: 'x' } });
  problemOf(answer, 400, 'parameter_invalid');
});

test('the list can be filtered by what titles begin with', async () => {
  const { json } = await ask('?title=kETT');
  expect(at(json, 'pagination', 'total_count')).toBe(1);
  expect(at(json, 'skus', 0, 'sku_id')).toBe('kettle');
  expect(at((await ask('?title=ettle')).json, 'skus')).toEqual([]);
  expect(at((await ask('?title=')).json, 'skus', 1, 'sku_id')).toBe('untitled');
});

describe('changing a SKU', () => {
  test('sets the given members, keeps the others, and returns the SKU', async () => {
    const uuid = await create({
      sku_id: 'c1',
      title: 'Jug',
      ean13: '9520000000011',
      asin: 'B0',
      quantity_in_stock: 3,
    });
    const itemUuid = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';
    const answer = await patch(uuid, {
      title: 'Big jug',
      condition: 'used',
      number_of_units_bundled: 6,
      mpn: 'J-1',
      product_identifiers: { upca: '012345678905' },
      item: { uuid: itemUuid },
    });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers.get('batch-id')).not.toBeNull();
    expect(answer.json).toMatchObject({
      uuid,
      sku_id: 'c1',
      title: 'Big jug',
      condition: 'used',
      number_of_units_bundled: 6,
      quantity_in_stock: 3,
      item: { uuid: itemUuid },
      product_identifiers: {
        ean13: '9520000000011',
        asin: 'B0',
        mpn: 'J-1',
        upca: '012345678905',
      },
    });
    expect((await ask(`${uuid}/?include=title`)).json).toEqual(answer.json);
  });

  test('clears members that are null or empty', async () => {
    const uuid = await create({ sku_id: 'c2', title: 'Jug', condition: 'new', asin: 'B1' });
    const { json } = await patch(uuid, { title: null, condition: null, asin: '' });
    expect(json).toMatchObject({
      title: null,
      condition: null,
      product_identifiers: { asin: null },
    });
  });

  test('changes by which GTIN the SKU is found, at once', async () => {
    const uuid = await create({ sku_id: 'c3', ean13: '4006381333931' });
    expect((await patch(uuid, { ean13: '5901234123457' })).status).toBe(200);
    const statuses: number[] = [];
    for (const ean13 of ['4006381333931', '5901234123457']) {
      const body = { ean13, quantity_in_stock: 1 };
      statuses.push((await server.ask('POST', SINGLE, { token, body })).status);
    }
    expect(statuses).toEqual([404, 200]);
    expect(at((await ask('?ean13=4006381333931')).json, 'pagination', 'total_count')).toBe(0);
  });

  test('is a batch with a reason', async () => {
    const uuid = await create({ sku_id: 'c4' });
    const answer = await server.ask('PATCH', `${SKUS}${uuid}/`, {
      token,
      body: { title: 'Lid' },
      headers: { 'batch-reason': 'typo' },
    });
    const { json } = await server.ask('GET', `${BATCHES}${answer.headers.get('batch-id')}/`, {
      token,
    });
    expect(json).toMatchObject({
      source: 'update',
      reason: 'typo',
      line_count: 1,
      changed_count: 0,
    });
  });

  test('rejects what a change does not take, says why, and changes nothing', async () => {
    const uuid = await create({ sku_id: 'c5', title: 'Jug' });
    const refused = async (body: unknown, code: string = 'member_invalid') =>
      problemOf(await patch(uuid, body), 400, code);
    expect(await refused({ title: 'Mug', quantity_in_stock: 1 })).toContain(SINGLE);
    expect(await refused({ title: 'Mug', sku_id: 'c6' })).toContain('sku_id cannot be changed');
    expect(await refused({ title: 'Mug', msrp: 1 })).toContain('"msrp" is not a known member');
    expect(await refused({ title: 'Mug', ean13: '4006381333932' })).toContain('ean13');
    expect(await refused({ title: 7 })).toContain('title must be');
    expect(await refused({})).toContain('changes nothing');
    expect(await refused({ item: null })).toContain('item cannot be null');
    await refused([{ title: 'Mug' }], 'body_shape_wrong');
    expect(at((await ask(`${uuid}/?include=title`)).json, 'title')).toBe('Jug');
  });

  test('finds no SKU of another supplier', async () => {
    const uuid = await create({ sku_id: 'c7', title: 'Jug' });
    const { token: other } = await server.createSupplier('Bolt');
    problemOf(await patch(uuid, { title: 'Mug' }, other), 404, 'sku_not_found');
    problemOf(
      await patch('905c3e4b-ef10-4f77-b07e-03d4ecb743a0', { title: 'x' }),
      404,
      'sku_not_found',
    );
    problemOf(await patch('x', { title: 'Mug' }), 404, 'sku_not_found');
    expect(at((await ask(`${uuid}/?include=title`)).json, 'title')).toBe('Jug');
  });
});
