import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { copyDatabases } from '../../src/databases.ts';
import { ConnectionPool, read } from '../../src/store/postgres/connection/pool.ts';
import { distribute, pendingDistribution } from '../../src/store/postgres/schema/distribution.ts';
import { CitusCluster, hasCitus } from '../durability/citus-cluster.ts';
import {
  expectCounted,
  newRequest,
  prepareCountingTarget,
  sendKeyed,
  type CountingTarget,
} from '../durability/keyed-kill.ts';
import type { PostgresProcess } from '../durability/postgres-process.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { sectionOf, tableRowsOf } from '../house/markdown.ts';
import { ROOT } from '../house/sources.ts';
import { textAt } from '../http/answers.ts';
import { Random } from '../random.ts';
import type { Store } from '../../src/store/store.ts';
import { describeContract } from '../store/contract/contract.ts';
import {
  createSupplier,
  openTestStore,
  problemsOf,
  testSettings,
  type TestDatabase,
} from '../store/fixtures.ts';
import { describeFollowers } from '../store/followers.ts';
import { CitusDatabases, distributedDatabase } from '../store/postgres/citus-database.ts';
import { emptyPostgresDatabase } from '../store/postgres/database.ts';
import { OPERATIONS, Target } from '../store/postgres/operations.ts';
import { fillSupplier, readPostgresChanges } from '../store/postgres/rows.ts';
import { simulate } from '../store/simulation.ts';

const SEEDS = 40;
const KILLS = 6;
const SUPPLIERS = 6;
const CLIENTS = 4;
const REQUESTS_OF_CLIENT = 8;
const RETRY_EVERY_MS = 50;

const databases = new CitusDatabases();
const create = () => databases.create();
afterAll(() => databases.remove());

describe.runIf(hasCitus())('a database distributed by Citus', () => {
  describeContract('Citus', create);
  describeFollowers('Citus', create, 3);

  test(`has the same results as the model, for ${SEEDS} seeds of random batches`, async () => {
    const database = await create();
    const store = await openTestStore(database);
    for (let seed = 1; seed <= SEEDS; seed += 1)
      await simulate(store, seed, (supplierId) => readPostgresChanges(database, supplierId));
    await store.close();
    expect(await problemsOf(database)).toEqual([]);
    await database.remove();
  });

  test('can be distributed again, which distributes what is not', async () => {
    const database = await create();
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    expect(await distribute(pool)).toEqual([]);
    await pool.query(`SELECT undistribute_table('hour_counts')`);
    expect(await pendingDistribution(pool)).toEqual([
      `SELECT create_distributed_table('hour_counts', 'supplier_id', colocate_with => 'suppliers')`,
    ]);
    await distribute(pool);
    expect(await distribute(pool)).toEqual([]);
    await pool.close();
    await database.remove();
  });

  test('is copied from one PostgreSQL and back, row by row', async () => {
    const [from, distributed, back] = [
      await emptyPostgresDatabase(),
      await create(),
      await emptyPostgresDatabase(),
    ];
    const store = await openTestStore(from);
    for (let seed = 1; seed <= 3; seed += 1)
      await simulate(store, seed, (supplierId) => readPostgresChanges(from, supplierId));
    await store.close();
    const there = await copy(from, distributed);
    expect(await problemsOf(distributed)).toEqual([]);
    expect(await copy(distributed, back)).toEqual(there);
    expect(await problemsOf(back)).toEqual([]);
    for (const database of [from, distributed, back]) await database.remove();
  });

  describe('asks one worker', () => {
    let database: TestDatabase;
    let target: Target;
    let supplierIds: number[];

    beforeAll(async () => {
      database = await create();
      const store = await openTestStore(database);
      supplierIds = [];
      for (let i = 0; i < SUPPLIERS; i += 1)
        supplierIds.push(await createSupplier(store, `Supplier ${i}`));
      for (const id of supplierIds) await fillSupplier(database, id, 200);
      await store.close();
      const strict = await openTestStore(refusingSeveralWorkers(database));
      target = await Target.of(strict, supplierIds[2] ?? 0);
    }, 600_000);
    afterAll(async () => {
      await target.store.close();
      await database.remove();
    });

    test.for(Object.keys(OPERATIONS))('in each statement of %s', async (name) => {
      await OPERATIONS[name]?.(target);
    });

    test.for(Object.keys(FAN_OUTS))('but for %s', async (name) => {
      await expect(FAN_OUTS[name]?.(target.store, supplierIds)).rejects.toThrow(
        'multi-task query about to be executed',
      );
    });

    test('and docs/scaling.md says why each of those asks all', () => {
      const page = readFileSync(join(ROOT, 'docs', 'scaling.md'), 'utf8');
      const rows = tableRowsOf(sectionOf(page, 'What asks every worker'));
      expect(rows.map(([name]) => name)).toEqual(Object.keys(FAN_OUTS));
    });
  });
});

/** What asks every worker, by the names in docs/scaling.md. */
const FAN_OUTS: Readonly<
  Record<string, (store: Store, supplierIds: readonly number[]) => Promise<unknown>>
> = {
  'a list or search over several suppliers': ({ skus }, supplierIds) =>
    skus.list({ supplierIds, filter: { titlePrefix: 'Kettle' }, from: { start: 0 }, limit: 10 }),
  'a SKU by its uuid among several suppliers': ({ skus }, supplierIds) =>
    skus.find(supplierIds, randomUUID()),
  'change heads of several suppliers': ({ changes }, supplierIds) => changes.heads(supplierIds),
  'statistics of several suppliers': ({ batches }, supplierIds) =>
    batches.hourCounts({ supplierIds, fromHour: 0, untilHour: 1 }),
  'the next files to process': ({ files }) => files.next(),
  'counts of files': ({ files }) => files.totals(),
  'when suppliers last reported': ({ batches }) => batches.expectedReports(),
  'expected intervals': ({ changes }) => changes.expectedIntervals(),
  'old rows to delete': ({ batches }) => batches.sweep({ nowMs: 0, failuresBeforeMs: 0 }, 1),
  'old changes to drop': ({ changes }) => changes.dropBefore(0, 1),
  'suppliers that have stored too many results': ({ batches }) =>
    batches.trimResults({ bytesMax: 0 }, 1),
};

function idsOf(suppliers: readonly CountingTarget[]): readonly number[] {
  return suppliers.map(({ supplierId }) => supplierId);
}

function copy(from: TestDatabase, to: TestDatabase) {
  return copyDatabases(from.url, to.url, () => undefined, testSettings(from));
}

/** The same database, which refuses statements that ask more than one worker. */
function refusingSeveralWorkers(database: TestDatabase): TestDatabase {
  const url = new URL(database.url);
  url.searchParams.set('options', '-c citus.multi_task_query_log_level=error');
  return { ...database, url: url.href };
}

describe.runIf(hasCitus())('a Citus cluster under the load of two nodes', () => {
  let cluster: CitusCluster;
  let database: TestDatabase;
  let targets: readonly CountingTarget[];
  let nodes: readonly ServerProcess[];
  let files: string;
  const random = new Random(20);

  beforeAll(async () => {
    cluster = await CitusCluster.start({ isDurable: true });
    database = await distributedDatabase(cluster, 'onhand');
    const made: CountingTarget[] = [];
    for (let i = 0; i < CLIENTS; i += 1)
      made.push(await prepareCountingTarget(database, `Counted ${i}`));
    targets = made;
    files = await mkdtemp(join(tmpdir(), 'onhand-files-'));
    const environment = { ONHAND_FILES_DIRECTORY: files };
    nodes = [
      await ServerProcess.start(database, environment),
      await ServerProcess.start(database, environment),
    ];
  }, 600_000);
  afterAll(async () => {
    for (const node of nodes) await node.kill();
    await rm(files, { recursive: true });
    await cluster.remove();
  });

  /** Sends requests of each supplier until each was answered 200, during `disturb`. Returns how many were sent again. */
  async function load(disturb: () => Promise<void>): Promise<number> {
    let sentAgain = 0;
    const clients = targets.map(async (target, client) => {
      for (let i = 0; i < REQUESTS_OF_CLIENT; i += 1) {
        const request = newRequest(target, random);
        for (let attempt = client; ; attempt += 1) {
          const node = nodes[attempt % nodes.length];
          if (node === undefined) throw new Error('there is no node');
          if (await sendKeyed(node.url, target, request)) break;
          sentAgain += 1;
          await delay(RETRY_EVERY_MS);
        }
      }
    });
    await disturb();
    await Promise.all(clients);
    for (const target of targets) await expectCounted(target);
    return sentAgain;
  }

  test(`loses nothing and applies nothing twice when a server is killed, ${KILLS} times`, async () => {
    const servers: readonly PostgresProcess[] = [...cluster.workers, cluster.coordinator];
    for (let round = 0; round < KILLS; round += 1) {
      const server = servers[round % servers.length];
      const sentAgain = await load(async () => {
        await server?.kill();
        await server?.restart();
      });
      process.stderr.write(`kill ${round + 1}: ${sentAgain} requests were sent again\n`);
    }
  });

  test('serves the suppliers of other workers in everything while one is down, and tells it', async () => {
    const [worker, other] = cluster.workers;
    const [down, up] = [await targetsOn(worker), await targetsOn(other)];
    expect(down.length).toBeGreaterThan(0);
    expect(up.length).toBeGreaterThan(0);
    await worker?.kill();
    for (const target of up)
      expect(await sendKeyed(nodes[0]?.url ?? '', target, newRequest(target, random))).toBe(true);
    const unanswered = down.map((target) => ({ target, request: newRequest(target, random) }));
    for (const { target, request } of unanswered)
      expect(await sendKeyed(nodes[1]?.url ?? '', target, request)).toBe(false);
    const degraded = { status: 'degraded', workers: { up: 1, down: 1 } };
    await expect.poll(isReady, { timeout: 10_000 }).toMatchObject(degraded);
    for (const target of up) await expectFileApplied(target);
    const store = await openTestStore(database);
    const heads = await store.changes.heads(idsOf(targets));
    expect(new Set(heads.keys())).toEqual(new Set(idsOf(up)));
    expect(await store.files.totals()).toMatchObject({ openFiles: 0 });
    expect(await store.batches.expectedReports()).toEqual([]);
    const times = { nowMs: Date.now(), failuresBeforeMs: 0, countsBeforeMs: 0 };
    expect(await store.batches.sweep(times, 10)).toBe(false);
    expect(await store.changes.dropBefore(0, 10)).toBe(false);
    const { id: userId } = await store.accounts.findServiceUser(up[0]?.supplierId ?? 0);
    const tokenHash = hashToken(newToken());
    await store.accounts.createToken({
      userId,
      tokenHash,
      permissions: ['view_items'],
      expiresAtMs: null,
    });
    expect(await store.accounts.findPrincipal(tokenHash, Date.now())).toBeDefined();
    await store.close();
    await worker?.restart();
    for (const { target, request } of unanswered)
      expect(await sendKeyed(nodes[0]?.url ?? '', target, request)).toBe(true);
    for (const target of targets) await expectCounted(target);
    await expect.poll(isReady, { timeout: 10_000 }).toMatchObject({ status: 'ok' });
  });

  async function isReady(): Promise<unknown> {
    return (await fetch(`${nodes[0]?.url}/readyz`)).json();
  }

  /** A file of one row that adds to the stock, sent to one node and awaited at it. */
  async function expectFileApplied({ token, counts }: CountingTarget): Promise<void> {
    const url = `${nodes[0]?.url}/timp/organizations/files/`;
    const headers = { authorization: `Token ${token}`, 'content-type': 'application/x-ndjson' };
    const body = '{"sku_id":"counted-0","quantity_in_stock_change":1}\n';
    const sent: unknown = await (
      await fetch(`${url}upload/`, { method: 'POST', headers, body })
    ).json();
    const ended = await fetch(`${url}${textAt(sent, 'uuid')}/?wait=30`, { headers });
    expect(await ended.json()).toMatchObject({ state: 'done', status_counts: { '200': 1 } });
    counts.set('counted-0', (counts.get('counted-0') ?? 0) + 1);
  }

  /** The targets whose supplier is on a worker. */
  async function targetsOn(worker: PostgresProcess | undefined) {
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    const rows = await read<{ readonly id: number }>(
      pool,
      `SELECT suppliers.id FROM organizations AS suppliers JOIN pg_dist_shard_placement
         ON shardid = get_shard_id_for_distribution_column('suppliers', suppliers.id)
       WHERE nodeport = $1::int AND type = 'supplier'`,
      [worker?.port],
    );
    await pool.close();
    const ids = new Set(rows.map(({ id }) => id));
    return targets.filter(({ supplierId }) => ids.has(supplierId));
  }

  test('loses nothing while the rows of a supplier move to a new worker', async () => {
    const worker = await cluster.startWorker('onhand');
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    const [placement] = await read<{ readonly shard: number; readonly port: number }>(
      pool,
      `SELECT shardid AS shard, nodeport AS port FROM pg_dist_shard_placement
       WHERE shardid = get_shard_id_for_distribution_column('suppliers', $1::int)`,
      [targets[0]?.supplierId],
    );
    await pool.query(`SELECT replicate_reference_tables('force_logical')`);
    const startedMs = performance.now();
    const sentAgain = await load(async () => {
      await pool.query(
        `SELECT citus_move_shard_placement(${placement?.shard}, '127.0.0.1', ${placement?.port},
           '127.0.0.1', ${worker.port}, 'force_logical')`,
      );
    });
    const ms = Math.round(performance.now() - startedMs);
    process.stderr.write(`moved a shard in ${ms} ms; ${sentAgain} requests were sent again\n`);
    await pool.close();
  });
});
