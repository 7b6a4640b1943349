import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { SocketHolder } from '../cli/socket-holder.ts';
import { BULK } from '../http/harness.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  sqliteDatabase,
  type TestDatabase,
} from '../store/fixtures.ts';

const CLIENTS = 16;
const RESTARTS = Number(process.env['SOAK_RESTARTS'] ?? 10);
/** How many requests each server answers before it is stopped. */
const REQUESTS_BETWEEN = 500;

let database: TestDatabase;
let holder: SocketHolder;
const token = newToken();

beforeAll(async () => {
  database = await sqliteDatabase();
  const store = await openTestStore(database);
  const supplierId = await createSupplier(store, 'Acme');
  const { id: userId } = await store.accounts.findServiceUser(supplierId);
  const tokenHash = hashToken(token);
  const permissions = ['edit_items', 'view_items'] as const;
  await store.accounts.createToken({ userId, tokenHash, permissions, expiresAtMs: null });
  await importSkus(
    store,
    supplierId,
    Array.from({ length: CLIENTS }, (_, i) => entry(`S${i}`)),
  );
  await store.close();
  holder = await SocketHolder.listen(database.url);
});
afterAll(async () => {
  holder.close();
  await database.remove();
});

test(`no request fails while ${CLIENTS} clients with keep-alive connections update stock and the server restarts ${RESTARTS} times`, async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const failures: string[] = [];
  const latenciesMs: number[] = [];
  const stopping = new AbortController();

  const update = (sku: string, quantity: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request(
        holder.url + BULK,
        {
          method: 'POST',
          agent,
          headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
        },
        (response) => {
          text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
        },
      );
      sent.on('error', reject);
      sent.end(JSON.stringify([{ sku_id: sku, quantity_in_stock: quantity }]));
    });
  const client = async (sku: string): Promise<void> => {
    for (let quantity = 1; !stopping.signal.aborted; quantity += 1) {
      const startedMs = performance.now();
      const outcome = await update(sku, quantity).catch((error: unknown) => String(error));
      latenciesMs.push(performance.now() - startedMs);
      if (!/^200 .*"status_code":\s*200/s.test(outcome)) failures.push(outcome);
    }
  };

  const answered = async (): Promise<void> => {
    const enough = latenciesMs.length + REQUESTS_BETWEEN;
    await expect
      .poll(() => latenciesMs.length, { timeout: 120_000 })
      .toBeGreaterThanOrEqual(enough);
  };

  holder.start();
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(`S${i}`));
  for (let i = 0; i < RESTARTS; i += 1) {
    await answered();
    expect(await holder.stop()).toBe(0);
    holder.start();
  }
  await answered();
  stopping.abort();
  await Promise.all(clients);
  agent.destroy();
  await holder.stop();
  latenciesMs.sort((one, other) => one - other);
  const longestMs = Math.round(latenciesMs.at(-1) ?? 0);
  process.stdout.write(
    `${latenciesMs.length} requests, ${failures.length} failed, the longest took ${longestMs} ms\n`,
  );
  expect(failures).toEqual([]);
  expect(await problemsOf(database)).toEqual([]);
});
