import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { SKUS, TestServer } from '../harness.ts';

const ORGANIZATIONS = '/timp/organizations/';
const CONNECTIONS = `${ORGANIZATIONS}connections/`;
const STATUS = '/timp/status/';
const UNKNOWN = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';

let server: TestServer;
let acme: { readonly supplier: Organization; readonly token: string };
let shop: Organization;
let retailer: string;
let token: string;
let assistant: string;
let host: Organization;

beforeAll(async () => {
  server = await TestServer.start();
  acme = await server.createSupplier('Acme', [entry('A')]);
  shop = await server.createOrganization('retailer', 'Corner Shop');
  retailer = await server.createToken(shop.id, ['view_items']);
  host = await server.createOrganization('operator', 'Host');
  token = await server.createToken(host.id, ['manage_organizations']);
  assistant = await server.createToken(host.id, ['view_items', 'edit_items']);
});
afterAll(() => server.stop());

const ask = (method: string, path: string, body?: object) =>
  server.ask(method, path, { token, ...(body !== undefined && { body }) });
const namesOf = async (query: string): Promise<unknown> => {
  const list = at((await ask('GET', `${ORGANIZATIONS}${query}`)).json, 'organizations');
  return Array.isArray(list) ? list.map((organization) => at(organization, 'name')) : [];
};

const seen = async (): Promise<unknown> =>
  at((await server.ask('GET', SKUS, { token: retailer })).json, 'pagination', 'total_count');

test('organizations are created, found by type and name, renamed, limited and disabled', async () => {
  const created = await ask('POST', ORGANIZATIONS, { type: 'supplier', name: '100% Wool_' });
  expect(created.status, created.text).toBe(201);
  expect(created.json).toEqual({
    uuid: textMatching(/-/),
    name: '100% Wool_',
    type: 'supplier',
    created: textMatching(/Z$/),
    disabled: null,
    expected_interval_minutes: null,
    safety_limit: null,
  });
  problemOf(
    await ask('POST', ORGANIZATIONS, { type: 'retailer', name: 'Acme' }),
    422,
    'already_exists',
  );
  expect(await namesOf('?type=retailer')).toEqual(['Corner Shop']);
  expect(await namesOf('?q=WOOL')).toEqual(['100% Wool_']);
  expect(await namesOf('?q=%25')).toEqual(['100% Wool_']);
  expect(await namesOf('?start=1&limit=1')).toEqual(['Acme']);
  const path = `${ORGANIZATIONS}${textAt(created.json, 'uuid')}/`;
  const limits = { expected_interval_minutes: 60, safety_limit: { percent: 12.5, skus_min: 7 } };
  const changed = await ask('PATCH', path, { name: 'Wool', disabled: true, ...limits });
  expect(changed.json).toMatchObject({ name: 'Wool', ...limits, disabled: textMatching(/Z$/) });
  problemOf(await ask('PATCH', path, { name: 'Acme', disabled: false }), 422, 'already_exists');
  const reset = { disabled: false, expected_interval_minutes: null, safety_limit: null };
  expect((await ask('PATCH', path, reset)).json).toMatchObject({ ...reset, disabled: null });
});

test('a change that cannot be is refused with the reason', async () => {
  const refused: readonly (readonly [string, object, string])[] = [
    [shop.uuid, { expected_interval_minutes: 60 }, 'for suppliers'],
    [host.uuid, { disabled: true }, 'your own'],
    [acme.supplier.uuid, {}, 'properties'],
    [acme.supplier.uuid, { safety_limit: { percent: 101, skus_min: 1 } }, 'percent'],
  ];
  for (const [uuid, body, reason] of refused) {
    const detail = problemOf(
      await ask('PATCH', `${ORGANIZATIONS}${uuid}/`, body),
      400,
      'member_invalid',
    );
    expect(detail).toContain(reason);
  }
  problemOf(
    await ask('PATCH', `${ORGANIZATIONS}${UNKNOWN}/`, { name: 'X' }),
    404,
    'organization_not_found',
  );
});

test('a connection lets a retailer read a supplier until it is removed', async () => {
  const pair = { supplier: acme.supplier.uuid, retailer: shop.uuid };
  expect(await seen()).toBe(0);
  const inCapitals = { supplier: pair.supplier.toUpperCase(), retailer: shop.uuid.toUpperCase() };
  for (const body of [inCapitals, pair])
    expect((await ask('POST', CONNECTIONS, body)).status).toBe(204);
  expect(await seen()).toBe(1);
  expect((await ask('GET', CONNECTIONS)).json).toMatchObject({
    pagination: { total_count: 1 },
    connections: [
      { supplier: { uuid: pair.supplier, name: 'Acme' }, retailer: { name: 'Corner Shop' } },
    ],
  });
  const path = `${CONNECTIONS}${pair.supplier}/${pair.retailer}/`;
  expect((await ask('DELETE', path)).status).toBe(204);
  expect(await seen()).toBe(0);
  problemOf(await ask('DELETE', path), 404, 'connection_not_found');
  const swapped = { supplier: shop.uuid, retailer: acme.supplier.uuid };
  problemOf(await ask('POST', CONNECTIONS, swapped), 400, 'member_invalid');
});

test('the status tells what runs, what waits and how much is stored', async () => {
  expect((await ask('GET', STATUS)).json).toMatchObject({
    version: textMatching(/^\d/),
    database: process.env['TEST_STORE'] === 'postgres' ? 'postgres' : 'sqlite',
    started: textMatching(/Z$/),
    ready: true,
    organizations: { retailers: 1, operators: 1 },
    files_waiting: 0,
    lines_waiting: 0,
    disk: { files_bytes: 0 },
  });
});

test('only operators with manage_organizations manage organizations and see the status', async () => {
  const operations: readonly (readonly [string, string, object?])[] = [
    ['GET', ORGANIZATIONS],
    ['POST', ORGANIZATIONS, { type: 'operator', name: 'Mine' }],
    ['PATCH', `${ORGANIZATIONS}${acme.supplier.uuid}/`, { name: 'Mine' }],
    ['GET', CONNECTIONS],
    ['POST', CONNECTIONS, { supplier: acme.supplier.uuid, retailer: shop.uuid }],
    ['DELETE', `${CONNECTIONS}${acme.supplier.uuid}/${shop.uuid}/`],
    ['GET', STATUS],
  ];
  // A permission that a supplier cannot be given makes it no operator.
  const forged = await server.createToken(acme.supplier.id, ['manage_organizations']);
  for (const [method, path, body] of operations) {
    const asking = body === undefined ? {} : { body };
    for (const secret of [acme.token, retailer, assistant]) {
      problemOf(
        await server.ask(method, path, { token: secret, ...asking }),
        403,
        'permission_missing',
      );
    }
    problemOf(await server.ask(method, path, { token: forged, ...asking }), 409, 'not_an_operator');
    problemOf(await server.ask(method, path, asking), 401, 'unauthenticated');
  }
  expect(await server.store.accounts.findOrganization('Mine')).toBeUndefined();
});
