import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startServer } from '../../src/server.ts';
import { ConnectionPool, read } from '../../src/store/postgres/connection/pool.ts';
import { at } from '../http/answers.ts';
import { sqliteDatabase, testSettings } from '../store/fixtures.ts';
import { emptyPostgresDatabase } from '../store/postgres/database.ts';
import { fill, readAll } from './contents.ts';

const OLD_FILE = new URL('../store/sqlite/version-6.db.gz', import.meta.url);
const OLD_VERSION = 6;

test('a server logs each migration that it runs, once, and none when it starts again', async () => {
  const database = await sqliteDatabase();
  await writeFile(database.url.replace(/^sqlite:/, ''), gunzipSync(await readFile(OLD_FILE)));
  const logOf = async (): Promise<readonly unknown[]> => {
    const log: unknown[] = [];
    const settings = testSettings(database, { logLevel: 'info' });
    const server = await startServer(settings, { write: (line) => log.push(JSON.parse(line)) });
    await server.close();
    return log.filter((entry) => at(entry, 'msg') === 'database migrated');
  };
  try {
    const logged = await logOf();
    expect(logged.length).toBeGreaterThan(1);
    for (const [i, entry] of logged.entries()) {
      const from = OLD_VERSION + i;
      expect(entry).toMatchObject({ from, to: from + 1 });
      expect(at(entry, 'ms')).toBeTypeOf('number');
    }
    expect(await logOf()).toEqual([]);
  } finally {
    await database.remove();
  }
});

test('a PostgreSQL node serves on when a later version adds columns and tables, and only then refuses to start', async () => {
  const database = await emptyPostgresDatabase();
  const settings = testSettings(database, {
    filesDirectory: '/nonexistent-but-unused',
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  const node = await startServer(settings);
  try {
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    try {
      // What a later version may do while earlier nodes run: every statement must name its columns.
      const tables = await read<{ name: string }>(
        pool,
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
      );
      for (const { name } of tables) {
        await pool.query(`ALTER TABLE ${name} ADD COLUMN later text DEFAULT 'later'`);
      }
      await pool.query('CREATE TABLE later (supplier_id integer NOT NULL PRIMARY KEY)');
      await pool.query('UPDATE schema_version SET version = version + 1');
    } finally {
      await pool.close();
    }
    const { reads } = await readAll(node.url, await fill(node, { withFile: false }));
    expect(reads.map(({ status }) => status)).toEqual(reads.map(() => 200));
    await expect(startServer(settings)).rejects.toThrow('Use a newer onhand.');
  } finally {
    await node.close();
    await database.remove();
  }
});
