import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { BULK, TestServer, type Answer } from '../http/harness.ts';
import { problemOf } from '../http/answers.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';
import { ServerProcess } from './server-process.ts';

const REQUESTS = 200;
const LINES_OF_REQUEST = 100;
/** A tenth of what is sent. */
const WAITING_LINES_MAX = (REQUESTS * LINES_OF_REQUEST) / 10;
const GROUP_LINES_MAX = 500;
/** Two groups may be written besides those that wait, and one request may exceed either limit. */
const ACCEPTED_MAX = (WAITING_LINES_MAX + 2 * GROUP_LINES_MAX) / LINES_OF_REQUEST + 1;

describe('ten times the load that a server accepts', () => {
  let server: TestServer;
  let token: string;

  beforeEach(async () => {
    server = await TestServer.start({
      waitingLinesMax: WAITING_LINES_MAX,
      groupLinesMax: GROUP_LINES_MAX,
      busyTimeoutMs: 60_000,
    });
    ({ token } = await server.createSupplier(
      'Acme',
      Array.from({ length: REQUESTS }, (_, i) => entry(`sku-${i}`)),
    ));
  });
  afterEach(() => server.stop());

  /** Each request writes a SKU of its own, again and again; what counts is what it wrote last. */
  const send = (i: number): Promise<Answer> =>
    server.ask('POST', BULK, {
      token,
      body: Array.from({ length: LINES_OF_REQUEST }, (_, line) => {
        return { sku_id: `sku-${i}`, quantity_in_stock: line + 1 };
      }),
    });

  test('is refused with 503 at once, and every accepted request is applied and kept', async () => {
    const blocker = new Database(server.database.url.replace(/^sqlite:/, ''));
    blocker.exec('BEGIN IMMEDIATE');
    const refused = new Map<number, Answer>();
    let answeredOtherwise = 0;
    const sent = Array.from({ length: REQUESTS }, async (_, i) => {
      const answer = await send(i);
      if (answer.status === 503) refused.set(i, answer);
      else answeredOtherwise += 1;
      return answer;
    });
    // Nothing can be written now, so no refusal waited for a write.
    await expect
      .poll(() => refused.size, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(REQUESTS - ACCEPTED_MAX);
    expect(answeredOtherwise).toBe(0);
    for (const answer of refused.values()) {
      problemOf(answer, 503, 'overloaded');
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/);
    }
    blocker.exec('ROLLBACK');
    blocker.close();

    const answers = await Promise.all(sent);
    const accepted = answers.flatMap(({ status }, i) => (status === 503 ? [] : [i]));
    expect(accepted.length).toBeGreaterThanOrEqual(WAITING_LINES_MAX / LINES_OF_REQUEST);
    for (const i of accepted) expect(answers[i]?.status).toBe(200);
    expect(await stockOf(server)).toEqual(
      Array.from({ length: REQUESTS }, (_, i) => (accepted.includes(i) ? LINES_OF_REQUEST : null)),
    );
    expect(await problemsOf(server.database)).toEqual([]);
  });

  test('leaves a server that accepts everything again', async () => {
    await Promise.all(Array.from({ length: REQUESTS }, (_, i) => send(i)));
    for (let i = 0; i < REQUESTS; i += 20) expect((await send(i)).status).toBe(200);
  });
});

async function stockOf(server: TestServer): Promise<readonly (number | null)[]> {
  const { skus } = await server.store.skus.list({
    supplierIds: [1],
    filter: {},
    from: { start: 0 },
    limit: 500,
  });
  return skus.map((sku) => sku.inventory.quantityInStock);
}

describe('memory', () => {
  const MIB = 1024 * 1024;
  const LARGE_LINES = 20_000;
  const CLIENTS = 60;
  /** By measurement 250; without the limit 1,100. */
  const GROWTH_MAX_MIB = 500;

  let database: TestDatabase;
  let server: ServerProcess;
  let token: string;

  beforeEach(async () => {
    database = await sqliteDatabase();
    token = newToken();
    const store = await openTestStore(database);
    const supplierId = await createSupplier(store, 'Acme');
    await importSkus(store, supplierId, [entry('A')]);
    const user = await store.accounts.findServiceUser(supplierId);
    await store.accounts.createToken({
      userId: user.id,
      tokenHash: hashToken(token),
      permissions: ['edit_items'],
      expiresAtMs: null,
    });
    await store.close();
    server = await ServerProcess.start(database, {
      ONHAND_OPEN_BYTES_MAX: String(8 * MIB),
      ONHAND_REQUEST_BYTES_MAX: String(8 * MIB),
      ONHAND_CACHE_BYTES_MAX: String(16 * MIB),
    });
  });
  afterEach(async () => {
    await server.stop();
    await database.remove();
  });

  test('is bounded while many clients send large bodies again and again', async () => {
    // Lines that cannot be read: short to send, long to answer.
    const body = `[${'{"b":0},'.repeat(LARGE_LINES - 1)}{"sku_id":"A","quantity_in_stock":1}]`;
    const send = async (): Promise<number> => {
      const response = await fetch(`${server.url}${BULK}`, {
        method: 'POST',
        headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
        body,
      });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await send()).toBe(200);
    const before = server.residentMib();
    const statuses = await Promise.all(
      Array.from({ length: CLIENTS }, async () => [await send(), await send()]),
    );
    expect(new Set(statuses.flat())).toEqual(new Set([200, 503]));
    expect(server.residentMib() - before).toBeLessThan(GROWTH_MAX_MIB);
  });
});
