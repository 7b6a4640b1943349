import { writeFile } from 'node:fs/promises';
import { Compile } from 'typebox/compile';
import { afterEach, describe, expect, test } from 'vitest';
import { startServer, type RunningServer } from '../../src/server.ts';
import { BULK, LOGIN } from '../http/harness.ts';
import { problemsOf, sqliteDatabase, testSettings, type TestDatabase } from '../store/fixtures.ts';
import { emptyPostgresDatabase } from '../store/postgres/database.ts';
import { ConnectionPool } from '../../src/store/postgres/connection/pool.ts';
import { CLERK, readAll, UpgradeReadsSchema } from './contents.ts';
import { fixtureOf, RELEASES } from './fixtures.ts';

const RECORDED = Compile(UpgradeReadsSchema);

/** Restores the database of a release on a kind of database. */
const RESTORE = {
  sqlite: async (release: string): Promise<TestDatabase> => {
    const database = await sqliteDatabase();
    await writeFile(database.url.replace(/^sqlite:/, ''), fixtureOf(release, 'sqlite.db'));
    return database;
  },
  postgres: async (release: string): Promise<TestDatabase> => {
    const database = await emptyPostgresDatabase();
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    await pool.query(fixtureOf(release, 'postgres.sql').toString());
    // Not reused: the dump changes the settings of its session.
    await pool.close();
    return database;
  },
};

const CASES = RELEASES.flatMap((release) =>
  (['sqlite', 'postgres'] as const).map((kind) => ({ release, kind })),
);

test('there is a fixture of a release', () => {
  expect(RELEASES).not.toEqual([]);
});

describe.for(CASES)('a database of version $release on $kind', ({ release, kind }) => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  const serve = async (database: TestDatabase): Promise<RunningServer> => {
    const server = await startServer(
      // Nothing may be deleted for its age before it is read.
      testSettings(database, {
        changesKeptDays: 0,
        resultsKeptHours: 1e6,
        filesDirectory: '/nonexistent',
        webhooksAllowHttp: true,
        webhooksAllowPrivateNetworks: true,
      }),
    );
    ends.push(() => server.close());
    return server;
  };

  test('keeps what clients read when it is upgraded, passes the checks, and accepts writes and logins', async () => {
    const database = await RESTORE[kind](release);
    ends.push(() => database.remove());
    const server = await serve(database);
    const recorded = RECORDED.Parse(JSON.parse(fixtureOf(release, `${kind}.json`).toString()));
    const { reads } = await readAll(server.url, recorded.tokens);
    for (const [i, { path, json }] of recorded.reads.entries()) {
      // Later versions may add members.
      expect(reads[i], path).toMatchObject({ path, status: 200, json });
    }
    const login = await fetch(server.url + LOGIN, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(CLERK),
    });
    expect(login.status).toBe(200);
    const written = await fetch(server.url + BULK, {
      method: 'POST',
      headers: {
        authorization: `Token ${recorded.tokens.supplier}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify([{ sku_id: 'A-1', quantity_in_stock: 499 }]),
    });
    expect(await written.json()).toMatchObject([{ status_code: 200 }]);
    expect(await problemsOf(database)).toEqual([]);
  });
});
