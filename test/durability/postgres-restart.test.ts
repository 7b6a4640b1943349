import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionPool } from '../../src/store/postgres/connection/pool.ts';
import type { Store } from '../../src/store/store.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../store/fixtures.ts';
import { PostgresProcess, systemBinaries } from './postgres-process.ts';

const system = systemBinaries();
const SERVERS = [
  { which: 'the embedded server', options: {} },
  ...(system === undefined
    ? []
    : [{ which: "the system's server", options: { binaries: system } }]),
];

describe.for(SERVERS)('over a restart of $which', ({ options }) => {
  let server: PostgresProcess;
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    server = await PostgresProcess.start({ ...options, isDurable: true });
    const pool = new ConnectionPool({ url: server.url('postgres'), connectionsMax: 1 });
    await pool.query('CREATE DATABASE onhand');
    await pool.close();
    database = { url: server.url('onhand'), remove: () => server.remove() };
    store = await openTestStore(database, { connectTimeoutMs: 2000 });
  });

  afterAll(async () => {
    await store.close();
    await database.remove();
  });

  const namesOf = async (): Promise<readonly string[]> =>
    (await store.accounts.listOrganizations()).map(({ name }) => name);

  test.for(['kill', 'stop'] as const)(
    'after a %s the store refuses with 503 and recovers by itself when the server is back',
    async (end) => {
      const names = await namesOf();
      const created = `Acme ${end}`;
      await store.accounts.createOrganization({ type: 'supplier', name: created });
      await Promise.all(Array.from({ length: 10 }, () => store.probe()));
      await server[end]();
      const refused = { code: 'store_unavailable', retryAfterSeconds: 1 };
      await expect(store.probe()).rejects.toMatchObject(refused);
      await expect(namesOf()).rejects.toMatchObject(refused);
      await expect(
        store.accounts.createOrganization({ type: 'supplier', name: 'Refused' }),
      ).rejects.toMatchObject(refused);
      await server.restart();
      await store.probe();
      expect(await namesOf()).toEqual([...names, created].toSorted());
    },
  );

  test('a request during a short restart is completed or refused, never half done', async () => {
    await server.kill();
    const [restarted, created] = await Promise.allSettled([
      server.restart(),
      store.accounts.createOrganization({ type: 'retailer', name: 'Moment' }),
    ]);
    expect(restarted.status).toBe('fulfilled');
    expect((await namesOf()).includes('Moment')).toBe(created.status === 'fulfilled');
  });

  test('leaves a database without problems', async () => {
    expect(await problemsOf(database)).toEqual([]);
  });
});
