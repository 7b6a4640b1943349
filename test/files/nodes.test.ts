import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { ConnectionPool } from '../../src/store/postgres/connection/pool.ts';
import { at, textAt } from '../http/answers.ts';
import { postgresDatabase } from '../store/postgres/database.ts';
import { entry, importSkus, testSettings, type TestDatabase } from '../store/fixtures.ts';

const FILES = '/timp/organizations/files/';
const ROWS = 30_000;

test('nodes that share a folder resume each other’s files and report all of them', async () => {
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

test('the file of a stopped node waits for it, reports that, and can be canceled on another node', async () => {
  const database = await postgresDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'onhand-nodes-'));
  const start = (name: string): Promise<RunningServer> =>
    startServer(testSettings(database, { filesDirectory: join(folder, name) }));
  const first = await start('first');
  const second = await start('second');
  try {
    const token = await prepare(first);
    const body = `sku_id,qty\n${Array.from({ length: 10 * ROWS }, (_, i) => `A-1,${i}\n`).join('')}`;
    const sent = await ask(first.url, 'upload/?locations=last', token, { method: 'POST', body });
    const uuid = textAt(sent, 'uuid');
    const fileAt = (url: string, path = ''): Promise<unknown> => ask(url, `${uuid}/${path}`, token);
    await expect.poll(async () => at(await fileAt(first.url), 'rows')).toBeGreaterThan(0);
    expect(await fileAt(second.url)).toMatchObject({ state: 'reading', problem: null });
    await first.close();
    expect(await fileAt(second.url)).toMatchObject({
      state: 'reading',
      problem: { code: 'store_unavailable' },
    });
    // As if the last piece had been applied and the node killed before it noted that.
    await forgetLastPiece(database);
    await ask(second.url, `${uuid}/cancel/`, token, { method: 'POST' });
    const over = await fileAt(second.url, '?wait=30');
    expect(over).toMatchObject({ state: 'canceled', problem: null });
    const { batches } = await second.store.batches.list(1, { start: 0, limit: 500 });
    const applied = batches.filter(({ source }) => source === 'file');
    expect(at(over, 'batches')).toEqual(applied.map((batch) => batch.uuid).toReversed());
    expect(at(over, 'rows')).toBe(applied.reduce((sum, { lineCount }) => sum + lineCount, 0));
    expect(await fileAt(second.url, 'results.csv')).toMatchObject({ status: 503 });
    const next = await ask(second.url, 'upload/', token, {
      method: 'POST',
      body: 'sku,qty\nA-1,3',
    });
    const last = await ask(second.url, `${textAt(next, 'uuid')}/?wait=30`, token);
    expect(last).toMatchObject({ state: 'done' });
  } finally {
    await first.close();
    await second.close();
    await database.remove();
    await rm(folder, { recursive: true });
  }
});

async function forgetLastPiece({ url }: TestDatabase): Promise<void> {
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    await pool.query(`WITH forgotten AS (DELETE FROM feed_pieces
        WHERE piece = (SELECT max(piece) FROM feed_pieces) RETURNING row_count)
      UPDATE feeds SET row_count = feeds.row_count - forgotten.row_count,
        status_counts = jsonb_build_object('200', feeds.row_count - forgotten.row_count)::text
      FROM forgotten`);
  } finally {
    await pool.close();
  }
}

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
