import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConnectionPool,
  read,
  inTransaction,
  type TransactionOptions,
} from '../../../src/store/postgres/connection/pool.ts';
import { OutcomeUnknownError } from '../../../src/store/postgres/connection/errors.ts';
import { COMMIT, CuttingProxy } from '../../durability/cutting-proxy.ts';
import type { TestDatabase } from '../fixtures.ts';
import { emptyPostgresDatabase } from './database.ts';
import { alterPostgres } from './rows.ts';

let database: TestDatabase;
let proxy: CuttingProxy;
let pool: ConnectionPool;

beforeEach(async () => {
  database = await emptyPostgresDatabase();
  await alterPostgres(
    database,
    'CREATE TABLE counters (id int PRIMARY KEY, n int); INSERT INTO counters VALUES (1, 0), (2, 0)',
  );
  proxy = await CuttingProxy.start(Number(new URL(database.url).port));
  const url = new URL(database.url);
  url.port = String(proxy.port);
  pool = new ConnectionPool({
    url: url.href,
    connectionsMax: 4,
    connectTimeoutMs: 5000,
    lockTimeoutMs: 5000,
  });
});

afterEach(async () => {
  await pool.close();
  await proxy.close();
  await database.remove();
});

const countUp = async (client: PoolClient): Promise<string> => {
  await client.query('UPDATE counters SET n = n + 1 WHERE id = 1');
  return 'counted';
};
const counted = async (): Promise<number | undefined> =>
  (await read<{ n: number }>(pool, 'SELECT n FROM counters WHERE id = 1'))[0]?.n;

describe('a transaction', () => {
  test('applies its work and returns its result', async () => {
    expect(await inTransaction(pool, countUp)).toBe('counted');
    expect(await counted()).toBe(1);
  });

  test('whose work throws applies nothing, and its connection is reused', async () => {
    const failing = inTransaction(pool, async (client) => {
      await countUp(client);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await counted()).toBe(0);
    expect(pool.totalCount).toBe(1);
  });

  test('cannot ignore the error of a statement', async () => {
    const ignoring = inTransaction(pool, async (client) => {
      await countUp(client);
      await client.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(ignoring).rejects.toThrow('the transaction ignored the error of a statement');
    expect(await counted()).toBe(0);
  });

  test('that is read only sees one snapshot, and cannot write', async () => {
    const seen = await inTransaction(
      pool,
      async (client) => {
        const look = async (): Promise<unknown> =>
          (await client.query<{ n: number }>('SELECT n FROM counters ORDER BY id')).rows;
        const before = await look();
        await inTransaction(pool, countUp);
        return [before, await look()];
      },
      { readOnly: true },
    );
    expect(seen[0]).toEqual(seen[1]);
    await expect(inTransaction(pool, countUp, { readOnly: true })).rejects.toThrow(
      'The database cannot be written',
    );
  });

  test('is retried after a deadlock', async () => {
    const updateBoth = (first: number, second: number): Promise<void> => {
      let isFirstTime = true;
      return inTransaction(pool, async (client) => {
        await client.query('UPDATE counters SET n = n + 1 WHERE id = $1', [first]);
        if (isFirstTime) await meet();
        isFirstTime = false;
        await client.query('UPDATE counters SET n = n + 1 WHERE id = $1', [second]);
      });
    };
    const { promise: met, resolve: allMet } = Promise.withResolvers<void>();
    let waiting = 0;
    const meet = (): Promise<void> => {
      waiting += 1;
      if (waiting === 2) allMet();
      return met;
    };
    await Promise.all([updateBoth(1, 2), updateBoth(2, 1)]);
    expect(await counted()).toBe(2);
  });

  test('is retried, and applied once, if its connection is lost before the commit', async () => {
    proxy.cutNext('UPDATE counters', 'answer');
    expect(await inTransaction(pool, countUp)).toBe('counted');
    expect(await counted()).toBe(1);
  });

  test('opens new connections when those of the pool were cut', async () => {
    await Promise.all([inTransaction(pool, countUp), inTransaction(pool, countUp), counted()]);
    proxy.cutAll();
    await inTransaction(pool, countUp);
    expect(await counted()).toBe(3);
  });

  test('in progress ends before the pool closes, and none begins afterwards', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: mayContinue, resolve: continueWork } = Promise.withResolvers<void>();
    const slow = inTransaction(pool, async (client) => {
      begin();
      await mayContinue;
      return countUp(client);
    });
    await begun;
    const closed = pool.close();
    await expect(inTransaction(pool, countUp)).rejects.toThrow('The database is closed.');
    continueWork();
    expect(await slow).toBe('counted');
    await closed;
  });
});

describe('a commit that is cut off', () => {
  const resolving: TransactionOptions<string> = {
    resolveOutcome: async (client) => {
      const { rows } = await client.query<{ n: number }>(
        'SELECT n FROM counters WHERE id = 1 FOR UPDATE',
      );
      return rows[0]?.n === 1 ? 'found' : undefined;
    },
  };

  test.for([
    ['request', 0],
    ['answer', 1],
  ] as const)('at its %s has an unknown outcome without resolveOutcome', async ([at, n]) => {
    proxy.cutNext(COMMIT, at);
    await expect(inTransaction(pool, countUp)).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await counted()).toBe(n);
  });

  test.for([
    ['request', 'counted'],
    ['answer', 'found'],
  ] as const)('at its %s is applied exactly once with resolveOutcome', async ([at, answer]) => {
    proxy.cutNext(COMMIT, at);
    expect(await inTransaction(pool, countUp, resolving)).toBe(answer);
    expect(await counted()).toBe(1);
  });

  test('is waited for while the server may still be running it', async () => {
    // With a deferred trigger, the commit itself waits for the advisory lock.
    await alterPostgres(
      database,
      `CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON counters
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_lock();`,
    );
    const blocker = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    const { promise: held, resolve: hold } = Promise.withResolvers<void>();
    const { promise: done, resolve: release } = Promise.withResolvers<void>();
    const blocking = inTransaction(blocker, async (client) => {
      await client.query('SELECT pg_advisory_xact_lock(7)');
      hold();
      await done;
    });
    await held;
    const watcher = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    const waitingFor = (event: string) => async (): Promise<number> => {
      const rows = await read(
        watcher,
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
         AND wait_event_type = 'Lock' AND wait_event = '${event}'`,
      );
      return rows.length;
    };
    const outcome = inTransaction(pool, countUp, resolving);
    await expect.poll(waitingFor('advisory')).toBe(1);
    proxy.cutAll();
    await expect.poll(waitingFor('transactionid')).toBe(1);
    release();
    expect(await outcome).toBe('found');
    expect(await counted()).toBe(1);
    await blocking;
    await Promise.all([blocker.close(), watcher.close()]);
  });
});
