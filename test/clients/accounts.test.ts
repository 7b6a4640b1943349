import { afterAll, beforeAll, expect, test } from 'vitest';
import { Onhand } from '../../client/src/index.ts';
import { createUser, PASSWORD } from '../http/accounts/browser.ts';
import { TestServer } from '../http/harness.ts';
import { textMatching } from '../matching.ts';

let server: TestServer;
let onhand: Onhand;

beforeAll(async () => {
  server = await TestServer.start();
  const host = await server.createOrganization('operator', 'Host');
  await createUser(server, host, 'root');
  const { auth_token: token } = await new Onhand({ url: server.url }).login({
    username: 'root',
    password: PASSWORD,
  });
  onhand = new Onhand({ url: server.url, token });
});
afterAll(() => server.stop());

test('the TypeScript client manages organizations, connections, users and tokens', async () => {
  const supplier = await onhand.organizations.create({ type: 'supplier', name: 'Acme' });
  const retailer = await onhand.organizations.create({ type: 'retailer', name: 'Shop' });
  const { organizations } = await onhand.organizations.list({ type: 'supplier', q: 'ac' });
  expect(organizations).toEqual([supplier]);
  const limited = await onhand.organizations.change(supplier.uuid, {
    expected_interval_minutes: 60,
  });
  expect(limited.expected_interval_minutes).toBe(60);
  const pair = { supplier: supplier.uuid, retailer: retailer.uuid };
  await onhand.connections.create(pair);
  expect((await onhand.connections.list()).connections).toHaveLength(1);
  await onhand.connections.remove(pair);
  expect((await onhand.connections.list()).connections).toEqual([]);

  const of = { organization: supplier.uuid };
  const password = 'four quite random words';
  const user = await onhand.users.create({ username: 'jo', password }, of);
  expect((await onhand.users.change(user.uuid, { disabled: true }, of)).disabled).not.toBeNull();
  expect((await onhand.users.list(of)).users).toHaveLength(1);
  const token = await onhand.tokens.create({ name: 'Till', permissions: ['view_items'] }, of);
  expect(token.token).toEqual(textMatching(/^[0-9a-f]{40}$/));
  await onhand.tokens.revoke(token.uuid, of);
  const { tokens } = await onhand.tokens.list(of);
  expect(tokens).toMatchObject([{ name: 'Till', revoked: textMatching(/Z$/) }]);
  expect(await onhand.sessions.list()).toEqual([]);
  expect((await onhand.status()).organizations).toMatchObject({ suppliers: 1, operators: 1 });
});
