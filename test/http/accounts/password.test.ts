import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashPassword } from '../../../src/accounts/credentials.ts';
import { problemOf, textAt } from '../answers.ts';
import { LOGIN, SKUS, TestServer, USER_PASSWORD } from '../harness.ts';

const FIRST = 'correct horse battery';
const SECOND = 'staple the second horse';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
  const { supplier } = await server.createSupplier('Acme');
  await server.store.accounts.createUser({
    organizationId: supplier.id,
    username: 'wile',
    passwordHash: await hashPassword(FIRST),
    permissions: ['view_items'],
  });
});

afterAll(() => server.stop());

const logIn = (password: string) =>
  server.ask('POST', LOGIN, { body: { username: 'wile', password } });
const change = (password: string, newPassword: string) =>
  server.ask('POST', USER_PASSWORD, {
    body: { username: 'wile', password, new_password: newPassword },
  });

test.for([
  ['short', 'has only 5 characters'],
  ['Password12345', 'is one of the most common ones'],
  ['my name is wile', 'contains the username'],
  [FIRST, 'is the current one'],
] as const)('the new password %j is refused with the reason', async ([newPassword, reason]) => {
  const detail = problemOf(await change(FIRST, newPassword), 400, 'member_invalid');
  expect(detail).toContain(reason);
  if (reason !== 'is the current one') expect(detail).not.toContain(newPassword);
});

test('a change of password needs the current one, and ends the earlier logins', async () => {
  const token = textAt((await logIn(FIRST)).json, 'auth_token');
  problemOf(await change('wrong', SECOND), 401, 'login_failed');
  expect((await server.ask('GET', SKUS, { token })).status).toBe(200);
  expect(await change(FIRST, SECOND)).toMatchObject({ status: 200, json: { message: 'success' } });
  expect((await server.ask('GET', SKUS, { token })).status).toBe(401);
  expect((await logIn(FIRST)).status).toBe(401);
  expect((await logIn(SECOND)).status).toBe(200);
});

test('a disabled organization can neither log in nor use its tokens until it is enabled', async () => {
  const { accounts } = server.store;
  const { supplier, token } = await server.createSupplier('Stopped');
  const user = { username: 'stopped', password: FIRST };
  await accounts.createUser({
    organizationId: supplier.id,
    username: user.username,
    passwordHash: await hashPassword(FIRST),
    permissions: ['view_items'],
  });
  const statuses = async () => [
    (await server.ask('GET', SKUS, { token })).status,
    (await server.ask('POST', LOGIN, { body: user })).status,
  ];
  expect(await statuses()).toEqual([200, 200]);
  await accounts.setOrganizationDisabled(supplier.id, true);
  expect(await statuses()).toEqual([401, 401]);
  await accounts.setOrganizationDisabled(supplier.id, false);
  expect(await statuses()).toEqual([200, 200]);
});
