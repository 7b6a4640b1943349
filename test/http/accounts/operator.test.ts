import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf, textAt } from '../answers.ts';
import { UPLOAD } from '../files/file-client.ts';
import { BULK, SINGLE, SKUS, TestServer } from '../harness.ts';
import { BATCHES } from '../inventory/written.ts';
import { Browser, createUser } from './browser.ts';

const WEBHOOKS = '/timp/notifications/webhooks/';
const FILES = '/timp/organizations/files/';
const UNKNOWN = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';
const LINES = [{ sku_id: 'A', quantity_in_stock: 5 }];

let server: TestServer;
let acme: { readonly supplier: Organization; readonly token: string };
let bolt: { readonly supplier: Organization; readonly token: string };
let shop: Organization;
let operator: string;
let reader: string;
let retailer: string;

beforeAll(async () => {
  server = await TestServer.start();
  acme = await server.createSupplier('Acme', [entry('A')]);
  bolt = await server.createSupplier('Bolt', [entry('A'), entry('B')]);
  shop = await server.createOrganization('retailer', 'Shop');
  await server.store.accounts.createConnection(acme.supplier.id, shop.id);
  retailer = await server.createToken(shop.id, ['view_items', 'manage_webhooks']);
  const { id } = await server.createOrganization('operator', 'Host');
  operator = await server.createToken(id, ['view_items', 'edit_items', 'manage_webhooks']);
  reader = await server.createToken(id, ['view_items']);
});
afterAll(() => server.stop());

const totalOf = async (path: string, token: string): Promise<unknown> =>
  at((await server.ask('GET', path, { token })).json, 'pagination', 'total_count');

const webhooksOf = (query: string, token: string) =>
  server.ask('GET', `${WEBHOOKS}${query}`, { token });

describe('an operator', () => {
  test('reads the SKUs and changes of every supplier, and of a new one at once', async () => {
    expect(await totalOf(SKUS, operator)).toBe(3);
    const late = await server.createSupplier('Late', [entry('L')]);
    expect(await totalOf(SKUS, operator)).toBe(4);
    const { uuid } = late.supplier;
    expect((await server.ask('GET', '/timp/suppliers/', { token: operator })).text).toContain(uuid);
    const sku = textAt(await skuOf(server, late.token, 'L'), 'uuid');
    expect((await server.ask('GET', `${SKUS}${sku}/`, { token: operator })).status).toBe(200);
    expect(await totalOf(`${SKUS}?supplier=${uuid}`, operator)).toBe(1);
  });

  test('writes for the supplier that it names, and its user is the author of the batch', async () => {
    const host = await server.createOrganization('operator', 'Host with users');
    await createUser(server, host, 'root');
    const browser = await Browser.loggedIn(server, 'root');
    const written = await browser.ask('POST', `${BULK}?supplier=${bolt.supplier.uuid}`, {
      body: LINES,
    });
    expect(written.json).toMatchObject([{ status_code: 200 }]);
    expect(await skuOf(server, bolt.token, 'A')).toMatchObject({ quantity_in_stock: 5 });
    expect(await skuOf(server, acme.token, 'A')).not.toMatchObject({ quantity_in_stock: 5 });
    const { json } = await server.ask('GET', BATCHES, { token: bolt.token });
    expect(at(json, 'batches', 0)).toMatchObject({ username: 'root' });
  });

  test.for([
    ['POST', BULK],
    ['POST', SINGLE],
    ['POST', UPLOAD],
    ['GET', BATCHES],
    ['GET', FILES],
    ['GET', `${FILES}settings/`],
  ])('is asked for the supplier by %s %s', async ([method = '', path = '']) => {
    const body = method === 'GET' ? {} : { body: LINES };
    const detail = problemOf(
      await server.ask(method, path, { token: operator, ...body }),
      400,
      'parameter_invalid',
    );
    expect(detail).toContain('?supplier=<uuid>');
  });

  test.for<readonly [string, () => string, string]>([
    ['an unknown supplier', () => `supplier=${UNKNOWN}`, 'does not exist'],
    ['no uuid', () => 'supplier=acme', 'does not exist'],
    ['a retailer as the supplier', () => `supplier=${shop.uuid}`, 'does not exist'],
    ['two', () => `supplier=${acme.supplier.uuid}&organization=${shop.uuid}`, 'once'],
  ])('who names %s gets 400', async ([, query, reason]) => {
    const path = `${BATCHES}?${query()}`;
    const detail = problemOf(
      await server.ask('GET', path, { token: operator }),
      400,
      'parameter_invalid',
    );
    expect(detail).toContain(reason);
  });

  test('whose token only reads can write for none', async () => {
    const path = `${BULK}?supplier=${acme.supplier.uuid}`;
    problemOf(
      await server.ask('POST', path, { token: reader, body: LINES }),
      403,
      'permission_missing',
    );
  });

  test('sees for a retailer what the retailer sees, and writes nothing there', async () => {
    expect(await totalOf(`${SKUS}?organization=${shop.uuid}`, operator)).toBe(1);
    const path = `${BULK}?organization=${shop.uuid}`;
    problemOf(
      await server.ask('POST', path, { token: operator, body: LINES }),
      409,
      'not_a_supplier',
    );
  });

  test('manages the webhooks of the organization that it names, or its own', async () => {
    const acting = `?organization=${shop.uuid}`;
    expect((await webhooksOf(acting, operator)).json).toEqual({ webhooks: [] });
    expect((await webhooksOf('', operator)).json).toEqual({ webhooks: [] });
  });
});

describe('the tokens of others', () => {
  test.for<readonly [string, () => string]>([
    ['a supplier', () => acme.token],
    ['a retailer', () => retailer],
  ])('of %s cannot name an organization, not even their own', async ([, tokenOf]) => {
    for (const name of ['supplier', 'organization']) {
      for (const uuid of [acme.supplier.uuid, bolt.supplier.uuid, shop.uuid]) {
        for (const path of [SKUS, WEBHOOKS, '/timp/suppliers/']) {
          const answer = await server.ask('GET', `${path}?${name}=${uuid}`, { token: tokenOf() });
          problemOf(answer, 400, 'parameter_invalid');
        }
      }
    }
    const path = `${BULK}?supplier=${bolt.supplier.uuid}`;
    const answer = await server.ask('POST', path, { token: tokenOf(), body: LINES });
    expect([400, 409]).toContain(answer.status);
  });
});
