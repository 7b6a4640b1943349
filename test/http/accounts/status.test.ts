import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { FileClient } from '../files/file-client.ts';
import { BULK, TestServer } from '../harness.ts';

const STATUS = '/timp/status/';
const FILES = '/timp/organizations/files/';
const DAY_MS = 86_400_000;

let server: TestServer;
let acme: { readonly supplier: Organization; readonly token: string };
let shop: Organization;
let operator: string;

beforeAll(async () => {
  server = await TestServer.start();
  acme = await server.createSupplier('Acme', [entry('A')]);
  shop = await server.createOrganization('retailer', 'Shop');
  const { id } = await server.createOrganization('operator', 'Host');
  operator = await server.createToken(id, ['manage_organizations']);
});
afterAll(() => server.stop());

const attention = async (kind: string): Promise<unknown> =>
  at((await server.ask('GET', STATUS, { token: operator })).json, 'attention', kind);
const of = ({ uuid, name, type }: Organization, count = 1) => ({ uuid, name, type, count });
const NOTHING = { total: 0, organizations: [] };

test('the status counts the lines that were processed in the last minute', async () => {
  const before = at(
    (await server.ask('GET', STATUS, { token: operator })).json,
    'lines_per_second',
  );
  expect(before).toBe(0);
  const body = Array.from({ length: 600 }, () => ({ sku_id: 'A', quantity_in_stock: 1 }));
  await server.ask('POST', BULK, { token: acme.token, body });
  const { json } = await server.ask('GET', STATUS, { token: operator });
  expect(at(json, 'lines_per_second')).toBeGreaterThan(0);
});

test('the status names suppliers that are late, until they report or are disabled', async () => {
  const tardy = await server.createOrganization('supplier', 'Tardy');
  const { accounts, changes } = server.store;
  expect(await attention('late_suppliers')).toEqual(NOTHING);
  await changes.setExpectedInterval(tardy.id, 60);
  await changes.setExpectedInterval(acme.supplier.id, 60);
  expect(await attention('late_suppliers')).toEqual({ total: 1, organizations: [of(tardy)] });
  await accounts.setOrganizationDisabled(tardy.id, true);
  expect(await attention('late_suppliers')).toEqual(NOTHING);
});

test('the status counts held files of each supplier, and `state` lists them', async () => {
  const client = new FileClient(server, acme.token);
  const asks = 'sku_id,quantity_in_stock\nA,1\nA,2\n';
  const held = await client.upload(asks);
  await client.processed(held);
  await client.processed(await client.upload('sku_id,quantity_in_stock\nA,3\n'));
  expect(await attention('held_files')).toEqual({ total: 1, organizations: [of(acme.supplier)] });
  const { json } = await server.ask('GET', `${FILES}?state=held`, { token: acme.token });
  expect(json).toMatchObject({ pagination: { total_count: 1 }, files: [{ uuid: held }] });
  const unknown = await server.ask('GET', `${FILES}?state=stuck`, { token: acme.token });
  problemOf(unknown, 400, 'parameter_invalid');
  await server.ask('POST', `${FILES}${held}/cancel/`, { token: acme.token });
  expect(await attention('held_files')).toEqual(NOTHING);
});

test('the status counts webhooks that are paused or whose creator has lost its access', async () => {
  const { webhooks } = server.store;
  const draft = { organizationId: shop.id, description: null, supplierUuids: null, creator: null };
  const secrets = { current: 'a', previous: null };
  const [one] = await Promise.all(
    ['https://one.test', 'https://other.test'].map((url) =>
      webhooks.create({ ...draft, url, secrets }, 9),
    ),
  );
  expect(await attention('paused_webhooks')).toEqual(NOTHING);
  await webhooks.update(one?.id ?? 0, { pausedReason: 'Paused by its owner.' });
  expect(await attention('paused_webhooks')).toEqual({ total: 1, organizations: [of(shop)] });
});

test('the status counts tokens that expire within a week, without expired and revoked ones', async () => {
  const nowMs = Date.now();
  const create = (days: number) =>
    server.createToken(shop.id, ['view_items'], nowMs + days * DAY_MS);
  await Promise.all([create(-1), create(1), create(6.9), create(8)]);
  await server.createToken(shop.id, ['view_items']);
  expect(await attention('expiring_tokens')).toEqual({ total: 2, organizations: [of(shop, 2)] });
  const soon = (await server.store.accounts.listTokens()).find(
    ({ expiresAtMs }) => expiresAtMs === nowMs + DAY_MS,
  );
  await server.store.accounts.revokeToken(soon?.id ?? 0);
  expect(await attention('expiring_tokens')).toMatchObject({ total: 1 });
});
