import type { PoolClient } from 'pg';

/** Key of the advisory lock: an arbitrary number. */
const SCHEMA_LOCK = 0x6f6e_6861;

/**
 * Waits until no other node changes the schema. The lock is held by the transaction, because a session lock does not work
 * behind a pooler.
 */
export async function lockSchema(client: PoolClient): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK})`);
}
