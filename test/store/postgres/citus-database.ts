import { Client } from 'pg';
import { CitusCluster } from '../../durability/citus-cluster.ts';
import { ConnectionPool } from '../../../src/store/postgres/connection/pool.ts';
import {
  COORDINATOR_TABLES,
  DISTRIBUTED_TABLES,
  COPIED_TABLES,
  distribute,
} from '../../../src/store/postgres/schema/distribution.ts';
import { migrate } from '../../../src/store/postgres/schema/migrations.ts';
import type { TestDatabase } from '../fixtures.ts';

/** Distributed databases on one cluster, which are emptied and used again. */
export class CitusDatabases {
  #cluster: Promise<CitusCluster> | undefined;
  readonly #free: string[] = [];
  #last = 0;

  cluster(): Promise<CitusCluster> {
    this.#cluster ??= CitusCluster.start();
    return this.#cluster;
  }

  async create(): Promise<TestDatabase> {
    const url = this.#free.pop() ?? (await this.#createAnother());
    return {
      url,
      remove: async () => {
        await deleteRows(url);
        this.#free.push(url);
      },
    };
  }

  async #createAnother(): Promise<string> {
    this.#last += 1;
    return (await distributedDatabase(await this.cluster(), `onhand_${this.#last}`)).url;
  }

  async remove(): Promise<void> {
    await (await this.#cluster)?.remove();
  }
}

/** Creates a database of a cluster, with its schema distributed. It goes with the cluster. */
export async function distributedDatabase(
  cluster: CitusCluster,
  name: string,
): Promise<TestDatabase> {
  const url = await cluster.createDatabase(name);
  const pool = new ConnectionPool({ url, connectionsMax: 1 });
  try {
    await migrate(pool, { partitions: 0 });
    await distribute(pool);
  } finally {
    await pool.close();
  }
  return { url, remove: () => Promise.resolve() };
}

/** Deletes rows that refer to others before those. */
async function deleteRows(url: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(`TRUNCATE ${Object.keys(DISTRIBUTED_TABLES).join(', ')}`);
    // Rows of the audit log cannot be deleted.
    await client.query('TRUNCATE audit_entries');
    const local = COORDINATOR_TABLES.filter(
      (table) => !['schema_version', 'secrets', 'audit_entries'].includes(table),
    );
    for (const table of [...local.toReversed(), ...COPIED_TABLES.toReversed()])
      await client.query(`DELETE FROM ${table}`);
  } finally {
    await client.end();
  }
}
