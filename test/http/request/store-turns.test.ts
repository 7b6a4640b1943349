import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StoreTurns } from '../../../src/http/request/store-turns.ts';
import { entry } from '../../store/fixtures.ts';
import { BULK, SINGLE, SKUS, TestServer, type Answer } from '../harness.ts';

const BATCHES = '/timp/products/skus/inventory/batches/';
const MAPPING = '/timp/organizations/files/mapping/';
const SKUS_COUNT = 3000;
/** So many that they still wait when another organization's request arrives. */
const READS = 80;
const WRITES = 10;
/** Event loop turns in which the server reads what was sent. */
const TURNS = 50;

let server: TestServer;
let blocker: Database.Database;
let busy: string;
let other: string;
let batch: string;

beforeAll(async () => {
  server = await TestServer.start({ busyTimeoutMs: 60_000 });
  const skuIds = Array.from({ length: SKUS_COUNT }, (_, i) => `sku-${i}`);
  const made = await server.createSupplier(
    'Busy',
    skuIds.map((skuId) => entry(skuId)),
  );
  busy = made.token;
  other = (await server.createSupplier('Other', [entry('A')])).token;
  const body = skuIds.map((skuId) => ({ sku_id: skuId, quantity_in_stock: 1 }));
  const applied = await server.ask('POST', `${BULK}?errors_only=true`, { token: busy, body });
  batch = applied.headers.get('batch-id') ?? '';
  blocker = new Database(server.database.url.replace(/^sqlite:/, ''));
});
afterAll(async () => {
  blocker.close();
  await server.stop();
});

/** Records the name of each request when it is answered. */
async function recorded(names: string[], name: string, answer: Promise<Answer>): Promise<number> {
  const { status } = await answer;
  names.push(name);
  return status;
}

async function serverHasRead(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await server.ask('GET', '/healthz');
}

describe('many of these of one organization delay a request of another by a few of them:', () => {
  const reads: Readonly<Record<string, string>> = {
    'lists that count': `${SKUS}?limit=1&quantity_in_stock_min=1`,
    'reports on freshness': '/timp/suppliers/freshness/',
  };
  test.for(Object.entries(reads))('%s', async ([, path]) => {
    const answered: string[] = [];
    const attack = Array.from({ length: READS }, () =>
      recorded(answered, 'busy', server.ask('GET', path, { token: busy })),
    );
    await expect.poll(() => answered.length, { interval: 1 }).toBeGreaterThan(0);
    await recorded(answered, 'other', server.ask('GET', `${SKUS}?limit=5`, { token: other }));
    expect(new Set(await Promise.all(attack))).toEqual(new Set([200]));
    expect(answered.indexOf('other')).toBeLessThan(READS * 0.8);
  });

  const writes: Readonly<Record<string, (i: number) => Promise<Answer>>> = {
    'trial reverts of a large batch': () =>
      server.ask('POST', `${BATCHES}${batch}/revert/?dry_run=true`, { token: busy }),
    'new SKUs': (i) => server.ask('POST', SKUS, { token: busy, body: { sku_id: `new-${i}` } }),
    'column names': () =>
      server.ask('PUT', MAPPING, { token: busy, body: { columns: { x: 'sku_id' } } }),
  };
  test.for(Object.entries(writes))('%s', async ([, write]) => {
    const answered: string[] = [];
    blocker.exec('BEGIN IMMEDIATE');
    const attack = Array.from({ length: WRITES }, (_, i) => recorded(answered, 'busy', write(i)));
    await serverHasRead();
    const body = { sku_id: 'A', quantity_in_stock: 5 };
    const update = server.ask('POST', SINGLE, { token: other, body });
    const updated = recorded(answered, 'other', update);
    await serverHasRead();
    blocker.exec('COMMIT');
    expect(await updated).toBe(200);
    await Promise.all(attack);
    expect(answered.indexOf('other')).toBeLessThan(4);
  });
});

test('reads do not wait for writes that wait for the lock', async () => {
  const { accounts, skus } = server.store;
  const [organization] = await accounts.listOrganizations();
  blocker.exec('BEGIN IMMEDIATE');
  const write = accounts.createConnection(organization?.id ?? 0, organization?.id ?? 0);
  write.catch(() => undefined);
  const query = { supplierIds: [organization?.id ?? 0], filter: {}, from: { start: 0 }, limit: 1 };
  const page = await skus.list(query);
  blocker.exec('COMMIT');
  await write.catch(() => undefined);
  expect(page.skus).toHaveLength(1);
});

test('reads that may take seconds run one at a time, and leave a turn to others', async () => {
  const turns = new StoreTurns({ isShared: true, groupsMax: 2 });
  const first = Promise.withResolvers<string>();
  const begun: string[] = [];
  const scans = ['first', 'second'].map((name) =>
    turns.scan(1, () => {
      begun.push(name);
      return first.promise;
    }),
  );
  expect(await turns.read(1, () => Promise.resolve('read'))).toBe('read');
  expect(begun).toEqual(['first']);
  first.resolve('scanned');
  expect(await Promise.all(scans)).toEqual(['scanned', 'scanned']);
});

test('exports in an order that no index has read one page at a time, as lists do', async () => {
  const { skus } = server.store;
  const original = skus.page.bind(skus);
  let running = 0;
  let mostAtOnce = 0;
  // Watches the store's own pages.
  skus.page = (query) => {
    running += 1;
    mostAtOnce = Math.max(mostAtOnce, running);
    return original(query).finally(() => (running -= 1));
  };
  const path = '/timp/products/skus/export.csv?sort=quantity_in_stock';
  const exports = Array.from({ length: 4 }, () => server.ask('GET', path, { token: busy }));
  const statuses = (await Promise.all(exports)).map(({ status }) => status);
  skus.page = original;
  expect(statuses).toEqual([200, 200, 200, 200]);
  expect(mostAtOnce).toBe(1);
});
