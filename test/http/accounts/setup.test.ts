import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type RunningServer } from '../../../src/server.ts';
import { sqliteDatabase, type TestDatabase, testSettings } from '../../store/fixtures.ts';

const SETUP = '/timp/organizations/setup/';
const DRAFT = { organization: 'Host', username: 'root', password: 'four quite random words' };
const DEMO_LOGINS = [
  { username: 'clerk', password: 'demo', organization: 'Demo Supplier', type: 'supplier' },
] as const;

let database: TestDatabase;
let server: RunningServer;

const start = (demoLogins?: typeof DEMO_LOGINS): Promise<RunningServer> =>
  startServer(testSettings(database), undefined, demoLogins);

beforeAll(async () => {
  database = await sqliteDatabase();
  server = await start();
});
afterAll(async () => {
  await server.close();
  await database.remove();
});

const isNeeded = async (): Promise<unknown> => (await fetch(server.url + SETUP)).json();
const complete = async (change: object, headers = {}) => {
  const response = await fetch(server.url + SETUP, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ secret: server.setupSecret, ...DRAFT, ...change }),
  });
  const cookies = response.headers.getSetCookie();
  return { status: response.status, cookies, text: await response.text() };
};

test('a server without users creates its first one, an operator’s, with the secret and once', async () => {
  expect(await isNeeded()).toEqual({ is_needed: true });
  const refused = [
    await complete({ secret: '0'.repeat(40) }),
    await complete({}, { origin: 'https://evil.example' }),
    await complete({ password: 'password1234' }),
    await complete({ username: ' ' }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([403, 403, 400, 400]);
  await server.store.accounts.createOrganization({ type: 'supplier', name: 'Acme' });
  expect((await complete({ organization: 'Acme' })).status).toBe(422);
  expect(await isNeeded()).toEqual({ is_needed: true });
  // At the same time: one of them creates it.
  const both = await Promise.all([complete({}), complete({})]);
  expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 403]));
  const created = both.find(({ status }) => status === 201);
  expect(JSON.parse(created?.text ?? '')).toMatchObject({
    username: 'root',
    organization: { name: 'Host', type: 'operator' },
    permissions: [
      'view_items',
      'edit_items',
      'manage_webhooks',
      'manage_organizations',
      'view_audit_log',
    ],
  });
  const [cookie = ''] = created?.cookies[0]?.split(';') ?? [];
  const status = await fetch(`${server.url}/timp/status/`, { headers: { cookie } });
  expect(status.status).toBe(200);
  expect(await isNeeded()).toEqual({ is_needed: false });
  expect((await complete({ username: 'second' })).status).toBe(403);
});

test('a server with users has no secret, and only a demo lists logins', async () => {
  const path = '/timp/organizations/demo-logins/';
  expect((await fetch(server.url + path)).status).not.toBe(200);
  await server.close();
  server = await start(DEMO_LOGINS);
  expect(server.setupSecret).toBeNull();
  expect(await (await fetch(server.url + path)).json()).toEqual({ logins: DEMO_LOGINS });
});
