import { expect, test } from 'vitest';
import { hashToken, newToken } from '../../../src/accounts/credentials.ts';
import { startServer } from '../../../src/server.ts';
import { createSupplier, sqliteDatabase, testSettings } from '../../store/fixtures.ts';
import { reusedPostgresDatabase } from '../../store/postgres/database.ts';
import { textAt } from '../answers.ts';
import { SKUS } from '../harness.ts';

test('with a read database that is no standby, the primary answers, and responses name positions', async () => {
  const database = await reusedPostgresDatabase();
  const server = await startServer(testSettings(database, { readDatabase: database.url }));
  const { accounts } = server.store;
  const { id: userId } = await accounts.findServiceUser(await createSupplier(server.store, 'Acme'));
  const token = newToken();
  const permissions = ['view_items', 'edit_items'] as const;
  await accounts.createToken({
    userId,
    tokenHash: hashToken(token),
    permissions,
    expiresAtMs: null,
  });
  const ask = (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
    fetch(server.url + path, { ...init, headers: { authorization: `Token ${token}`, ...headers } });

  const listed = await ask(SKUS, {});
  const before = listed.headers.get('onhand-position') ?? '';
  expect([listed.status, before]).toEqual([200, expect.stringMatching(/^[0-9a-f]{16}$/)]);
  const body = JSON.stringify({ sku_id: 'A', title: 'Jug' });
  const json = { 'content-type': 'application/json', 'onhand-position': before };
  const created = await ask(SKUS, json, { method: 'POST', body });
  const after = created.headers.get('onhand-position') ?? '';
  expect([created.status, after > before]).toEqual([201, true]);
  expect((await ask(SKUS, { 'onhand-position': after })).headers.get('onhand-position')).toBe(
    after,
  );
  const ahead = await ask(SKUS, { 'onhand-position': 'f'.repeat(16) });
  expect(ahead.headers.get('onhand-position')).toMatch(/^0/);
  const refused = await ask(SKUS, { 'onhand-position': '0/3A1F0C8' });
  expect(refused.status).toBe(400);
  expect(textAt(await refused.json(), 'detail')).toMatch(/^The header Onhand-Position must be/);
  expect((await fetch(`${server.url}/readyz`)).headers.get('onhand-position')).toBeNull();
  expect((await server.store.measure()).standby).toEqual({
    isUp: false,
    behindMs: undefined,
    reads: { standby: 0, primary: 4 },
  });
  await server.close();
  await database.remove();
});

test('a read database beside SQLite is refused at the start', async () => {
  const database = await sqliteDatabase();
  const settings = testSettings(database, { readDatabase: 'postgres://127.0.0.1/onhand' });
  await expect(startServer(settings)).rejects.toThrow('ONHAND_DATABASE is SQLite: unset it.');
  await database.remove();
});
