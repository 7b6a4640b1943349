import { ConnectionPool } from '../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../store/fixtures.ts';

/** Ends the claims that killed nodes had on files, for which others else wait twenty seconds. */
export async function forgetClaims({ url }: TestDatabase): Promise<void> {
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    await pool.query('UPDATE feeds SET claimed_until_ms = 0');
  } finally {
    await pool.close();
  }
}
