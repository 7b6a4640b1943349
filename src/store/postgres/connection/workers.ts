import { OnhandError } from '../../../domain/errors.ts';
import type { WorkerHealth } from '../../store.ts';
import { inTransaction, read, type ConnectionPool } from './pool.ts';

/** While a worker is down, how long what is known of the workers is used before they are asked again. */
const KNOWN_FOR_MS = 1000;
/** Time in which a worker must accept a connection, in milliseconds. */
const CONNECT_WITHIN_MS = 1000;

interface Known {
  readonly workers: readonly WorkerHealth[];
  /** The suppliers whose worker answers; null if all do. */
  readonly reachable: readonly number[] | null;
  readonly atMs: number;
}

/** The workers of a distributed database: which of them answer, and whose rows they have. */
export class Workers {
  readonly #pool: ConnectionPool;
  #known: Known = { workers: [], reachable: null, atMs: 0 };
  #checking: Promise<Known> | undefined;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /**
   * Asks each worker for a connection. One check at a time serves all callers.
   *
   * @throws OnhandError `store_unavailable` if the coordinator or no worker answers
   */
  async check(): Promise<readonly WorkerHealth[]> {
    return (await this.#check()).workers;
  }

  /**
   * Runs a read of rows of several suppliers. If it fails because a worker is down, it runs again, and until that worker
   * answers, for the suppliers of the others.
   *
   * @param readRows gets the suppliers that it may read; null if all
   */
  async readReachable<T>(
    readRows: (reachable: readonly number[] | null) => Promise<T>,
  ): Promise<T> {
    const before = await this.#reachable();
    try {
      return await readRows(before);
    } catch (error) {
      if (!(error instanceof OnhandError) || error.code !== 'store_unavailable') throw error;
      const { reachable } = await this.#check();
      if (reachable === null || reachable.length === before?.length) throw error;
      return readRows(reachable);
    }
  }

  async #reachable(): Promise<readonly number[] | null> {
    const { reachable, atMs } = this.#known;
    if (reachable === null || performance.now() - atMs < KNOWN_FOR_MS) return reachable;
    return (await this.#check()).reachable;
  }

  #check(): Promise<Known> {
    this.#checking ??= this.#ask().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #ask(): Promise<Known> {
    const workers = await inTransaction(
      this.#pool,
      async (client) => {
        await client.query(`SET LOCAL citus.node_connection_timeout = ${CONNECT_WITHIN_MS}`);
        const { rows } = await client.query<WorkerHealth>(
          `SELECT nodename || ':' || nodeport AS name,
             coalesce(citus_check_connection_to_node(nodename, nodeport), false) AS "isUp"
           FROM pg_dist_node WHERE noderole = 'primary' AND shouldhaveshards ORDER BY nodeid`,
        );
        return rows;
      },
      { readOnly: true },
    );
    if (!workers.some(({ isUp }) => isUp))
      throw new OnhandError('store_unavailable', 'No worker of the database can be reached.', {
        retryAfterSeconds: 1,
      });
    const down = workers.filter(({ isUp }) => !isUp).map(({ name }) => name);
    const reachable = down.length === 0 ? null : await this.#suppliersOnOthers(down);
    this.#known = { workers, reachable, atMs: performance.now() };
    return this.#known;
  }

  async #suppliersOnOthers(down: readonly string[]): Promise<readonly number[]> {
    const suppliers = await read<{ readonly id: number }>(
      this.#pool,
      `SELECT id FROM organizations WHERE type = 'supplier'
         AND get_shard_id_for_distribution_column('suppliers', id) NOT IN (
           SELECT shardid FROM pg_dist_placement JOIN pg_dist_node USING (groupid)
           WHERE noderole = 'primary' AND nodename || ':' || nodeport = ANY ($1::text[]))`,
      [down],
    );
    return suppliers.map(({ id }) => id);
  }
}
