import { ConnectionPool } from '../../src/store/postgres/connection/pool.ts';
import type { TestDatabase } from '../store/fixtures.ts';

/** Releases the claims of killed nodes on files; otherwise other nodes would wait twenty seconds for them. */
export async function forgetClaims({ url }: TestDatabase): Promise<void> {
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    await pool.query('UPDATE feeds SET claimed_until_ms = 0');
  } finally {
    await pool.close();
  }
}
