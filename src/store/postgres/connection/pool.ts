import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError, Pool, types, type PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import {
  CLOSED,
  OutcomeUnknownError,
  classifyDatabaseError,
  classifyConnectError,
  unavailable,
  type DatabaseFailure,
} from './errors.ts';

export interface PoolSettings {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. */
  readonly url: string;
  readonly connectionsMax: number;
  /** How long to wait for a connection, in milliseconds; 0 is for ever, as with those below. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may take. */
  readonly statementTimeoutMs?: number;
  /** How long to wait for another transaction that is writing the same. */
  readonly lockTimeoutMs?: number;
}

/** Named here since the driver's types do not know it yet. */
const PIPELINED = { pipeline: true };

/** How much later than the server a client gives up on a statement: the server's answer is the better one. */
const ANSWER_MARGIN_MS = 5000;

/**
 * How long a transaction may wait for its next statement: of a node that lost its power the database would
 * not hear for hours, and keep its locks.
 */
const SILENCE_MS_MAX = 60_000;

/**
 * Connections to one database. Statements are sent without names and nothing is set on a session, so that
 * each transaction may run on another one: a pooler in transaction mode may stand between.
 */
export class ConnectionPool extends Pool {
  /** What opens a transaction that writes. */
  readonly begin: string;
  readonly #underWay = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(settings: PoolSettings) {
    const { connectTimeoutMs = 0, statementTimeoutMs = 0, lockTimeoutMs = 0 } = settings;
    super({
      connectionString: settings.url,
      application_name: 'onhand',
      max: settings.connectionsMax,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      // Statements are sent without waiting for the answers to those before.
      ...PIPELINED,
      ...(statementTimeoutMs === 0
        ? {}
        : { query_timeout: Math.max(statementTimeoutMs, lockTimeoutMs) + ANSWER_MARGIN_MS }),
      types: {
        // Numbers of type bigint are counts here, and stay below 2⁵³.
        getTypeParser: (type, format): unknown =>
          type === types.builtins.INT8 ? Number : types.getTypeParser(type, format),
      },
    });
    this.begin = [
      // As it is by default; at another level, what is read behind a lock may be older than the lock.
      'BEGIN ISOLATION LEVEL READ COMMITTED',
      `SET LOCAL lock_timeout = ${lockTimeoutMs}`,
      `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${SILENCE_MS_MAX}`,
    ].join('; ');
    // A server that goes away tells connections that nobody is waiting on; unheard, that ends the process.
    this.on('error', ignore);
    this.on('connect', (client) => client.on('error', ignore));
  }

  /** Work that `close` waits for, however often it is tried. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw unavailable(CLOSED);
    const done = work();
    this.#underWay.add(done);
    try {
      return await done;
    } finally {
      this.#underWay.delete(done);
    }
  }

  /** Finishes what was begun, then closes the connections. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#underWay).then(() => this.end());
    return this.#closed;
  }
}

function ignore(): void {
  // Whoever uses the connection next is told by the failure of the statement.
}

export interface TransactOptions<T> {
  /** Reads one state of the database, as it was when the first statement ran. */
  readonly readOnly?: boolean;
  /**
   * Asked, in a transaction of its own, where the connection was lost during a commit: what the work
   * gave where it was applied, or undefined where it was not, and may be done again. It has to begin by
   * locking a row that the work had locked: the lost commit may still be under way.
   */
  readonly findOut?: (client: PoolClient) => Promise<T | undefined>;
  /**
   * A last statement, sent along with the commit: a way to the database less. To save another, work that
   * has one is begun before the transaction is known to be: its first statements may only read.
   */
  readonly closing?: (value: T) => Statement | undefined;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** So often is work tried where nothing of it was applied; waits double between. */
const ATTEMPTS_MAX = 5;
/** And so often is the database asked how a commit ended: about ten seconds. */
const FIND_OUT_ATTEMPTS_MAX = 15;
const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 1000;

/**
 * Runs work in a transaction and commits it. Where the database refused to go on and nothing was applied
 * (a deadlock, a lost connection), the work is run anew: it may change nothing else.
 *
 * @throws OnhandError `store_unavailable` where the database cannot do it now; `OutcomeUnknownError` where
 *   nobody can tell whether it was applied. What the work itself throws is passed on; nothing is applied.
 */
export function transact<T>(
  pool: ConnectionPool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactOptions<T> = {},
): Promise<T> {
  return pool.track(() => transactOnceFound(pool, work, options));
}

async function transactOnceFound<T>(
  pool: ConnectionPool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactOptions<T>,
): Promise<T> {
  const begin =
    options.readOnly === true ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : pool.begin;
  try {
    return await retrying(ATTEMPTS_MAX, () =>
      withClient(pool, (client) => commit(client, begin, work, options.closing)),
    );
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError) || options.findOut === undefined) throw error;
    const found = await findOut(pool, options.findOut, error);
    return found ?? transactOnceFound(pool, work, options);
  }
}

async function findOut<T>(
  pool: ConnectionPool,
  ask: (client: PoolClient) => Promise<T | undefined>,
  unknown: OutcomeUnknownError,
): Promise<T | undefined> {
  try {
    return await retrying(FIND_OUT_ATTEMPTS_MAX, () =>
      withClient(pool, (client) => commit(client, pool.begin, ask)),
    );
  } catch (error) {
    if (error instanceof OnhandError) throw unknown;
    throw error;
  }
}

/** Runs one statement that only reads, with no transaction around it. */
export function read<R extends object>(
  pool: ConnectionPool,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<readonly R[]> {
  const once = async (client: PoolClient): Promise<readonly R[]> => {
    const { rows } = await client.query<R>(sql, [...parameters]);
    return rows;
  };
  return pool.track(() => retrying(ATTEMPTS_MAX, () => withClient(pool, once)));
}

async function retrying<T>(attemptsMax: number, once: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await once();
    } catch (error) {
      const trouble =
        error instanceof ConnectingError ? error.trouble : classifyDatabaseError(error);
      if (trouble === undefined) throw error;
      if (!trouble.isPassing || attempt >= attemptsMax) throw unavailable(trouble, error);
    }
    await delay(Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (attempt - 1)) * (0.5 + Math.random()));
  }
}

/** No connection was to be had: no statement was sent. */
class ConnectingError extends Error {
  override readonly name = 'ConnectingError';
  readonly trouble: DatabaseFailure;

  constructor(cause: unknown) {
    super('no connection to the database', { cause });
    this.trouble = classifyConnectError(cause);
  }
}

/** Gives a connection to work, and lets go of it: for others to use, unless it was lost. */
async function withClient<T>(
  pool: ConnectionPool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw new ConnectingError(error);
  }
  let isClean = false;
  try {
    const value = await work(client);
    isClean = true;
    return value;
  } catch (error) {
    isClean = !isConnectionSpent(error) && (await rollBack(client));
    throw error;
  } finally {
    client.release(!isClean);
  }
}

function isConnectionSpent(error: unknown): boolean {
  return (
    error instanceof OutcomeUnknownError || classifyDatabaseError(error)?.isConnectionLost === true
  );
}

async function rollBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

async function commit<T>(
  client: PoolClient,
  begin: string,
  work: (client: PoolClient) => Promise<T>,
  closing?: TransactOptions<T>['closing'],
): Promise<T> {
  const begun = client.query(begin);
  if (closing === undefined) await begun;
  const [, value] = await allOrFirst([begun, work(client)]);
  const last = closing?.(value);
  let command: string;
  try {
    const written = last && client.query(last.text, [...last.values]);
    [, { command }] = await allOrFirst([written, client.query('COMMIT')]);
  } catch (error) {
    const isRefused =
      error instanceof DatabaseError && classifyDatabaseError(error)?.isConnectionLost !== true;
    throw isRefused ? error : new OutcomeUnknownError(error);
  }
  if (command !== 'COMMIT') throw new Error('a statement had failed, and the work went on');
  return value;
}

/** Waits for all, be it that one fails; then throws the failure of the first that did. */
async function allOrFirst<T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
