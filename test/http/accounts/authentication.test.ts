import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword, hashToken, newToken } from '../../../src/accounts/credentials.ts';
import type { Organization } from '../../../src/domain/parties.ts';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { BULK, LOGIN, SKUS, TestServer, type Answer } from '../harness.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PASSWORD = 'correct horse é';
const ATTEMPTS_MAX = 3;

let server: TestServer;
let supplier: Organization;
let retailer: Organization;
let token: string;

beforeAll(async () => {
  server = await TestServer.start({ loginAttemptsMax: ATTEMPTS_MAX, loginWindowMs: 600_000 });
  ({ supplier, token } = await server.createSupplier('Acme', [entry('A')]));
  retailer = await server.createOrganization('retailer', 'Shop');
  const passwordHash = await hashPassword(PASSWORD);
  const { accounts } = server.store;
  const user = { passwordHash, organizationId: supplier.id };
  await accounts.createUser({ ...user, username: 'jo', permissions: ['view_items', 'edit_items'] });
  await accounts.createUser({ ...user, username: 'watcher', permissions: ['view_items'] });
  await accounts.createUser({ ...user, username: 'victim', permissions: ['view_items'] });
  await accounts.createUser({
    passwordHash,
    organizationId: retailer.id,
    username: 'buyer',
    permissions: ['view_items'],
  });
});
afterAll(() => server.stop());

/** Lists SKUs with an Authorization header. */
const listAs = (authorization: string, headers: Record<string, string> = {}): Promise<Answer> =>
  server.ask('GET', SKUS, { headers: { authorization, ...headers } });

describe('a token', () => {
  test.for(['Token', 'Bearer', 'token', 'BEARER', 'Token  '])(
    'is accepted after %j',
    async (scheme) => {
      expect((await listAs(`${scheme} ${token}`)).status).toBe(200);
    },
  );

  test('is accepted in upper case', async () => {
    expect((await listAs(`Token ${token.toUpperCase()}`)).status).toBe(200);
  });

  test('is required even with a session cookie, which is ignored', async () => {
    const cookie = 'sessionid=0go3ewc40dk7rlevmdziljl3lf3wxpid';
    expect((await listAs(`Token ${token}`, { cookie })).status).toBe(200);
    problemOf(await server.ask('GET', SKUS, { headers: { cookie } }), 401, 'unauthenticated');
  });

  test.for<readonly [what: string, header: () => string | undefined]>([
    ['no header', () => undefined],
    ['an empty header', () => ''],
    ['the token alone', () => token],
    ['another scheme', () => `Basic ${Buffer.from(`jo:${PASSWORD}`).toString('base64')}`],
    ['39 digits', () => `Token ${token.slice(1)}`],
    ['41 digits', () => `Token ${token}0`],
    ['non-hexadecimal digits', () => `Token ${'g'.repeat(40)}`],
    ['no space', () => `Token${token}`],
    ['two tokens', () => `Token ${token}, Token ${token}`],
    ['an unknown token', () => `Token ${newToken()}`],
    [
      'the stored hash of a token',
      () => `Token ${Buffer.from(hashToken(token)).toString('hex').slice(0, 40)}`,
    ],
  ])('is required: %s returns 401', async ([, header]) => {
    const authorization = header();
    const answer = await server.ask('GET', SKUS, {
      ...(authorization !== undefined && { headers: { authorization } }),
    });
    problemOf(answer, 401, 'unauthenticated');
    expect(answer.headers.get('www-authenticate')).toBe('Token');
  });

  test('that expired gets the same error as an unknown one', async () => {
    const expired = await server.createToken(supplier.id, ['view_items'], Date.now() - 1);
    const valid = await server.createToken(supplier.id, ['view_items'], Date.now() + 60_000);
    const unknown = await listAs(`Token ${newToken()}`);
    const answer = await listAs(`Token ${expired}`);
    expect(problemOf(answer, 401, 'unauthenticated')).toBe(textAt(unknown.json, 'detail'));
    expect((await listAs(`Token ${valid}`)).status).toBe(200);
  });

  test('that is revoked is rejected from the next request on', async () => {
    const { accounts } = server.store;
    const { id: userId } = await accounts.findServiceUser(supplier.id);
    const revoked = newToken();
    const draft = { userId, tokenHash: hashToken(revoked), permissions: ['view_items'] as const };
    const { id } = await accounts.createToken({ ...draft, expiresAtMs: null });
    expect((await listAs(`Token ${revoked}`)).status).toBe(200);
    expect(await accounts.revokeToken(id)).toBe(true);
    problemOf(await listAs(`Token ${revoked}`), 401, 'unauthenticated');
  });
});

describe('permissions', () => {
  const LINES = [{ sku_id: 'A', quantity_in_stock: 1 }];

  test('view_items allows reading but not writing', async () => {
    const viewer = await server.createToken(supplier.id, ['view_items']);
    expect((await server.ask('GET', SKUS, { token: viewer })).status).toBe(200);
    for (const path of [BULK, SKUS]) {
      const answer = await server.ask('POST', path, { token: viewer, body: LINES });
      expect(problemOf(answer, 403, 'permission_missing')).toContain('edit_items');
    }
  });

  test('edit_items allows writing but not reading', async () => {
    const editor = await server.createToken(supplier.id, ['edit_items']);
    expect((await server.ask('POST', BULK, { token: editor, body: LINES })).status).toBe(200);
    for (const path of [SKUS, `${SKUS}905c3e4b-ef10-4f77-b07e-03d4ecb743a0/`]) {
      const answer = await server.ask('GET', path, { token: editor });
      expect(problemOf(answer, 403, 'permission_missing')).toContain('view_items');
    }
  });

  test('a retailer can read but not write', async () => {
    const shop = await server.createToken(retailer.id, ['view_items']);
    expect((await server.ask('GET', SKUS, { token: shop })).status).toBe(200);
    for (const path of [BULK, SKUS]) {
      problemOf(
        await server.ask('POST', path, { token: shop, body: LINES }),
        409,
        'not_a_supplier',
      );
    }
  });
});

const login = (body: unknown): Promise<Answer> => server.ask('POST', LOGIN, { body });

describe('a login', () => {
  test.for([
    ['jo', 'SUPPLIER', true],
    ['watcher', 'SUPPLIER', false],
    ['buyer', 'RETAILER', false],
  ] as const)('of %s returns all documented members', async ([username, type, edits]) => {
    const answer = await login({ username, password: PASSWORD });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const organization = type === 'SUPPLIER' ? supplier : retailer;
    const userUuid = textAt(answer.json, 'user_uuid');
    expect(userUuid).toMatch(UUID);
    const permission = (name: string, assigned: boolean) => ({
      assigned,
      permission: {
        uuid: textMatching(UUID),
        name,
        display_name: textMatching(/^/),
        description: textMatching(/^/),
        visibility: textMatching(/^/),
        grouping: textMatching(/^/),
      },
    });
    expect(answer.json).toEqual({
      auth_token: textMatching(/^[0-9a-f]{40}$/),
      org_uuid: organization.uuid,
      user_uuid: userUuid,
      retailer_uuid: type === 'RETAILER' ? organization.uuid : '',
      supplier_uuid: type === 'SUPPLIER' ? organization.uuid : '',
      org_type: type,
      permission_assignments: {
        permissions: [
          permission('view_items', true),
          permission('edit_items', edits),
          permission('manage_webhooks', false),
        ],
        org_user: { uuid: userUuid },
      },
    });
    const session = textAt(answer.json, 'auth_token');
    expect((await server.ask('GET', SKUS, { token: session })).status).toBe(200);
    const written = await server.ask('POST', BULK, { token: session, body: '[]' });
    expect(written.status === 200).toBe(edits);
  });

  test('creates a token that expires after two hours', async () => {
    const before = Date.now();
    await login({ username: 'jo', password: PASSWORD });
    const tokens = await server.store.accounts.listTokens();
    const newest = tokens.toSorted((a, b) => b.id - a.id)[0];
    const TWO_HOURS_MS = 2 * 60 * 60 * 1000;
    expect(newest?.expiresAtMs).toBeGreaterThanOrEqual(before + TWO_HOURS_MS);
    expect(newest?.expiresAtMs).toBeLessThanOrEqual(Date.now() + TWO_HOURS_MS);
  });

  test('accepts the password in any Unicode normalization form', async () => {
    const answer = await login({ username: 'jo', password: PASSWORD.normalize('NFD') });
    expect(answer.status).toBe(200);
  });

  test('fails with the same error for a wrong password and an unknown user', async () => {
    const wrong = await login({ username: 'watcher', password: 'wrong' });
    const nobody = await login({ username: 'nobody', password: PASSWORD });
    expect(problemOf(nobody, 401, 'login_failed')).toBe(problemOf(wrong, 401, 'login_failed'));
    expect(wrong.headers.get('www-authenticate')).toBe('Token');
  });

  test.for([
    [{}, /username.*password|password.*username/],
    [{ username: 'jo' }, /password/],
    [{ username: 'jo', password: 5 }, /password/],
    [{ username: '', password: 'x' }, /username/],
    [{ username: 'jo', password: 'x', otp: '1' }, /"otp"/],
    ['[]', /object/],
    ['"jo"', /object/],
  ] as const)('that is invalid returns 400: %j', async ([body, what]) => {
    expect(problemOf(await login(body), 400, 'member_invalid')).toMatch(what);
  });

  test('returns the usual errors for invalid bodies', async () => {
    expect(problemOf(await login(''), 400, 'body_missing')).toContain('username');
    problemOf(await login('{'), 400, 'body_malformed');
    problemOf(await login('x'.repeat(20_000)), 413, 'body_too_large');
    const typed = await server.ask('POST', LOGIN, {
      body: '{}',
      headers: { 'content-type': 'a/b' },
    });
    problemOf(typed, 415, 'media_type_unsupported');
  });
});

describe('password guessing', () => {
  test('is throttled per user name, even with the right password', async () => {
    const guess = () => login({ username: 'victim', password: 'wrong' });
    for (let i = 0; i < ATTEMPTS_MAX; i += 1) problemOf(await guess(), 401, 'login_failed');
    const throttled = [await guess(), await login({ username: 'victim', password: PASSWORD })];
    for (const answer of throttled) {
      problemOf(answer, 429, 'rate_limited');
      const seconds = Number(answer.headers.get('retry-after'));
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(600);
    }
    expect((await login({ username: 'jo', password: PASSWORD })).status).toBe(200);
  });

  test('is throttled for concurrent guesses', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => login({ username: 'ghost', password: `guess-${i}` })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(ATTEMPTS_MAX);
    expect(statuses.filter((status) => status === 429)).toHaveLength(8 - ATTEMPTS_MAX);
  });

  test('a successful login resets the count of failures', async () => {
    for (let round = 0; round < 2; round += 1) {
      for (let i = 1; i < ATTEMPTS_MAX; i += 1) {
        problemOf(await login({ username: 'buyer', password: 'wrong' }), 401, 'login_failed');
      }
      expect((await login({ username: 'buyer', password: PASSWORD })).status).toBe(200);
    }
  });

  test('does not affect tokens', async () => {
    expect((await listAs(`Token ${token}`)).status).toBe(200);
    expect(at((await listAs(`Token ${token}`)).json, 'skus', 0, 'sku_id')).toBe('A');
  });
});
