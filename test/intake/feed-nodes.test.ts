import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { startServer, type RunningServer } from '../../src/main.ts';
import { at, textAt } from '../http/answers.ts';
import { postgresDatabase } from '../store/postgres-database.ts';
import { entry, importSkus, testSettings } from '../store/fixtures.ts';

const FILES = '/timp/organizations/files/';
const ROWS = 30_000;

test('nodes that share a folder go on with what another took, and each tells of all', async () => {
  const database = await postgresDatabase();
  const filesDirectory = await mkdtemp(join(tmpdir(), 'onhand-nodes-'));
  const start = (): Promise<RunningServer> =>
    startServer(testSettings(database, { filesDirectory }));
  const first = await start();
  const second = await start();
  try {
    const token = await prepare(first);
    const uuids: string[] = [];
    for (const quantity of [1, 2, 3]) {
      const body = `sku_id,qty\n${`A-1,${quantity}\n`.repeat(ROWS)}`;
      const answer = await ask(first.url, 'upload/', token, { method: 'POST', body });
      uuids.push(textAt(answer, 'uuid'));
    }
    await first.close();
    for (const uuid of uuids) {
      const file = await ask(second.url, `${uuid}/?wait=30`, token);
      expect(file).toMatchObject({ state: 'done', status_counts: { '200': ROWS } });
    }
    const files = at(await ask(second.url, '', token), 'files');
    const ends = Array.isArray(files) ? files.map((file: unknown) => textAt(file, 'finished')) : [];
    expect(ends).toEqual(ends.toSorted().toReversed());
    const { skus } = await second.store.skus.list({
      supplierIds: [1],
      filter: {},
      from: { start: 0 },
      limit: 1,
    });
    expect(skus[0]?.inventory.quantityInStock).toBe(3);
  } finally {
    await first.close();
    await second.close();
    await database.remove();
    await rm(filesDirectory, { recursive: true });
  }
});

async function prepare({ store }: RunningServer): Promise<string> {
  const { id } = await store.accounts.createOrganization({ type: 'supplier', name: 'Acme' });
  await importSkus(store, id, [entry('A-1')]);
  const user = await store.accounts.findServiceUser(id);
  const token = newToken();
  await store.accounts.createToken({
    userId: user.id,
    tokenHash: hashToken(token),
    permissions: ['view_items', 'edit_items'],
    expiresAtMs: null,
  });
  return token;
}

async function ask(
  url: string,
  path: string,
  token: string,
  request: RequestInit = {},
): Promise<unknown> {
  const headers = { authorization: `Token ${token}` };
  return (await fetch(url + FILES + path, { ...request, headers })).json();
}
