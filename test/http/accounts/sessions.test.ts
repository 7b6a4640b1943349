import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword, hashToken } from '../../../src/accounts/credentials.ts';
import type { Organization } from '../../../src/domain/parties.ts';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { membersAt, problemOf, textAt } from '../answers.ts';
import { BULK, LOGIN, SKUS, TestServer } from '../harness.ts';
import { Browser, createUser, CURRENT, PASSWORD, SESSIONS } from './browser.ts';

const HOUR_MS = 3_600_000;
const LINES = [{ sku_id: 'A', quantity_in_stock: 1 }];

let server: TestServer;
let supplier: Organization;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ trustProxy: '127.0.0.1' });
  ({ supplier, token } = await server.createSupplier('Acme', [entry('A')]));
  for (const name of ['jo', 'pat', 'mover', 'leaver']) await createUser(server, supplier, name);
  await createUser(server, supplier, 'watcher', ['view_items']);
});
afterAll(() => server.stop());

const openSessionsOf = async (browser: Browser): Promise<readonly unknown[]> => {
  return membersAt((await browser.ask('GET', SESSIONS)).json, 'sessions').map(([, value]) => value);
};

describe('a login', () => {
  test('sets a cookie that scripts and other sites cannot use, without an expiry of its own', async () => {
    const browser = new Browser(server);
    const { status, json, headers } = await browser.logIn('jo');
    expect(status).toBe(201);
    expect(json).toEqual({
      uuid: textMatching(/^[0-9a-f-]{36}$/),
      username: 'jo',
      organization: { uuid: supplier.uuid, name: 'Acme', type: 'supplier' },
      permissions: ['view_items', 'edit_items', 'manage_webhooks'],
      expires: textMatching(/Z$/),
    });
    expect(headers.getSetCookie()).toEqual([
      textMatching(/^onhand=[0-9a-f]{40}; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect((await browser.ask('GET', CURRENT)).json).toEqual(json);
  });

  test('behind TLS sets a cookie that is bound to the host', async () => {
    const browser = new Browser(server);
    const headers = { 'x-forwarded-proto': 'https', origin: server.url.replace('http', 'https') };
    const body = { username: 'jo', password: PASSWORD };
    const answer = await browser.ask('POST', SESSIONS, { headers, body });
    expect(answer.headers.getSetCookie()).toEqual([
      textMatching(/^__Host-onhand=[0-9a-f]{40}; Path=\/; HttpOnly; Secure; SameSite=Strict$/),
    ]);
    expect((await browser.ask('GET', CURRENT, { headers })).status).toBe(200);
    // Set without TLS, it could come from a neighbouring host.
    const plain = { cookie: browser.cookie.replace('__Host-', '') };
    problemOf(
      await server.ask('GET', CURRENT, { headers: { ...headers, ...plain } }),
      401,
      'unauthenticated',
    );
  });

  test('with a wrong password, or from a page of another site, sets no cookie', async () => {
    const wrong = await new Browser(server).logIn('pat', 'wrong');
    problemOf(wrong, 401, 'login_failed');
    const body = { username: 'pat', password: PASSWORD };
    const headers = { origin: 'https://evil.example' };
    const foreign = await server.ask('POST', SESSIONS, { headers, body });
    problemOf(foreign, 403, 'cross_site_request');
    for (const { headers } of [wrong, foreign]) expect(headers.getSetCookie()).toEqual([]);
  });
});

describe('a session', () => {
  test('reads and writes what its user may', async () => {
    const browser = await Browser.loggedIn(server, 'jo');
    expect((await browser.ask('GET', SKUS)).status).toBe(200);
    expect((await browser.ask('POST', BULK, { body: LINES })).status).toBe(200);
    const watcher = await Browser.loggedIn(server, 'watcher');
    problemOf(await watcher.ask('POST', BULK, { body: LINES }), 403, 'permission_missing');
  });

  test.for<readonly [string, Record<string, string>]>([
    ['without the header of the dashboard', { 'onhand-dashboard': '' }],
    ['from another origin', { origin: 'https://evil.example' }],
    ['from an origin that is no URL', { origin: 'null' }],
    ['from another port of the host', { origin: 'http://127.0.0.1:1' }],
    ['from another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['from a neighbouring host, as the browser says', { 'sec-fetch-site': 'same-site' }],
  ])('changes nothing by a request %s', async ([, headers]) => {
    const browser = await Browser.loggedIn(server, 'jo');
    const answer = await browser.ask('POST', BULK, { body: LINES, headers });
    problemOf(answer, 403, 'cross_site_request');
    problemOf(await browser.ask('DELETE', CURRENT, { headers }), 403, 'cross_site_request');
    expect((await browser.ask('GET', SKUS, { headers })).status).toBe(200);
  });

  test('yields to an Authorization header, even to a wrong one', async () => {
    const { cookie } = await Browser.loggedIn(server, 'watcher');
    const write = (secret: string) =>
      server.ask('POST', BULK, { headers: { cookie }, token: secret, body: LINES });
    expect((await write(token)).status).toBe(200);
    problemOf(await write('0'.repeat(40)), 401, 'unauthenticated');
  });

  test('is no API token, and an API token is no session', async () => {
    const { cookie } = await Browser.loggedIn(server, 'jo');
    const [, secret = ''] = cookie.split('=');
    problemOf(await server.ask('GET', SKUS, { token: secret }), 401, 'unauthenticated');
    const headers = { cookie: `onhand=${token}` };
    problemOf(await server.ask('GET', SKUS, { headers }), 401, 'unauthenticated');
    problemOf(await server.ask('GET', SESSIONS, { token }), 403, 'session_needed');
    problemOf(await server.ask('GET', CURRENT, { token }), 403, 'session_needed');
  });

  test('ends at the log-out, and its cookie is cleared', async () => {
    const browser = await Browser.loggedIn(server, 'jo');
    const { cookie } = browser;
    const { status, text, headers } = await browser.ask('DELETE', CURRENT);
    expect([status, text]).toEqual([204, '']);
    expect(headers.getSetCookie()).toEqual([textMatching(/^onhand=; .*Expires=Thu, 01 Jan 1970/)]);
    problemOf(await server.ask('GET', CURRENT, { headers: { cookie } }), 401, 'unauthenticated');
  });

  test('is listed for its user with where it began, and is ended from another one', async () => {
    const lost = new Browser(server);
    const headers = { 'user-agent': 'Lost laptop' };
    await lost.ask('POST', SESSIONS, { headers, body: { username: 'mover', password: PASSWORD } });
    const browser = await Browser.loggedIn(server, 'mover');
    const [own, other, ...more] = await openSessionsOf(browser);
    expect(own).toMatchObject({ is_current: true, address: '127.0.0.1', last_used: null });
    expect(other).toMatchObject({ is_current: false, user_agent: 'Lost laptop' });
    expect(more).toEqual([]);
    const path = `${SESSIONS}${textAt(other, 'uuid')}/`;
    const stranger = await Browser.loggedIn(server, 'pat');
    problemOf(await stranger.ask('DELETE', path), 404, 'session_not_found');
    expect((await lost.ask('GET', CURRENT)).status).toBe(200);
    expect((await browser.ask('DELETE', path)).status).toBe(204);
    problemOf(await lost.ask('GET', CURRENT), 401, 'unauthenticated');
    problemOf(await browser.ask('DELETE', path), 404, 'session_not_found');
    expect(await openSessionsOf(browser)).toHaveLength(1);
  });

  test('ends its open streams within two seconds', async () => {
    const browser = await Browser.loggedIn(server, 'pat');
    const { cookie } = browser;
    const headers = { cookie, accept: 'text/event-stream' };
    const stream = await fetch(`${server.url}${SKUS}inventory/changes/?from=now`, { headers });
    expect(stream.status).toBe(200);
    expect((await browser.ask('DELETE', CURRENT)).status).toBe(204);
    expect(await stream.text()).not.toContain('"sequence"');
  });

  test('ends when the password is changed or the user is disabled', async () => {
    const { accounts } = server.store;
    const browser = await Browser.loggedIn(server, 'leaver');
    await accounts.setPassword('leaver', await hashPassword(PASSWORD));
    problemOf(await browser.ask('GET', CURRENT), 401, 'unauthenticated');
    const again = await Browser.loggedIn(server, 'leaver');
    await accounts.setUserDisabled('leaver', true);
    problemOf(await again.ask('GET', CURRENT), 401, 'unauthenticated');
  });

  test('is put off by use, up to its longest duration, and is not revived once it has ended', async () => {
    const { accounts } = server.store;
    const browser = await Browser.loggedIn(server, 'jo');
    const { tokenId = 0, userId = 0 } =
      (await accounts.findPrincipal(hashToken(browser.cookie.split('=')[1] ?? ''), Date.now())) ??
      {};
    const expiresAtMs = async (): Promise<number> =>
      (await accounts.listSessions(userId, 0)).find(({ id }) => id === tokenId)?.expiresAtMs ?? 0;
    const createdAtMs = Date.now();
    const lifetimes = { idleMs: HOUR_MS, absoluteMs: 2 * HOUR_MS };
    await accounts.recordTokenUse([tokenId], createdAtMs + HOUR_MS / 2, lifetimes);
    expect(await expiresAtMs()).toBe(createdAtMs + 1.5 * HOUR_MS);
    await accounts.recordTokenUse([tokenId], createdAtMs + 1.4 * HOUR_MS, lifetimes);
    const latestMs = await expiresAtMs();
    expect(latestMs).toBeLessThanOrEqual(createdAtMs + 2 * HOUR_MS);
    expect(latestMs).toBeGreaterThan(createdAtMs + 1.9 * HOUR_MS);
    await accounts.recordTokenUse([tokenId], createdAtMs + 3 * HOUR_MS, lifetimes);
    expect(await expiresAtMs()).toBe(latestMs);
  });

  test('that has ended stays so on a node whose clock is behind', async () => {
    const { accounts } = server.store;
    const browser = await Browser.loggedIn(server, 'jo');
    const tokenHash = hashToken(browser.cookie.split('=')[1] ?? '');
    const { tokenId = 0, userId = 0 } = (await accounts.findPrincipal(tokenHash, Date.now())) ?? {};
    const uuid = (await accounts.findSession(tokenId, Date.now()))?.uuid ?? '';
    const behindMs = Date.now();
    expect(await accounts.endSession(userId, uuid, behindMs + 1000)).toBe(true);
    const lifetimes = { idleMs: HOUR_MS, absoluteMs: 2 * HOUR_MS };
    await accounts.recordTokenUse([tokenId], behindMs + 1, lifetimes);
    expect(await accounts.findPrincipal(tokenHash, behindMs + 2)).toBeUndefined();
  });

  test('may not do more than the token of a login, which manages sessions as well', async () => {
    const body = { username: 'pat', password: PASSWORD };
    const login = textAt((await server.ask('POST', LOGIN, { body })).json, 'auth_token');
    expect((await server.ask('GET', SESSIONS, { token: login })).status).toBe(200);
    problemOf(await server.ask('GET', CURRENT, { token: login }), 403, 'session_needed');
  });
});
