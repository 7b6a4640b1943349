import { inject } from 'vitest';
import { ConnectionPool, read } from '../../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../fixtures.ts';

/** Which server a database is on: see `startServer` in setup.ts. */
export type ServerKind = 'default' | 'system' | 'given';

let lastNumber = 0;

/**
 * Creates a migrated database on a server that the whole test run shares.
 *
 * @param partitions per growing table; 0 is not partitioned
 */
export function postgresDatabase(
  partitions: number = 0,
  kind: ServerKind = 'default',
): Promise<TestDatabase> {
  return cloneOf(partitions, kind);
}

/** URLs of emptied databases, by server kind and partitions. */
const emptied = new Map<string, string[]>();

/**
 * Like `postgresDatabase`, but reuses databases of earlier tests in the same file after deleting their
 * rows, which is ten times as fast. Sequences and the server's statistics are not reset.
 */
export async function reusedPostgresDatabase(
  partitions: number = 0,
  kind: ServerKind = 'default',
): Promise<TestDatabase> {
  const key = `${kind} ${partitions}`;
  const free = emptied.get(key) ?? [];
  emptied.set(key, free);
  const url = free.pop() ?? (await postgresDatabase(partitions, kind)).url;
  return {
    url,
    remove: async () => {
      await deleteRows(url);
      free.push(url);
    },
  };
}

/** Creates a database without a schema. */
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

/** Deletes in reverse order of creation, because tables have foreign keys to older ones. */
async function deleteRows(url: string): Promise<void> {
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    const [row] = await read<{ sql: string }>(
      pool,
      `SELECT string_agg(format('DELETE FROM %I', relname), ';' ORDER BY oid DESC) AS sql FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
         AND relname NOT IN ('schema_version', 'secrets')`,
    );
    // Rows of the audit log cannot be deleted.
    await pool.query(`TRUNCATE audit_entries; ${row?.sql ?? ''}`);
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
