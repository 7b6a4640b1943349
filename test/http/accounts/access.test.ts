import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Organization } from '../../../src/domain/parties.ts';
import { textMatching } from '../../matching.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { LOGIN, SKUS, TestServer } from '../harness.ts';
import { Browser, createUser, CURRENT, PASSWORD } from './browser.ts';

const TOKENS = '/timp/organizations/tokens/';
const USERS = '/timp/organizations/users/';
const UNKNOWN = '905c3e4b-ef10-4f77-b07e-03d4ecb743a0';
const NEW_PASSWORD = 'four quite random words';

let server: TestServer;
let acme: { readonly supplier: Organization; readonly token: string };
let clerk: Browser;
let watcher: Browser;
let stranger: Browser;
let buyer: Browser;
let operator: Browser;

beforeAll(async () => {
  server = await TestServer.start();
  acme = await server.createSupplier('Acme');
  const bolt = await server.createSupplier('Bolt');
  const shop = await server.createOrganization('retailer', 'Shop');
  const host = await server.createOrganization('operator', 'Host');
  await createUser(server, acme.supplier, 'clerk');
  await createUser(server, acme.supplier, 'watcher', ['view_items']);
  await createUser(server, bolt.supplier, 'stranger');
  await createUser(server, shop, 'buyer');
  await createUser(server, host, 'operator');
  const browserOf = (username: string) => Browser.loggedIn(server, username);
  clerk = await browserOf('clerk');
  watcher = await browserOf('watcher');
  stranger = await browserOf('stranger');
  buyer = await browserOf('buyer');
  operator = await browserOf('operator');
});
afterAll(() => server.stop());

const createToken = async (browser: Browser, body: object, query = '') => {
  const answer = await browser.ask('POST', `${TOKENS}${query}`, { body });
  expect(answer.status, answer.text).toBe(201);
  return {
    json: answer.json,
    secret: textAt(answer.json, 'token'),
    uuid: textAt(answer.json, 'uuid'),
  };
};

const tokenNames = async (browser: Browser, query = ''): Promise<readonly unknown[]> => {
  const { json } = await browser.ask('GET', `${TOKENS}${query}`);
  const tokens = at(json, 'tokens');
  return Array.isArray(tokens) ? tokens.map((token) => at(token, 'name')) : [];
};

describe('tokens', () => {
  test('are created with a name, permissions and an expiry, shown once, and revoked', async () => {
    const draft = { name: 'Till', permissions: ['view_items'], expires: '2999-01-01T00:00:00Z' };
    const { json, secret, uuid } = await createToken(clerk, draft);
    expect(json).toMatchObject({
      name: 'Till',
      username: 'clerk',
      permissions: ['view_items'],
      expires: textMatching(/^2999-01-01T00:00:00/),
      last_used: null,
      revoked: null,
    });
    expect((await server.ask('GET', SKUS, { token: secret })).status).toBe(200);
    const list = await clerk.ask('GET', TOKENS);
    expect(list.text).not.toContain(secret);
    expect(at(list.json, 'tokens', 0)).toMatchObject({ uuid, revoked: null });
    expect((await clerk.ask('DELETE', `${TOKENS}${uuid}/`)).status).toBe(204);
    problemOf(await server.ask('GET', SKUS, { token: secret }), 401, 'unauthenticated');
    problemOf(await clerk.ask('DELETE', `${TOKENS}${uuid}/`), 404, 'token_not_found');
    const [revoked] = listOf((await clerk.ask('GET', TOKENS)).json, 'tokens');
    expect(revoked).toMatchObject({ uuid, revoked: textMatching(/Z$/) });
  });

  test('show when they were last used, once that is recorded', async () => {
    const { secret, uuid } = await createToken(clerk, { name: 'Used' });
    await server.ask('GET', SKUS, { token: secret });
    // A server that stops records the uses of its last minute.
    await server.restart();
    const used = listOf((await clerk.ask('GET', TOKENS)).json, 'tokens').find(
      (token) => token['uuid'] === uuid,
    );
    expect(used?.['last_used']).toEqual(textMatching(/Z$/));
  });

  test('survive a change of password, and end with their user', async () => {
    await createUser(server, acme.supplier, 'leaver');
    const leaver = await Browser.loggedIn(server, 'leaver');
    const { secret } = await createToken(leaver, { name: 'Mine', expires: '2999-01-01T00:00:00Z' });
    const { accounts } = server.store;
    await accounts.setPassword('leaver', 'x');
    expect((await server.ask('GET', SKUS, { token: secret })).status).toBe(200);
    await accounts.setUserDisabled('leaver', true);
    problemOf(await server.ask('GET', SKUS, { token: secret }), 401, 'unauthenticated');
  });

  test('get no permission that their creator lacks', async () => {
    const draft = { name: 'More', permissions: ['edit_items'] };
    problemOf(await watcher.ask('POST', TOKENS, { body: draft }), 403, 'permission_missing');
    const root = { name: 'Root', permissions: ['manage_organizations'] };
    problemOf(await clerk.ask('POST', TOKENS, { body: root }), 403, 'permission_missing');
    const { json } = await createToken(watcher, { name: 'All of mine' });
    expect(at(json, 'permissions')).toEqual(['view_items']);
  });

  test.for([
    [{}, 'name'],
    [{ name: ' ' }, 'empty'],
    [{ name: 'x', expires: 'tomorrow' }, 'expires'],
    [{ name: 'x', expires: '2001-01-01T00:00:00Z' }, 'future'],
    [{ name: 'x', permissions: ['fly'] }, 'permissions'],
    [{ name: 'x', colour: 1 }, 'colour'],
  ] as const)('with %j are refused with the reason', async ([body, reason]) => {
    const detail = problemOf(await clerk.ask('POST', TOKENS, { body }), 400, 'member_invalid');
    expect(detail).toContain(reason);
  });

  test('of other organizations are neither seen nor revoked', async () => {
    const { uuid } = await createToken(clerk, { name: 'Ours' });
    for (const browser of [stranger, buyer]) {
      expect(await tokenNames(browser)).not.toContain('Ours');
      for (const path of [`${TOKENS}${uuid}/`, `${TOKENS}${UNKNOWN}/`]) {
        problemOf(await browser.ask('DELETE', path), 404, 'token_not_found');
      }
      problemOf(
        await browser.ask('GET', `${TOKENS}?organization=${acme.supplier.uuid}`),
        400,
        'parameter_invalid',
      );
    }
    problemOf(await watcher.ask('DELETE', `${TOKENS}${uuid}/`), 403, 'permission_missing');
  });

  test('of an organization are managed by the operator, and belong to the organization', async () => {
    const query = `?organization=${acme.supplier.uuid}`;
    const { json, secret, uuid } = await createToken(operator, { name: 'From the host' }, query);
    expect(json).toMatchObject({
      username: null,
      permissions: ['view_items', 'edit_items', 'manage_webhooks'],
    });
    expect((await server.ask('GET', SKUS, { token: secret })).status).toBe(200);
    expect(await tokenNames(clerk)).toContain('From the host');
    expect(await tokenNames(operator)).toEqual([]);
    expect((await operator.ask('DELETE', `${TOKENS}${uuid}/${query}`)).status).toBe(204);
  });
});

describe('users', () => {
  test('are created, log in, lose permissions at once, and are disabled', async () => {
    const body = {
      username: 'fresh',
      password: NEW_PASSWORD,
      permissions: ['view_items', 'edit_items'],
    };
    const created = await clerk.ask('POST', USERS, { body });
    expect(created.status, created.text).toBe(201);
    expect(created.json).toMatchObject({ username: 'fresh', disabled: null });
    expect(created.text).not.toContain(NEW_PASSWORD);
    problemOf(await clerk.ask('POST', USERS, { body }), 422, 'already_exists');
    const fresh = new Browser(server);
    expect((await fresh.logIn('fresh', NEW_PASSWORD)).status).toBe(201);
    const path = `${USERS}${textAt(created.json, 'uuid')}/`;
    const less = await clerk.ask('PATCH', path, { body: { permissions: ['view_items'] } });
    expect(less.json).toMatchObject({ permissions: ['view_items'] });
    expect(at((await fresh.ask('GET', CURRENT)).json, 'permissions')).toEqual(['view_items']);
    const ended = await clerk.ask('PATCH', path, { body: { disabled: true } });
    expect(at(ended.json, 'disabled')).toEqual(textMatching(/Z$/));
    problemOf(await fresh.ask('GET', CURRENT), 401, 'unauthenticated');
    expect(
      at((await clerk.ask('PATCH', path, { body: { disabled: false } })).json, 'disabled'),
    ).toBeNull();
    expect((await fresh.ask('GET', CURRENT)).status).toBe(200);
  });

  test('get no permission that their creator lacks, and are not changed by those who have less', async () => {
    const body = { username: 'more', password: NEW_PASSWORD, permissions: ['edit_items'] };
    problemOf(await watcher.ask('POST', USERS, { body }), 403, 'permission_missing');
    const users = listOf((await watcher.ask('GET', USERS)).json, 'users');
    const uuidOf = (name: string) =>
      String(users.find((user) => user['username'] === name)?.['uuid']);
    const disabling = { body: { disabled: true } };
    problemOf(
      await watcher.ask('PATCH', `${USERS}${uuidOf('clerk')}/`, disabling),
      403,
      'permission_missing',
    );
    problemOf(
      await watcher.ask('PATCH', `${USERS}${uuidOf('watcher')}/`, disabling),
      400,
      'member_invalid',
    );
  });

  test('of other organizations are neither seen nor changed', async () => {
    const users = listOf((await clerk.ask('GET', USERS)).json, 'users');
    expect(users.map((user) => user['username'])).not.toContain('stranger');
    for (const browser of [stranger, buyer]) {
      for (const uuid of [String(users[0]?.['uuid']), UNKNOWN]) {
        const answer = await browser.ask('PATCH', `${USERS}${uuid}/`, { body: { disabled: true } });
        problemOf(answer, 404, 'user_not_found');
      }
    }
  });

  test('of an organization are managed by an operator with manage_organizations only', async () => {
    const query = `?organization=${acme.supplier.uuid}`;
    const host = await server.createOrganization('operator', 'Second host');
    await createUser(server, host, 'assistant', ['view_items', 'edit_items']);
    const assistant = await Browser.loggedIn(server, 'assistant');
    problemOf(await assistant.ask('GET', `${USERS}${query}`), 403, 'permission_missing');
    const users = listOf((await operator.ask('GET', `${USERS}${query}`)).json, 'users');
    expect(users.map((user) => user['username'])).toContain('clerk');
    const own = listOf((await operator.ask('GET', USERS)).json, 'users');
    expect(own.map((user) => user['username'])).toEqual(['operator']);
  });

  test('with a weak password are refused with the reason', async () => {
    const body = { username: 'weak', password: 'password1234' };
    problemOf(await clerk.ask('POST', USERS, { body }), 400, 'member_invalid');
  });
});

test('API tokens manage neither, tokens of a login do', async () => {
  const body = { username: 'clerk', password: PASSWORD };
  const login = textAt((await server.ask('POST', LOGIN, { body })).json, 'auth_token');
  for (const path of [TOKENS, USERS]) {
    problemOf(await server.ask('GET', path, { token: acme.token }), 403, 'session_needed');
    problemOf(await server.ask('GET', path), 401, 'unauthenticated');
    expect((await server.ask('GET', path, { token: login })).status).toBe(200);
  }
});

function listOf(json: unknown, name: string): readonly Readonly<Record<string, unknown>>[] {
  const list: unknown = at(json, name);
  return Array.isArray(list) ? list.map((item: object) => ({ ...item })) : [];
}
