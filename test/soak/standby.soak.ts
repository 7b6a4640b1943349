import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { startServer, type RunningServer } from '../../src/server.ts';
import { PostgresProcess } from '../durability/postgres-process.ts';
import { at, textAt } from '../http/answers.ts';
import { createSupplier, entry, importSkus, testSettings } from '../store/fixtures.ts';
import { replicableOptions } from './failover.ts';

const WRITES = 200;
/** Between at once and longer than a read waits. */
const DELAYS_MS = [0, 20, 60, 200];
const LIST = '/timp/products/skus/';
const found = replicableOptions();
const options = found && { ...found, isDurable: false };

describe.runIf(options !== undefined)('a node whose reads a standby may answer', () => {
  let primary: PostgresProcess;
  let standby: PostgresProcess;
  let server: RunningServer;
  let token: string;
  let stock = 0;

  beforeAll(async () => {
    primary = await PostgresProcess.start(options);
    standby = await PostgresProcess.standbyOf(primary, options ?? {});
    const database = { url: primary.url('postgres'), remove: () => Promise.resolve() };
    const settings = testSettings(database, { readDatabase: standby.url('postgres') });
    server = await startServer(settings);
    const { store } = server;
    const supplierId = await createSupplier(store, 'Acme');
    await importSkus(store, supplierId, [entry('A', { inventory: { quantityInStock: 0 } })]);
    const { id: userId } = await store.accounts.findServiceUser(supplierId);
    token = newToken();
    await store.accounts.createToken({
      userId,
      tokenHash: hashToken(token),
      permissions: ['view_items', 'edit_items'],
      expiresAtMs: null,
    });
  }, 300_000);
  afterAll(async () => {
    await server.close();
    await standby.remove();
    await primary.remove();
  });

  async function ask(path: string, position?: string, body?: unknown) {
    const response = await fetch(server.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Token ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(position !== undefined && { 'onhand-position': position }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const json: unknown = await response.json();
    expect(response.status, JSON.stringify(json)).toBe(200);
    return { json, position: response.headers.get('onhand-position') ?? '' };
  }

  /** Changes the stock. Returns the position after it. */
  async function write(): Promise<string> {
    stock += 1;
    const body = { sku_id: 'A', quantity_in_stock: stock };
    return (await ask('/timp/products/skus/inventory/', undefined, body)).position;
  }

  async function stockShown(position?: string): Promise<unknown> {
    return at((await ask(LIST, position)).json, 'skus', 0, 'quantity_in_stock');
  }

  async function onStandby(sql: string): Promise<void> {
    const client = new Client(standby.url('postgres'));
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  async function measures() {
    const { standby: measured } = await server.store.measure();
    if (measured === undefined) throw new Error('the store has no standby');
    return measured;
  }

  test(`shows each of ${WRITES} writes at once, whatever the delay of the standby, and uses it`, async () => {
    await expect.poll(async () => (await measures()).isUp, { timeout: 10_000 }).toBe(true);
    for (let i = 0; i < WRITES; i += 1) {
      if (i % (WRITES / DELAYS_MS.length) === 0) {
        const delayMs = DELAYS_MS[i / (WRITES / DELAYS_MS.length)];
        await onStandby(`ALTER SYSTEM SET recovery_min_apply_delay = ${delayMs}`);
        await onStandby('SELECT pg_reload_conf()');
      }
      const position = await write();
      expect(await stockShown(i % 2 === 0 ? position : undefined)).toBe(stock);
      const uuid = textAt((await ask(LIST)).json, 'skus', 0, 'uuid');
      const history = await ask(`/timp/products/skus/${uuid}/history/?limit=1`, position);
      expect(at(history.json, 'history', 0, 'after', 'quantity_in_stock')).toBe(stock);
    }
    const { reads } = await measures();
    process.stderr.write(`reads by server: ${JSON.stringify(reads)}\n`);
    expect(reads.standby).toBeGreaterThan(WRITES);
    expect(reads.primary).toBeGreaterThan(0);
    await onStandby('ALTER SYSTEM RESET recovery_min_apply_delay');
    await onStandby('SELECT pg_reload_conf()');
  });

  test('answers from the standby what had been written at the position that the client names, and never less', async () => {
    const before = await write();
    const shownBefore = stock;
    await expect.poll(async () => (await measures()).behindMs, { timeout: 10_000 }).toBe(0);
    await onStandby('SELECT pg_wal_replay_pause()');
    const after = await write();
    expect(after > before).toBe(true);
    expect(await stockShown(before)).toBe(shownBefore);
    expect(await stockShown(after)).toBe(stock);
    expect(await stockShown()).toBe(stock);
    expect((await measures()).behindMs).toBeGreaterThan(0);
    await onStandby('SELECT pg_wal_replay_resume()');
    await expect.poll(async () => (await measures()).behindMs, { timeout: 10_000 }).toBe(0);
  });

  test('gives the readers of changes every change once, while the standby stops and goes on', async () => {
    const path = '/timp/products/skus/inventory/changes/';
    let cursor = textAt((await ask(`${path}?from=now`)).json, 'cursor');
    const first = stock + 1;
    const seen: unknown[] = [];
    for (let i = 0; i < 60; i += 1) {
      if (i % 20 === 5) await onStandby('SELECT pg_wal_replay_pause()');
      if (i % 20 === 15) await onStandby('SELECT pg_wal_replay_resume()');
      await write();
      const { json } = await ask(`${path}?after=${cursor}`);
      cursor = textAt(json, 'cursor');
      const records = at(json, 'records');
      if (!Array.isArray(records)) throw new Error('no records');
      for (const record of records) seen.push(at(record, 'after', 'quantity_in_stock'));
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => first + i));
  });

  test('reads from the primary while the standby is away, and from the standby when it is back', async () => {
    await standby.kill();
    await write();
    expect(await stockShown()).toBe(stock);
    expect((await measures()).isUp).toBe(false);
    await standby.restart();
    await expect.poll(async () => (await measures()).isUp, { timeout: 20_000 }).toBe(true);
    const { reads } = await measures();
    await expect
      .poll(
        async () => {
          expect(await stockShown()).toBe(stock);
          return (await measures()).reads.standby;
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(reads.standby);
  });

  test('reads from the primary when the standby was promoted, which has changes of its own from then on', async () => {
    await standby.promote();
    await onStandby('UPDATE inventory SET quantity_in_stock = 0');
    await write();
    expect(await stockShown()).toBe(stock);
    expect((await measures()).isUp).toBe(false);
  });
});
