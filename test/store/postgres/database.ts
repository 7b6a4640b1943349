import { inject } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../fixtures.ts';

/** Which server a database is on: see `startServer` (postgres-setup.ts). */
export type ServerKind = 'default' | 'system' | 'given';

let lastNumber = 0;

/**
 * A migrated PostgreSQL database of its own, on a server that the whole run shares.
 *
 * @param partitions into how many the growing tables are hashed; 0 is one table each
 */
export function postgresDatabase(
  partitions: number = 0,
  kind: ServerKind = 'default',
): Promise<TestDatabase> {
  return cloneOf(partitions, kind);
}

/** URLs of databases that nobody uses now, by what they were asked for. */
const emptied = new Map<string, string[]>();

/**
 * One that an earlier test of the same file may have had, with its rows deleted: that is ten times as fast as
 * another database. Identifiers count on, and so do the server's statistics.
 */
export async function reusedPostgresDatabase(
  partitions: number = 0,
  kind: ServerKind = 'default',
): Promise<TestDatabase> {
  const asked = `${kind} ${partitions}`;
  const free = emptied.get(asked) ?? [];
  emptied.set(asked, free);
  const url = free.pop() ?? (await postgresDatabase(partitions, kind)).url;
  return {
    url,
    remove: async () => {
      await deleteRows(url);
      free.push(url);
    },
  };
}

/** The same with nothing in it, not even a schema. */
export function emptyPostgresDatabase(): Promise<TestDatabase> {
  return cloneOf(undefined, 'default');
}

async function cloneOf(partitions: number | undefined, kind: ServerKind): Promise<TestDatabase> {
  const template = new URL(await templateUrl(partitions ?? 0, kind));
  const templateName = template.pathname.slice(1);
  lastNumber += 1;
  const number = `${process.pid}_${process.env['VITEST_POOL_ID'] ?? 0}_${lastNumber}`;
  const name = templateName.replace(/template_[0-9]+$/, number);
  const source = partitions === undefined ? 'template0' : templateName;
  await administer(template, `CREATE DATABASE ${name} TEMPLATE ${source} STRATEGY FILE_COPY`);
  const url = new URL(template);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    remove: () => administer(template, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** Tables made later may refer to those made before. */
async function deleteRows(url: string): Promise<void> {
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    const [row] = await read<{ sql: string }>(
      pool,
      `SELECT string_agg(format('DELETE FROM %I', relname), ';' ORDER BY oid DESC) AS sql FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
         AND relname NOT IN ('schema_version', 'secrets')`,
    );
    await pool.query(row?.sql ?? '');
  } finally {
    await pool.close();
  }
}

async function templateUrl(partitions: number, kind: ServerKind): Promise<string> {
  const answer = await fetch(`${inject('postgresTemplates')}/${kind}/${partitions}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

async function administer(template: URL, sql: string): Promise<void> {
  const url = new URL(template);
  url.pathname = '/postgres';
  const pool = new ConnectionPool({ url: url.href, connectionsMax: 1 });
  try {
    await pool.query(sql);
  } finally {
    await pool.end();
  }
}
