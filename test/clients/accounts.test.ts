import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Onhand } from '../../client/src/index.ts';
import { createUser, PASSWORD } from '../http/accounts/browser.ts';
import { TestServer } from '../http/harness.ts';
import { textMatching } from '../matching.ts';
import { isPythonUsable, PYTHON, PYTHON_ENVIRONMENT } from './python.ts';

let server: TestServer;
let onhand: Onhand;
let authToken: string;

beforeAll(async () => {
  server = await TestServer.start();
  const host = await server.createOrganization('operator', 'Host');
  await createUser(server, host, 'root');
  const { auth_token: token } = await new Onhand({ url: server.url }).login({
    username: 'root',
    password: PASSWORD,
  });
  authToken = token;
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

const PROGRAM = `
import asyncio, sys
from onhand_client import AsyncOnhand, Onhand
url, token = sys.argv[1:]
onhand = Onhand(url, token)
supplier = onhand.organizations.create({"type": "supplier", "name": "Python"})["uuid"]
retailer = onhand.organizations.create({"type": "retailer", "name": "Reader"})["uuid"]
assert onhand.organizations.change(supplier, {"expected_interval_minutes": 60})["expected_interval_minutes"] == 60
assert [found["name"] for found in onhand.organizations.page(q="pyth")["organizations"]] == ["Python"]
onhand.connections.create(supplier, retailer)
assert len(onhand.connections.page()["connections"]) == 1
onhand.connections.remove(supplier, retailer)
assert onhand.connections.page()["connections"] == []
user = onhand.users.create({"username": "py", "password": "four quite random words"}, organization=supplier)
assert onhand.users.change(user["uuid"], {"disabled": True}, organization=supplier)["disabled"] is not None
assert len(onhand.users.page(organization=supplier)["users"]) == 1

async def main():
    async with AsyncOnhand(url, token) as onhand:
        draft = {"name": "Till", "permissions": ["view_items"]}
        token_made = await onhand.tokens.create(draft, organization=supplier)
        assert len(token_made["token"]) == 40
        await onhand.tokens.revoke(token_made["uuid"], organization=supplier)
        listed = (await onhand.tokens.page(organization=supplier))["tokens"]
        assert [entry["revoked"] is not None for entry in listed] == [True]
        assert (await onhand.status())["ready"] is True

asyncio.run(main())
print("done")
`;

test.runIf(isPythonUsable())(
  'the Python client manages organizations, connections, users and tokens',
  async () => {
    const run = promisify(execFile)(PYTHON, ['-c', PROGRAM, server.url, authToken], {
      env: PYTHON_ENVIRONMENT,
    });
    expect((await run).stdout).toBe('done\n');
  },
);
