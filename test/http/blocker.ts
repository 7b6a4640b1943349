import Sqlite from 'better-sqlite3';
import { Client } from 'pg';
import type { TestDatabase } from '../store/fixtures.ts';

/** Another client of the database that holds its write lock, so that the server cannot write. */
export interface Blocker {
  /** Releases the lock. */
  release(): Promise<void>;
}

export function blockWrites({ url }: TestDatabase): Promise<Blocker> {
  return url.startsWith('sqlite:') ? blockSqlite(url) : blockPostgres(url);
}

function blockSqlite(url: string): Promise<Blocker> {
  const db = new Sqlite(url.replace(/^sqlite:/, ''));
  db.exec('BEGIN IMMEDIATE');
  return Promise.resolve({
    release: () => {
      db.close();
      return Promise.resolve();
    },
  });
}

async function blockPostgres(url: string): Promise<Blocker> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE suppliers, probes IN EXCLUSIVE MODE');
  let released: Promise<void> | undefined;
  return { release: () => (released ??= client.end()) };
}
