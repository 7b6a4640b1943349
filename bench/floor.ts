/**
 * The floor: the server with a store that does nothing. Its rate is the upper bound that HTTP and JSON
 * impose. Runs in a child process (`startFloor`).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readSettings } from '../src/settings/read.ts';
import { buildServer } from '../src/http/server.ts';
import { ChangeFeed } from '../src/changes/change-feed.ts';
import { Intake } from '../src/intake/intake.ts';
import { bodyWorkersOf, fileServiceOf, startServer, webhookOptionsOf } from '../src/server.ts';
import { version } from '../src/version.ts';
import type { Store } from '../src/store/store.ts';

export interface Floor {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startFloor(databaseUrl: string): Promise<Floor> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, BENCH_FLOOR_DATABASE: databaseUrl, ONHAND_LOG_LEVEL: 'silent' },
  });
  const url = await new Promise<string>((resolve) => {
    child.once('message', (message) => resolve(typeof message === 'string' ? message : ''));
  });
  return {
    url,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

const apply: Store['apply'] = async (group) =>
  group.map(({ lines }) => ({
    uuid: null,
    statuses: new Uint16Array(lines.count).fill(200),
    details: new Map(),
    effects: new Map(),
    zeroedCount: 0,
    repeats: null,
  }));

/** Like a real server, except that `apply` accepts every line and does nothing. */
async function serveFloor(databaseUrl: string): Promise<void> {
  const settings = readSettings({ database: databaseUrl, port: 0 });
  const real = await startServer(settings);
  const store: Store = {
    accounts: real.store.accounts,
    audit: real.store.audit,
    skus: real.store.skus,
    batches: real.store.batches,
    changes: real.store.changes,
    webhooks: real.store.webhooks,
    notifications: real.store.notifications,
    files: real.store.files,
    grouping: real.store.grouping,
    apply,
    applyCatalogue: () => Promise.reject(new Error('the floor has no catalogue')),
    sharedGtins: () => Promise.resolve([]),
    imported: () => Promise.resolve(),
    probe: () => Promise.resolve({}),
    measure: () => Promise.resolve({}),
    close: () => Promise.resolve(),
  };
  const intake = new Intake(store, settings);
  const feed = new ChangeFeed(store.changes, store.accounts);
  const webhookOptions = webhookOptionsOf(settings);
  const bodyWorkers = bodyWorkersOf(settings);
  const files = fileServiceOf({
    store,
    intake,
    settings,
    onEnded: () => Promise.resolve(),
    onFailure: () => undefined,
  });
  const parts = {
    store,
    intake,
    feed,
    files,
    bodyWorkers,
    webhookOptions,
    settings,
    version: version(),
  };
  const app = await buildServer(parts);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  process.send?.(url);
  process.once('SIGTERM', () => {
    void app
      .close()
      .then(() => real.close())
      .then(() => process.exit(0));
  });
}

const databaseUrl = process.env['BENCH_FLOOR_DATABASE'];
if (databaseUrl !== undefined) await serveFloor(databaseUrl);
