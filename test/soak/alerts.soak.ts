/** Causes the condition of every alert on real servers, and waits until a real Prometheus fires it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Settings } from '../../src/config.ts';
import { blockWrites } from '../http/blocker.ts';
import { FileClient } from '../http/files/file-client.ts';
import { SINGLE, TestServer } from '../http/harness.ts';
import { ROOT } from '../house/sources.ts';
import { entry } from '../store/fixtures.ts';

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
const WITHIN_MS = 60_000;

/** Times are shortened, so that the test ends today. The expressions stay as they are otherwise. */
function shortened(rules: string): string {
  return (
    rules
      .replaceAll(/\[(?:5m|1h)\]/g, '[15s]')
      .replaceAll(/\n +for: \w+/g, '')
      .replaceAll(/> 900\b/g, '> 3')
      .replaceAll(/> 3600\b/g, '> 3')
      // What takes a log of 2 GB is not worth writing.
      .replaceAll(/> 2e9\b/g, '> 1e5')
  );
}

class Prometheus {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #url: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
  }

  static async start(targets: readonly string[]): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'onhand-prometheus-'));
    const rules = readFileSync(join(ROOT, 'deploy/prometheus/onhand.rules.yml'), 'utf8');
    writeFileSync(join(folder, 'rules.yml'), shortened(rules));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: [{ job_name: 'onhand', static_configs: [{ targets }] }],
    };
    // YAML contains JSON.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        '--config.file=prometheus.yml',
        '--storage.tsdb.path=data',
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { cwd: folder, stdio: 'ignore' },
    );
    const prometheus = new Prometheus(child, folder, `http://127.0.0.1:${port}`);
    await until('Prometheus is ready', () => prometheus.#isReady());
    return prometheus;
  }

  #isReady(): Promise<boolean> {
    return fetch(`${this.#url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** The names of the alerts that fire now. */
  async firing(): Promise<readonly string[]> {
    const query = encodeURIComponent('ALERTS{alertstate="firing"}');
    const response = await fetch(`${this.#url}/api/v1/query?query=${query}`);
    const text = await response.text();
    return [...text.matchAll(/"alertname":"(\w+)"/g)].map(([, name = '']) => name);
  }

  /** Waits until an alert fires. */
  async fires(name: string): Promise<void> {
    await until(`${name} fires`, async () => (await this.firing()).includes(name));
  }

  /** Waits until Prometheus has read the server once more. */
  async scraped(): Promise<void> {
    const count = async (): Promise<number> => {
      const query = 'sum(count_over_time(onhand_build_info[1h]))';
      const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(query)}`);
      return Number(/"value":\[[^,]+,"(\d+)"\]/.exec(await response.text())?.[1] ?? 0);
    };
    const before = await count();
    await until('two more scrapes of each', async () => (await count()) >= before + 4);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WITHIN_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what}`);
    await delay(300);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const SETTINGS: Partial<Settings> = {
  metricsPort: 0,
  webhooksAllowHttp: true,
  webhooksAllowPrivateNetworks: true,
  followersMax: 4,
  organizationFollowersMax: 4,
  busyTimeoutMs: 20_000,
};
let folder: string;
let fullFolder: string;
let server: TestServer;
let postgres: TestServer;
let prometheus: Prometheus;
let token: string;

beforeAll(async () => {
  if (!hasPrometheus) return;
  // A small disk of its own, so that it can be nearly full.
  folder = mkdtempSync(join(tmpdir(), 'onhand-small-disk-'));
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=700m', 'tmpfs', folder]);
  fullFolder = mkdtempSync(join(tmpdir(), 'onhand-full-disk-'));
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', fullFolder]);
  server = await TestServer.start({
    ...SETTINGS,
    filesDirectory: folder,
    backupDirectory: fullFolder,
  });
  process.env['TEST_STORE'] = 'postgres';
  postgres = await TestServer.start({ metricsPort: 0, connectionsMax: 3 });
  delete process.env['TEST_STORE'];
  ({ token } = await server.createSupplier('Acme', [entry('a'), entry('b')]));
  const hosts = [server, postgres].map(({ metricsUrl }) => new URL(metricsUrl).host);
  prometheus = await Prometheus.start(hosts);
  await prometheus.scraped();
}, 120_000);
afterAll(async () => {
  if (!hasPrometheus) return;
  await prometheus.stop();
  await server.stop();
  await postgres.stop();
  for (const mounted of [folder, fullFolder]) {
    spawnSync('umount', [mounted]);
    rmSync(mounted, { recursive: true, force: true });
  }
}, 120_000);

const caused = test.skipIf(!hasPrometheus);
const update = (quantity: number) =>
  server.ask('POST', SINGLE, { token, body: { sku_id: 'a', quantity_in_stock: quantity } });

test.runIf(!hasPrometheus)('SKIPPED: no Prometheus here; install the package prometheus', () => {
  expect(hasPrometheus).toBe(false);
});

caused('OnhandFilesFailed and OnhandFilesHeld', async () => {
  const client = new FileClient(server, token);
  await client.processed(await client.upload('these are no columns\n1\n'));
  await client.processed(await client.upload('source,sku,quantity\neast,a,60\nwest,a,2\n'));
  await prometheus.fires('OnhandFilesFailed');
  await prometheus.fires('OnhandFilesHeld');
});

caused('OnhandSafetyLimit', async () => {
  const found = await server.store.accounts.findOrganizationsById([1, 2, 3]);
  const id = found.find(({ name }) => name === 'Acme')?.id ?? 0;
  await update(5);
  await server.store.batches.setSafetyLimit(id, { percentMax: 1, skusMin: 1 });
  expect((await update(0)).status).toBe(422);
  await server.store.batches.setSafetyLimit(id, null);
  await prometheus.fires('OnhandSafetyLimit');
});

caused('OnhandBackupFailed, when the disk for backups is full', () =>
  prometheus.fires('OnhandBackupFailed'),
);

caused('OnhandDiskNearlyFull', () => prometheus.fires('OnhandDiskNearlyFull'));

caused('OnhandWebhookBehind and OnhandWebhookPaused', async () => {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(request.url === '/gone' ? 410 : 500).end());
  });
  await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = receiver.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const path of ['gone', 'broken']) {
    const body = { url: `http://127.0.0.1:${port}/${path}` };
    await server.ask('POST', '/timp/notifications/webhooks/', { token, body });
  }
  await update(6);
  await prometheus.fires('OnhandWebhookPaused');
  await prometheus.fires('OnhandWebhookBehind');
  receiver.close();
  receiver.closeAllConnections();
});

caused('OnhandReaderBehind', async () => {
  await update(7);
  const path = '/timp/products/skus/inventory/changes/?from=start&limit=1';
  expect((await server.ask('GET', path, { token })).status).toBe(200);
  await prometheus.fires('OnhandReaderBehind');
});

caused('OnhandBudgetNearlyUsed and OnhandOrganizationAtLimit', async () => {
  const gone = new AbortController();
  const follow = () =>
    fetch(`${server.url}/timp/products/skus/inventory/changes/?from=now`, {
      headers: { authorization: `Token ${token}`, accept: 'text/event-stream' },
      signal: gone.signal,
    });
  for (let i = 0; i < 4; i += 1) expect((await follow()).status).toBe(200);
  await prometheus.fires('OnhandBudgetNearlyUsed');
  await prometheus.fires('OnhandOrganizationAtLimit');
  gone.abort();
});

caused('OnhandWriteAheadLogLarge, when the log is not copied', () =>
  prometheus.fires('OnhandWriteAheadLogLarge'),
);

caused(
  'OnhandSlow, OnhandCommitSlow, OnhandWriterBusy and OnhandSweepStuck, when another process keeps the database locked',
  async () => {
    await update(8);
    const blocker = await blockWrites(server.database);
    const slow = update(9);
    await prometheus.fires('OnhandSweepStuck');
    await prometheus.fires('OnhandWriterBusy');
    await delay(6000);
    await blocker.release();
    await slow;
    await prometheus.fires('OnhandCommitSlow');
    await prometheus.fires('OnhandSlow');
  },
);

caused('OnhandStoreDown and OnhandErrors, when the database stays locked', async () => {
  const blocker = await blockWrites(server.database);
  const writing = [update(10), update(11)];
  await prometheus.fires('OnhandStoreDown');
  for (const answer of await Promise.all(writing)) expect(answer.status).toBe(503);
  await blocker.release();
  await prometheus.fires('OnhandErrors');
});

caused('OnhandConnectionsExhausted, when PostgreSQL is locked', async () => {
  const blocker = await blockWrites(postgres.database);
  const probes = Array.from({ length: 5 }, () => postgres.store.probe().catch(() => undefined));
  await prometheus.fires('OnhandConnectionsExhausted');
  await blocker.release();
  await Promise.all(probes);
});

const isLoopSlow = async () => (await prometheus.firing()).includes('OnhandEventLoopSlow');

caused('OnhandEventLoopSlow', async () => {
  const deadline = performance.now() + WITHIN_MS;
  // The server runs in this thread.
  while (!(await isLoopSlow()) && performance.now() < deadline) {
    const until = performance.now() + 900;
    while (performance.now() < until) Math.sqrt(until);
    await delay(300);
  }
  expect(await isLoopSlow()).toBe(true);
});

caused(
  'OnhandSupplierLate',
  async () => {
    const { supplier } = await postgres.createSupplier('Silent');
    await postgres.store.changes.setExpectedInterval(supplier.id, 1);
    // Suppliers are checked at the start, and then once a minute.
    await prometheus.fires('OnhandSupplierLate');
  },
  120_000,
);

caused('OnhandDown', async () => {
  await postgres.stop();
  await prometheus.fires('OnhandDown');
});
