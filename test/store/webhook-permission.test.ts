import Sqlite from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { driverOf } from '../../src/databases.ts';
import { ConnectionPool } from '../../src/store/postgres/connection/pool.ts';
import { openTestStore, sqliteDatabase, testSettings, type TestDatabase } from './fixtures.ts';
import { emptyPostgresDatabase } from './postgres/database.ts';

/** Rows of a database before the migration: suppliers 1 and 2, a retailer 3. */
const BEFORE = `
  INSERT INTO organizations (id, uuid, name, type, created_at_ms) VALUES
    (1, '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d01', 'Acme', 'supplier', 0),
    (2, '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d02', 'Shop', 'retailer', 0);
  INSERT INTO users (id, uuid, organization_id, username, password_hash, permissions, created_at_ms) VALUES
    (1, '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d03', 1, 'editor', 'h', 'view_items edit_items', 0),
    (2, '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d04', 1, 'viewer', 'h', 'view_items', 0),
    (3, '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d05', 2, 'buyer', 'h', 'view_items', 0);
`;
const TOKENS = [
  [1, 'edit_items'],
  [1, 'view_items edit_items'],
  [1, 'view_items'],
  [3, 'view_items'],
] as const;

const tokenRows = (hash: (n: number) => string): string =>
  TOKENS.map(([userId, permissions], i) => `(${hash(i + 1)}, ${userId}, '${permissions}', 0)`).join(
    ', ',
  );

async function stepsBefore(database: TestDatabase): Promise<readonly string[]> {
  const { steps } = await driverOf(database.url).pendingMigrations(
    database.url,
    testSettings(database),
  );
  return steps.slice(
    0,
    steps.findIndex((step) => step.includes('manage_webhooks')),
  );
}

const fill: Readonly<Record<string, (database: TestDatabase) => Promise<void>>> = {
  SQLite: async (database) => {
    const steps = await stepsBefore(database);
    const db = new Sqlite(database.url.slice('sqlite:'.length));
    for (const step of steps) db.exec(step);
    db.pragma(`user_version = ${steps.length}`);
    db.exec(`${BEFORE} INSERT INTO tokens (token_hash, user_id, permissions, created_at_ms)
      VALUES ${tokenRows((n) => `x'0${n}'`)}`);
    db.close();
  },
  PostgreSQL: async (database) => {
    const steps = await stepsBefore(database);
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    await pool.query('CREATE TABLE schema_version (version integer, partitions integer)');
    for (const step of steps) await pool.query(step);
    await pool.query(`INSERT INTO schema_version VALUES (${steps.length}, 0)`);
    await pool.query(`${BEFORE} INSERT INTO tokens (token_hash, user_id, permissions, created_at_ms)
      VALUES ${tokenRows((n) => `'\\x0${n}'`)}`);
    await pool.close();
  },
};

describe('who could register webhooks before there was a permission for it keeps it', () => {
  test.each([
    ['SQLite', sqliteDatabase],
    ['PostgreSQL', emptyPostgresDatabase],
  ] as const)('on %s', async (kind, create) => {
    const database = await create();
    await fill[kind]?.(database);
    const store = await openTestStore(database);
    const { accounts } = store;
    try {
      const permissions = (await accounts.listTokens()).map((token) => token.permissions.join(' '));
      expect(permissions).toEqual([
        'edit_items manage_webhooks',
        'view_items edit_items manage_webhooks',
        'view_items',
        'view_items manage_webhooks',
      ]);
      const ofUser = async (name: string) => (await accounts.findUser(name))?.permissions.join(' ');
      expect(await ofUser('editor')).toBe('view_items edit_items manage_webhooks');
      expect(await ofUser('viewer')).toBe('view_items');
      expect(await ofUser('buyer')).toBe('view_items manage_webhooks');
    } finally {
      await store.close();
      await database.remove();
    }
  });
});
