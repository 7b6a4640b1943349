import type { PoolClient } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConnectionPool,
  read,
  transact,
  type TransactOptions,
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
  test('is applied whole', async () => {
    expect(await transact(pool, countUp)).toBe('counted');
    expect(await counted()).toBe(1);
  });

  test('whose work fails applies nothing, and its connection serves the next', async () => {
    const failing = transact(pool, async (client) => {
      await countUp(client);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await counted()).toBe(0);
    expect(pool.totalCount).toBe(1);
  });

  test('cannot pass over a statement that failed', async () => {
    const careless = transact(pool, async (client) => {
      await countUp(client);
      await client.query('SELECT 1 / 0').catch(() => undefined);
    });
    await expect(careless).rejects.toThrow('the transaction ignored the error of a statement');
    expect(await counted()).toBe(0);
  });

  test('that only reads sees one state, and writes nothing', async () => {
    const seen = await transact(
      pool,
      async (client) => {
        const look = async (): Promise<unknown> =>
          (await client.query<{ n: number }>('SELECT n FROM counters ORDER BY id')).rows;
        const before = await look();
        await transact(pool, countUp);
        return [before, await look()];
      },
      { readOnly: true },
    );
    expect(seen[0]).toEqual(seen[1]);
    await expect(transact(pool, countUp, { readOnly: true })).rejects.toThrow(
      'The database cannot be written',
    );
  });

  test('that meets a deadlock is done again', async () => {
    const both = (first: number, second: number): Promise<void> => {
      let isFirstTime = true;
      return transact(pool, async (client) => {
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
    await Promise.all([both(1, 2), both(2, 1)]);
    expect(await counted()).toBe(2);
  });

  test('whose connection is lost before its commit is done again, once applied', async () => {
    proxy.cutNext('UPDATE counters', 'answer');
    expect(await transact(pool, countUp)).toBe('counted');
    expect(await counted()).toBe(1);
  });

  test('finds its connections cut, and takes others', async () => {
    await Promise.all([transact(pool, countUp), transact(pool, countUp), counted()]);
    proxy.cutAll();
    await transact(pool, countUp);
    expect(await counted()).toBe(3);
  });

  test('under way is finished before the pool is closed; none begins after', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: mayGoOn, resolve: resumeWebhook } = Promise.withResolvers<void>();
    const slow = transact(pool, async (client) => {
      begin();
      await mayGoOn;
      return countUp(client);
    });
    await begun;
    const closed = pool.close();
    await expect(transact(pool, countUp)).rejects.toThrow('The database is closed.');
    resumeWebhook();
    expect(await slow).toBe('counted');
    await closed;
  });
});

describe('a commit that is cut off', () => {
  const asked: TransactOptions<string> = {
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
  ] as const)('at its %s is of unknown outcome where nobody can ask', async ([at, n]) => {
    proxy.cutNext(COMMIT, at);
    await expect(transact(pool, countUp)).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(await counted()).toBe(n);
  });

  test.for([
    ['request', 'counted'],
    ['answer', 'found'],
  ] as const)('at its %s is applied exactly once where somebody can', async ([at, answer]) => {
    proxy.cutNext(COMMIT, at);
    expect(await transact(pool, countUp, asked)).toBe(answer);
    expect(await counted()).toBe(1);
  });

  test('is waited for while it may still be under way', async () => {
    // A deferred trigger makes the commit itself take until the lock is free.
    await alterPostgres(
      database,
      `CREATE FUNCTION wait_for_lock() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
       CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON counters
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_lock();`,
    );
    const blocker = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    const { promise: held, resolve: hold } = Promise.withResolvers<void>();
    const { promise: done, resolve: letGo } = Promise.withResolvers<void>();
    const blocking = transact(blocker, async (client) => {
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
    const outcome = transact(pool, countUp, asked);
    await expect.poll(waitingFor('advisory')).toBe(1);
    proxy.cutAll();
    await expect.poll(waitingFor('transactionid')).toBe(1);
    letGo();
    expect(await outcome).toBe('found');
    expect(await counted()).toBe(1);
    await blocking;
    await Promise.all([blocker.close(), watcher.close()]);
  });
});
