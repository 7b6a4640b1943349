import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hashPassword, hashToken } from '../../../src/accounts/credentials.ts';
import { entry } from '../../store/fixtures.ts';
import { problemOf, textAt } from '../answers.ts';
import { LOGIN, SINGLE, TestServer, type Answer } from '../harness.ts';

const WEBHOOKS = '/timp/notifications/webhooks/';
const TESTS_MAX = 3;
const WEBHOOKS_MAX = 20;

let server: TestServer;
let supplierId: number;
let token: string;
/** How the receiver answers. */
let status = 200;
let received: string[] = [];
const receiver = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    received.push(String(request.headers['webhook-id']));
    response.writeHead(status).end();
  });
});
let url: string;

beforeAll(async () => {
  server = await TestServer.start({
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
    unverifiedWebhookTestsPerHourMax: TESTS_MAX,
    webhookActionsPerMinuteMax: 1000,
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = receiver.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
});
afterAll(async () => {
  receiver.close();
  await server.stop();
});

let suppliers = 0;
beforeEach(async () => {
  suppliers += 1;
  const made = await server.createSupplier(`Acme ${suppliers}`, [entry('a')]);
  token = made.token;
  supplierId = made.supplier.id;
  status = 200;
  received = [];
});

const ask = (method: string, path: string, by = token, body?: object): Promise<Answer> =>
  server.ask(method, `${WEBHOOKS}${path}`, { token: by, ...(body !== undefined && { body }) });
const register = async (by = token): Promise<string> => {
  const answer = await ask('POST', '', by, { url });
  expect(answer.status, answer.text).toBe(201);
  return textAt(answer.json, 'uuid');
};
const set = async (quantity: number): Promise<void> => {
  const body = { sku_id: 'a', quantity_in_stock: quantity };
  expect((await server.ask('POST', SINGLE, { token, body })).status).toBe(200);
};
const revoke = async (secret: string): Promise<void> => {
  const { accounts } = server.store;
  const principal = await accounts.findPrincipal(hashToken(secret), Date.now());
  await accounts.revokeToken(principal?.tokenId ?? 0);
};

describe('managing webhooks', () => {
  test('needs manage_webhooks and view_items', async () => {
    const uuid = await register();
    const viewer = await server.createToken(supplierId, ['view_items', 'edit_items']);
    const blind = await server.createToken(supplierId, ['manage_webhooks']);
    for (const [method, path, body] of [
      ['POST', '', { url }],
      ['PATCH', `${uuid}/`, { is_paused: true }],
      ['DELETE', `${uuid}/`, undefined],
      ['POST', `${uuid}/test/`, undefined],
      ['POST', `${uuid}/rotate-secret/`, undefined],
    ] as const) {
      const answer = await ask(method, path, viewer, body);
      expect(problemOf(answer, 403, 'permission_missing')).toContain('manage_webhooks');
      problemOf(await ask(method, path, blind, body), 403, 'permission_missing');
    }
    for (const path of ['', `${uuid}/`, `${uuid}/attempts/`]) {
      expect((await ask('GET', path, viewer)).status).toBe(200);
    }
  });

  test('at most the limit is registered, however many requests arrive at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask('POST', '', token, { url })),
    );
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(WEBHOOKS_MAX);
    for (const answer of answers.filter((other) => other.status !== 201)) {
      expect(problemOf(answer, 422, 'webhook_refused')).toContain('ONHAND_WEBHOOKS_MAX');
    }
    expect(await server.store.webhooks.list(supplierId)).toHaveLength(WEBHOOKS_MAX);
  });
});

describe('a webhook', () => {
  test('stops within two seconds of the revocation of its token, until another resumes it', async () => {
    const passing = await server.createToken(supplierId, ['view_items', 'manage_webhooks']);
    const uuid = await register(passing);
    await set(1);
    await expect.poll(() => received.length).toBe(1);
    await revoke(passing);
    await set(2);
    const { json } = await ask('GET', `${uuid}/`);
    expect(json).toMatchObject({ is_paused: true });
    expect(textAt(json, 'paused_reason')).toMatch(/token .* was revoked/);
    // A webhook of another token proves that the sender has looked at the change.
    await register();
    await set(3);
    await expect.poll(() => received.length).toBe(2);
    await ask('PATCH', `${uuid}/`, token, { is_paused: false });
    await expect.poll(() => received.length).toBe(3);
  });

  test('that lost access and is paused by its owner stays paused when access returns', async () => {
    const { accounts } = server.store;
    const username = `owner-${supplierId}`;
    await accounts.createUser({
      organizationId: supplierId,
      username,
      passwordHash: await hashPassword('secret'),
      permissions: ['view_items', 'manage_webhooks'],
    });
    const body = { username, password: 'secret' };
    const session = textAt((await server.ask('POST', LOGIN, { body })).json, 'auth_token');
    const uuid = await register(session);
    await accounts.setUserDisabled(username, true);
    await ask('PATCH', `${uuid}/`, token, { is_paused: true });
    await accounts.setUserDisabled(username, false);
    expect((await ask('GET', `${uuid}/`)).json).toMatchObject({
      is_paused: true,
      paused_reason: 'Paused by its owner.',
    });
  });

  test('outlives the session of the user that registered it, not the user', async () => {
    const { accounts } = server.store;
    const username = `user-${supplierId}`;
    await accounts.createUser({
      organizationId: supplierId,
      username,
      passwordHash: await hashPassword('secret'),
      permissions: ['view_items', 'manage_webhooks'],
    });
    const login = () => server.ask('POST', LOGIN, { body: { username, password: 'secret' } });
    const session = textAt((await login()).json, 'auth_token');
    const uuid = await register(session);
    await set(1);
    await expect.poll(() => received.length).toBe(1);
    expect(await accounts.setUserDisabled(username, true)).toBe(true);
    await expect.poll(async () => (await ask('GET', '', session)).status).toBe(401);
    problemOf(await login(), 401, 'login_failed');
    expect((await ask('GET', `${uuid}/`)).json).toMatchObject({ is_paused: true });
  });
});

describe('tests of webhooks', () => {
  test('are limited while the URL has never answered 2xx, and then no more so', async () => {
    status = 500;
    const uuid = await register();
    for (let i = 0; i < TESTS_MAX; i += 1) {
      expect((await ask('POST', `${uuid}/test/`)).json).toMatchObject({ is_delivered: false });
    }
    const refused = await ask('POST', `${uuid}/test/`);
    expect(problemOf(refused, 429, 'rate_limited')).toContain('never answered 2xx');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(received).toHaveLength(TESTS_MAX);
    const second = await register();
    problemOf(await ask('POST', `${second}/test/`), 429, 'rate_limited');
    status = 200;
    await set(1);
    await expect.poll(() => received.length).toBe(TESTS_MAX + 2);
    await expect.poll(async () => (await ask('POST', `${uuid}/test/`)).status).toBe(200);
    for (let i = 0; i < TESTS_MAX + 1; i += 1) {
      expect((await ask('POST', `${uuid}/test/`)).json).toMatchObject({ is_delivered: true });
    }
    // An unchanged URL stays verified.
    expect((await ask('PATCH', `${uuid}/`, token, { url })).status).toBe(200);
    expect((await ask('POST', `${uuid}/test/`)).json).toMatchObject({ is_delivered: true });
    expect((await ask('PATCH', `${uuid}/`, token, { url: `${url}elsewhere` })).status).toBe(200);
    problemOf(await ask('POST', `${uuid}/test/`), 429, 'rate_limited');
  });

  test('are limited when all are sent at once, on several webhooks', async () => {
    status = 500;
    const uuids = [await register(), await register()];
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => ask('POST', `${uuids[i % 2]}/test/`)),
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(TESTS_MAX);
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(30 - TESTS_MAX);
    expect(received).toHaveLength(TESTS_MAX);
  });

  test('are limited for verified URLs too, together with what else sends at once', async () => {
    const strict = await TestServer.start({
      webhooksAllowHttp: true,
      webhooksAllowPrivateNetworks: true,
      webhookActionsPerMinuteMax: 4,
    });
    try {
      const made = await strict.createSupplier('Acme');
      const by = { token: made.token };
      const registered = await strict.ask('POST', WEBHOOKS, { ...by, body: { url } });
      const path = `${WEBHOOKS}${textAt(registered.json, 'uuid')}/`;
      const statuses: number[] = [];
      for (let i = 0; i < 3; i += 1) {
        statuses.push((await strict.ask('POST', `${path}test/`, by)).status);
      }
      expect(statuses).toEqual([200, 200, 200]);
      for (const [method, at, body] of [
        ['POST', `${path}test/`, undefined],
        ['PATCH', path, { is_paused: false }],
        ['PATCH', path, { url }],
        ['POST', WEBHOOKS, { url }],
      ] as const) {
        const answer = await strict.ask(method, at, { ...by, ...(body !== undefined && { body }) });
        expect(problemOf(answer, 429, 'rate_limited')).toContain('ONHAND_WEBHOOK_ACTIONS');
      }
      expect((await strict.ask('PATCH', path, { ...by, body: { is_paused: true } })).status).toBe(
        200,
      );
    } finally {
      await strict.stop();
    }
  });
});
