import { expect, test } from 'vitest';
import { hashPassword } from '../../../src/accounts/credentials.ts';
import { LoginThrottle } from '../../../src/http/accounts/login-throttle.ts';
import { OnhandError } from '../../../src/domain/errors.ts';
import { problemOf } from '../answers.ts';
import { FileClient } from '../files/file-client.ts';
import { LOGIN, SKUS, TestServer } from '../harness.ts';

const FAILED = new OnhandError('login_failed', 'wrong');
const fail = (): Promise<never> => Promise.reject(FAILED);
const succeed = (): Promise<unknown> => Promise.resolve();
const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'ok',
    (error: unknown) => (error instanceof OnhandError ? error.code : error),
  );

test('guesses for one name from ever other networks must wait, but not its known networks', async () => {
  const throttle = new LoginThrottle({
    loginAttemptsMax: 10,
    loginAttemptsPerNameMax: 20,
    loginWindowMs: 600_000,
  });
  const attempt = (network: string, work: () => Promise<unknown>) =>
    codeOf(throttle.attempt('jo', network, work));
  expect(await attempt('home', () => Promise.resolve())).toBe('ok');
  const codes: unknown[] = [];
  for (let i = 0; i < 40; i += 1) codes.push(await attempt(`network ${i}`, fail));
  expect(codes.filter((code) => code === 'login_failed')).toHaveLength(20);
  expect(codes.at(-1)).toBe('rate_limited');
  expect(await attempt('home', () => Promise.resolve())).toBe('ok');
  const other = throttle.attempt('ann', 'network 1', () => Promise.resolve('ok'));
  expect(await other).toBe('ok');
});

test('attempts that are refused while a name must wait do not count against the network of its user', async () => {
  const limits = { loginAttemptsMax: 3, loginAttemptsPerNameMax: 1, loginWindowMs: 600_000 };
  const throttle = new LoginThrottle(limits);
  await expect(throttle.attempt('jo', 'elsewhere', fail)).rejects.toBe(FAILED);
  const messages: string[] = [];
  for (let i = 0; i < 10; i += 1) {
    const attempt = throttle.attempt('jo', 'home', () => Promise.resolve('ok'));
    messages.push(await attempt.catch((error: unknown) => String(error)));
  }
  expect(messages.filter((message) => !/ok|failed logins for this name/.test(message))).toEqual([]);
});

test('failed logins of strangers on a shared network lock out new names there, not those that logged in there before', async () => {
  const [perName, perNetwork] = [3, 30];
  const limits = { loginAttemptsMax: perName, loginAttemptsPerNameMax: 20, loginWindowMs: 600_000 };
  const throttle = new LoginThrottle(limits);
  const attempt = (name: string, work: () => Promise<unknown>) =>
    codeOf(throttle.attempt(name, 'office', work));
  expect(await attempt('jo', succeed)).toBe('ok');
  for (let i = 0; i < perNetwork; i += 1)
    expect(await attempt(`stranger ${i}`, fail)).toBe('login_failed');
  expect(await attempt('ann', succeed)).toBe('rate_limited');
  expect(await attempt('jo', succeed)).toBe('ok');
  // Guesses for a name that is known there stay limited.
  for (let i = 0; i < perName; i += 1) expect(await attempt('jo', fail)).toBe('login_failed');
  expect(await attempt('jo', succeed)).toBe('rate_limited');
});

test('200 logins at once are answered or refused, while another organization reads and uploads', async () => {
  const server = await TestServer.start({ loginQueueMax: 4 });
  try {
    const { supplier, token } = await server.createSupplier('Acme');
    await server.store.accounts.createUser({
      organizationId: supplier.id,
      username: 'jo',
      passwordHash: await hashPassword('secret'),
      permissions: ['view_items'],
    });
    const attack = Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        server.ask('POST', LOGIN, { body: { username: `user ${i}`, password: 'x' } }),
      ),
    );
    expect((await server.ask('GET', SKUS, { token })).status).toBe(200);
    const client = new FileClient(server, token);
    const file = await client.processed(await client.upload('sku_id,qty\nA,5\n'));
    expect(file).toMatchObject({ state: 'done' });
    const answers = await attack;
    expect(answers.filter(({ status }) => ![401, 429, 503].includes(status))).toEqual([]);
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(problemOf(answer, 503, 'overloaded')).toContain('ONHAND_LOGIN_QUEUE_MAX');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
  } finally {
    await server.stop();
  }
});
