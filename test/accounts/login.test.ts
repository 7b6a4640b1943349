import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashPassword, hashToken, login, SESSION_MS } from '../../src/accounts/credentials.ts';
import type { Store } from '../../src/store/store.ts';
import {
  createSupplier,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

const NOW_MS = 1_800_000_000_000;

describe('a login', () => {
  let database: TestDatabase;
  let store: Store;
  let supplierId: number;

  beforeEach(async () => {
    database = await sqliteDatabase();
    store = await openTestStore(database);
    supplierId = await createSupplier(store, 'Acme');
    await store.accounts.createUser({
      organizationId: supplierId,
      username: 'wile',
      passwordHash: await hashPassword('secret'),
      permissions: ['view_items'],
    });
  });

  afterEach(async () => {
    await store.close();
    await database.remove();
  });

  const logIn = (username: string, password: string) =>
    login(store.accounts, { username, password }, NOW_MS);

  test('with name and password returns a token with the user’s permissions for two hours', async () => {
    const { token, expiresAtMs, user } = await logIn('wile', 'secret');
    expect(user.organization).toMatchObject({ id: supplierId, name: 'Acme' });
    expect(expiresAtMs).toBe(NOW_MS + 2 * 60 * 60 * 1000);
    const principalAt = (nowMs: number) => store.accounts.findPrincipal(hashToken(token), nowMs);
    expect(await principalAt(NOW_MS + SESSION_MS - 1)).toMatchObject({
      organizationId: supplierId,
      organizationType: 'supplier',
      permissions: ['view_items'],
      userId: user.id,
    });
    expect(await principalAt(NOW_MS + SESSION_MS)).toBeUndefined();
  });

  test('returns a new token each time', async () => {
    const [first, second] = await Promise.all([logIn('wile', 'secret'), logIn('wile', 'secret')]);
    expect(first.token).not.toBe(second.token);
  });

  test('fails with the same error for a wrong password and an unknown user', async () => {
    const failures = await Promise.all(
      [
        ['wile', 'Secret'],
        ['wile', ''],
        ['Wile', 'secret'],
        ['nobody', 'secret'],
        ['', ''],
      ].map(([username = '', password = '']) =>
        logIn(username, password).then(
          () => 'let in',
          (error: unknown) => String(error),
        ),
      ),
    );
    expect(new Set(failures)).toEqual(
      new Set(['OnhandError: There is no user with this username and password.']),
    );
  });

  test('is not possible as the service user, who has no password', async () => {
    await expect(logIn('', '')).rejects.toMatchObject({ code: 'login_failed' });
  });
});
