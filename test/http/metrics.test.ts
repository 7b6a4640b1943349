import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BATCH_SOURCES } from '../../src/domain/batches.ts';
import { readSettings } from '../../src/settings/read.ts';
import { METRICS } from '../../src/metrics/definitions.ts';
import { scrape, type Scrape } from '../metrics/scrapes.ts';
import { entry } from '../store/fixtures.ts';
import { problemOf, textAt } from './answers.ts';
import { FileClient } from './files/file-client.ts';
import { BULK, SINGLE, TestServer } from './harness.ts';
import { StreamClient } from './streams/stream-client.ts';

const CHANGES = '/timp/products/skus/inventory/changes/';
const TOKEN = 'a-token-of-prometheus';

let server: TestServer;
let guarded: TestServer;
let supplierToken: string;
let supplierId: number;

beforeAll(async () => {
  server = await TestServer.start({
    metricsPort: 0,
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  guarded = await TestServer.start({
    metricsToken: TOKEN,
    metricsPerSupplier: true,
    metricsPerReader: true,
  });
  const made = await server.createSupplier('Acme', [entry('a'), entry('b')]);
  supplierToken = made.token;
  supplierId = made.supplier.id;
});
afterAll(async () => {
  await server.stop();
  await guarded.stop();
});

const scraped = (): Promise<Scrape> => scrape(server.metricsUrl);

/** Waits until a series has at least a value: some are counted after the response was sent. */
async function counted(
  name: string,
  labels: Readonly<Record<string, string>>,
  value: number,
): Promise<void> {
  await expect
    .poll(async () => (await scraped()).value(name, labels) ?? 0)
    .toBeGreaterThanOrEqual(value);
}

const feedLag = async (consumer: string) =>
  (await scraped()).value('onhand_change_feed_lag_seconds', { consumer });

async function createLateSupplier(from: TestServer, name: string): Promise<void> {
  const { supplier } = await from.createSupplier(name);
  await from.store.changes.setExpectedInterval(supplier.id, 1);
}

const single = (quantity: number) =>
  server.ask('POST', SINGLE, {
    token: supplierToken,
    body: { sku_id: 'a', quantity_in_stock: quantity },
  });

const readChanges = (query: string) =>
  server.ask('GET', `${CHANGES}?${query}`, { token: supplierToken });

test('metrics are printed as OpenMetrics, all of them', async () => {
  const response = await fetch(server.metricsUrl);
  expect(response.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  );
  const text = await response.text();
  expect(text).toMatch(/\n# EOF\n$/);
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => ({
    name,
    type,
  }));
  expect(types).toEqual(
    Object.entries(METRICS).map(([name, { type }]) => ({
      name: name.replace(/_total$/, ''),
      type,
    })),
  );
});

test('lines are counted by result and source, batches by source, and a repeated request once', async () => {
  const before = await scraped();
  const headers = { 'idempotency-key': 'metrics-1' };
  const body = [
    { sku_id: 'a', quantity_in_stock: 1 },
    { sku_id: 'b', quantity_in_stock: 2 },
    { sku_id: 'unknown', quantity_in_stock: 1 },
    {},
  ];
  for (let i = 0; i < 2; i += 1) {
    await server.ask('POST', BULK, { token: supplierToken, headers, body });
  }
  const after = await scraped();
  const grown = (name: string, labels: Readonly<Record<string, string>>): number =>
    (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
  const lines = (result: string) => grown('onhand_lines_total', { result, source: 'bulk' });
  expect(['applied', 'not_found', 'unreadable', 'refused'].map(lines)).toEqual([2, 1, 1, 0]);
  expect(grown('onhand_batches_total', { source: 'bulk' })).toBe(1);
  expect(grown('onhand_commit_duration_seconds_count', {})).toBe(2);
  expect(grown('onhand_queue_wait_seconds_count', {})).toBe(2);
  expect(after.value('onhand_queue_lines')).toBe(0);
  expect(after.valuesOf('onhand_lines_total', 'source')).toEqual(BATCH_SOURCES.toSorted());
});

test('requests are counted by the template of their path, and paths that do not exist have no series', async () => {
  await server.ask('GET', '/timp/products/skus/00000000-0000-4000-8000-000000000000/', {
    token: supplierToken,
  });
  for (const path of ['/no/such/path-1', '/no/such/path-2', '/docs/errors/%00x']) {
    await server.ask('GET', path);
  }
  await server.ask('PURGE', BULK);
  const requests = 'http_server_request_duration_seconds_count';
  await counted(requests, { http_request_method: '_OTHER' }, 1);
  const found = await scraped();
  const skuRoute = '/timp/products/skus/:uuid/';
  expect(found.value(requests, { http_route: skuRoute })).toBe(1);
  const routes = found.valuesOf(requests, 'http_route');
  expect(routes.filter((route) => /path-|%00|00000000/.test(route))).toEqual([]);
  expect(routes).toContain('');
  expect(found.value('onhand_request_errors_total', { error: 'sku_not_found' })).toBe(1);
});

test('a batch that the safety limit refuses is counted by the code of its error', async () => {
  await server.store.batches.setSafetyLimit(supplierId, { percentMax: 1, skusMin: 1 });
  expect((await single(5)).status).toBe(200);
  expect((await single(0)).status).toBe(422);
  await server.store.batches.setSafetyLimit(supplierId, null);
  const found = await scraped();
  expect(found.value('onhand_batches_refused_total', { error: 'breaker_tripped' })).toBe(1);
});

test('files are counted by state and format', async () => {
  const client = new FileClient(server, supplierToken);
  await client.processed(await client.upload('sku_id,quantity_in_stock\na,7\n'));
  await counted('onhand_files_total', { state: 'done', format: 'csv' }, 1);
  expect((await scraped()).value('onhand_files_disk_free_bytes')).toBeGreaterThan(0);
});

test('a reader that has not read everything is behind since the last change that it has read', async () => {
  await single(11);
  const page = await server.ask('GET', `${CHANGES}?from=start&limit=1`, { token: supplierToken });
  expect(await feedLag('page')).toBeGreaterThan(0);
  const after = encodeURIComponent(textAt(page.json, 'cursor'));
  await server.ask('GET', `${CHANGES}?after=${after}&limit=1000`, { token: supplierToken });
  expect(await feedLag('page')).toBe(0);
});

test('a reader that is behind still counts when another reader of its organization has read everything', async () => {
  await single(13);
  const slow = await readChanges('from=start&limit=1');
  await readChanges('from=start&limit=1000');
  expect(await feedLag('page')).toBeGreaterThan(0);
  await readChanges(`after=${encodeURIComponent(textAt(slow.json, 'cursor'))}&limit=1000`);
  expect(await feedLag('page')).toBe(0);
});

test('by opt-in, the readers that are behind are shown by the name of their organization', async () => {
  const { token } = await guarded.createSupplier('Slow reader', [entry('a')]);
  for (const quantity_in_stock of [1, 2]) {
    await guarded.ask('POST', SINGLE, { token, body: { sku_id: 'a', quantity_in_stock } });
  }
  await guarded.ask('GET', `${CHANGES}?from=start&limit=1`, { token });
  const found = await scrape(`${guarded.url}/metrics`, TOKEN);
  const lag = 'onhand_change_feed_lag_seconds';
  expect(found.valuesOf(lag, 'organization')).toEqual(['Slow reader']);
  expect(found.value(lag, { consumer: 'page', organization: 'Slow reader' })).toBeGreaterThan(0);
});

test('streams and long polls are told from other requests', async () => {
  const requests = 'http_server_request_duration_seconds_count';
  const stream = await StreamClient.open(server.url, { token: supplierToken });
  await stream.send('{"sku_id":"a","quantity_in_stock":20}\n');
  stream.end();
  await stream.rest();
  await counted(requests, { http_route: BULK, onhand_stream: 'true' }, 1);
  await server.ask('GET', `${CHANGES}?from=now&wait=1`, { token: supplierToken });
  await counted(requests, { http_route: CHANGES, onhand_stream: 'true' }, 1);
});

test('a client that waits for changes shows in the budget of followers, and in the share of its organization', async () => {
  const stream = await fetch(`${server.url}${CHANGES}?from=now`, {
    headers: { authorization: `Token ${supplierToken}`, accept: 'text/event-stream' },
  });
  const found = await scraped();
  await stream.body?.cancel();
  expect(found.value('onhand_budget_used', { budget: 'followers' })).toBe(1);
  expect(found.value('onhand_budget_limit', { budget: 'followers' })).toBe(5000);
  const ratio = found.value('onhand_organization_budget_saturation_ratio', { budget: 'followers' });
  expect(ratio).toBe(1 / 2000);
});

test('attempts to deliver to webhooks are counted, and a webhook that fails is behind', async () => {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(request.url === '/ok' ? 200 : 500).end());
  });
  await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = receiver.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const path of ['ok', 'broken']) {
    const body = { url: `http://127.0.0.1:${port}/${path}` };
    await server.ask('POST', '/timp/notifications/webhooks/', { token: supplierToken, body });
  }
  await single(12);
  for (const outcome of ['failed', 'delivered']) {
    await counted('onhand_webhook_deliveries_total', { outcome }, 1);
  }
  const found = await scraped();
  const behind = found.value('onhand_change_feed_lag_seconds', { consumer: 'webhook' });
  expect(behind).toBeGreaterThan(0);
  receiver.close();
  receiver.closeAllConnections();
});

test('the threads of the store and the state of its log are measured', async () => {
  const found = await scraped();
  const threads = found.valuesOf('onhand_thread_active_seconds_total', 'thread');
  expect(found.value('onhand_store_up')).toBe(1);
  if (process.env['TEST_STORE'] === 'postgres') {
    expect(threads).toEqual(['main']);
    expect(found.value('onhand_database_connections')).toBeGreaterThan(0);
    expect(found.value('onhand_log_tail_changes')).toBeUndefined();
    return;
  }
  expect(threads).toEqual(['checkpointer', 'main', 'reader', 'scanner', 'writer']);
  await single(13);
  const before = await scraped();
  expect(before.value('onhand_log_tail_changes')).toBeGreaterThan(0);
  // The table is brought up to date while nothing else is written.
  await expect.poll(async () => (await scraped()).value('onhand_log_tail_changes')).toBe(0);
  expect((await scraped()).value('onhand_sweep_age_seconds')).toBe(0);
  expect(before.value('onhand_write_ahead_log_bytes')).toBeGreaterThan(0);
});

test('without a token, metrics are not served beside the API', async () => {
  expect((await server.ask('GET', '/metrics')).status).toBe(404);
});

test('a token guards the metrics beside the API, and there is no listener of their own without a port', async () => {
  problemOf(await guarded.ask('GET', '/metrics'), 401, 'unauthenticated');
  const wrong = { authorization: `Bearer ${TOKEN}x` };
  problemOf(await guarded.ask('GET', '/metrics', { headers: wrong }), 401, 'unauthenticated');
  const found = await scrape(`${guarded.url}/metrics`, TOKEN);
  expect(found.value('onhand_build_info')).toBe(1);
  expect(() => guarded.metricsUrl).toThrow();
});

test('late suppliers are counted, and have a series each only by opt-in', async () => {
  await createLateSupplier(server, 'Silent');
  await createLateSupplier(guarded, 'Silent & "sons"');
  await guarded.restart();
  await server.restart();
  await expect.poll(async () => (await scraped()).value('onhand_supplier_late')).toBe(1);
  expect((await scraped()).valuesOf('onhand_supplier_late', 'supplier')).toEqual(['']);
  const each = (): Promise<Scrape> => scrape(`${guarded.url}/metrics`, TOKEN);
  await expect.poll(async () => (await each()).value('onhand_supplier_late')).toBe(1);
  expect((await each()).valuesOf('onhand_supplier_late', 'supplier')).toEqual([
    'Silent & \\"sons\\"',
  ]);
});

test('the listener serves nothing but metrics, and only for reading', async () => {
  const base = new URL(server.metricsUrl).origin;
  expect((await fetch(`${base}/healthz`)).status).toBe(404);
  expect((await fetch(`${base}/metrics`, { method: 'POST' })).status).toBe(405);
  expect((await fetch(`${base}/metrics`, { method: 'HEAD' })).status).toBe(200);
});

test('a server whose port for metrics is taken does not start, and names the setting', async () => {
  const metricsPort = Number(new URL(server.metricsUrl).port);
  await expect(TestServer.start({ metricsPort })).rejects.toThrow(/ONHAND_METRICS_PORT/);
});

test.for([
  ['ONHAND_METRICS_PORT', '99999'],
  ['ONHAND_METRICS_PORT', 'on'],
  ['ONHAND_METRICS_TOKEN', 'short'],
  ['ONHAND_METRICS_TOKEN', 'with a space in its text'],
])('%s=%s is refused by its name', ([variable = '', text]) => {
  expect(() => readSettings({}, { [variable]: text })).toThrow(variable);
});
