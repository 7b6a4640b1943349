import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError, Pool, types, type PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import {
  OutcomeUnknownError,
  POOL_CLOSED,
  classifyDatabaseError,
  classifyConnectError,
  unavailable,
  type DatabaseFailure,
} from './errors.ts';
import { shownUrl } from './url.ts';
import { STEADY_PLANS } from '../lookups.ts';

export interface PoolSettings {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. */
  readonly url: string;
  readonly connectionsMax: number;
  /** Timeout for getting a connection, in milliseconds. 0 is no timeout, here and below. */
  readonly connectTimeoutMs?: number;
  /** Timeout of a statement. */
  readonly statementTimeoutMs?: number;
  /** Timeout for a row or table lock that another transaction holds. */
  readonly lockTimeoutMs?: number;
  /** How often a read is tried while the database cannot be reached. */
  readonly attemptsMax?: number;
  /** Whether the database is distributed by Citus, whose workers then get the settings of each transaction. */
  readonly isDistributed?: boolean;
}

/** The driver's types do not declare this option yet. */
const PIPELINED = { pipeline: true };

/** The client times out this much later than the server: the server's error says more. */
const CLIENT_TIMEOUT_MARGIN_MS = 5000;

/** Bounds how long locks survive a node that lost power: the server would notice only after hours. */
const IDLE_IN_TRANSACTION_MS_MAX = 60_000;

/** Adds the URL and the reason to a failure to open a database. Returns other errors unchanged. */
export function cannotOpen(url: string, error: unknown): unknown {
  // Without a cause, the error has its own message, such as that of a newer schema version.
  if (!(error instanceof OnhandError) || error.cause === undefined) return error;
  const { cause } = error;
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  const { message } = classifyDatabaseError(inner) ?? classifyConnectError(inner);
  return new OnhandError(
    'store_unavailable',
    `The database ${shownUrl(url)} cannot be opened. ${message}`,
    { cause: error },
  );
}

/**
 * Connections to one database. Uses no named statements and no session state, so that a pooler in
 * transaction mode can sit between.
 */
export class ConnectionPool extends Pool {
  /** The statements that begin a read-write transaction. */
  readonly begin: string;
  /** The statements that begin a transaction of one read-only statement. */
  readonly beginRead: string;
  readonly attemptsMax: number;
  readonly #pending = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(settings: PoolSettings) {
    const { connectTimeoutMs = 0, statementTimeoutMs = 0, lockTimeoutMs = 0 } = settings;
    super({
      connectionString: settings.url,
      application_name: 'onhand',
      max: settings.connectionsMax,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      // Statements are sent without waiting for the results of earlier ones.
      ...PIPELINED,
      ...(statementTimeoutMs === 0
        ? {}
        : {
            query_timeout: Math.max(statementTimeoutMs, lockTimeoutMs) + CLIENT_TIMEOUT_MARGIN_MS,
          }),
      types: {
        // Our bigint values are counts, all below 2⁵³.
        getTypeParser: (type, format): unknown =>
          type === types.builtins.INT8 ? Number : types.getTypeParser(type, format),
      },
    });
    this.attemptsMax = settings.attemptsMax ?? ATTEMPTS_MAX;
    const toWorkers =
      settings.isDistributed === true ? [`SET LOCAL citus.propagate_set_commands = 'local'`] : [];
    this.beginRead = ['BEGIN READ ONLY', ...toWorkers, STEADY_PLANS].join('; ');
    this.begin = [
      // The default, unless the server is configured otherwise. At a higher level, statements behind a
      // lock would read a snapshot that is older than the lock.
      'BEGIN ISOLATION LEVEL READ COMMITTED',
      ...toWorkers,
      `SET LOCAL lock_timeout = ${lockTimeoutMs}`,
      `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS_MAX}`,
      STEADY_PLANS,
    ].join('; ');
    // Idle connections emit an error when the server goes away; without a listener the process would
    // exit. The next statement on the connection reports the failure.
    this.on('error', () => undefined);
    this.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Runs work that `close` waits for, including its retries. */
  async track<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw unavailable(POOL_CLOSED);
    const done = work();
    this.#pending.add(done);
    try {
      return await done;
    } finally {
      this.#pending.delete(done);
    }
  }

  /** Waits for pending work, then closes the connections. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled(this.#pending).then(() => this.end());
    return this.#closed;
  }
}

export interface TransactionOptions<T> {
  /** Reads one snapshot of the database, taken when the first statement runs. */
  readonly readOnly?: boolean;
  /**
   * Runs in a new transaction after the connection was lost during a commit. Returns the result if the
   * work was applied, undefined if it was not and should be retried. Must first lock a row that the work
   * locked, because the lost commit may still be running.
   */
  readonly resolveOutcome?: (client: PoolClient) => Promise<T | undefined>;
  /**
   * Returns a last statement, sent together with the commit to save a round trip. With this option, the
   * work also starts before `BEGIN` has been answered, so its first statements must only read.
   */
  readonly finalStatement?: (value: T) => Statement | undefined;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

const ATTEMPTS_MAX = 5;
/** About ten seconds, with the delays between. */
const RESOLVE_ATTEMPTS_MAX = 15;
/** Delays double from one attempt to the next. */
const FIRST_RETRY_DELAY_MS = 20;
const RETRY_DELAY_MS_MAX = 1000;

/**
 * Runs work in a transaction and commits it. Retries the work after transient failures that left nothing
 * applied, such as a deadlock or a lost connection; the work must therefore have no other side effects.
 * Errors that the work throws roll back and are rethrown.
 *
 * @throws OnhandError `store_unavailable` if the database cannot do it now; `OutcomeUnknownError` if it is
 *   unknown whether the work was applied
 */
export function inTransaction<T>(
  pool: ConnectionPool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions<T> = {},
): Promise<T> {
  return pool.track(() => runUntilOutcomeKnown(pool, work, options));
}

async function runUntilOutcomeKnown<T>(
  pool: ConnectionPool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions<T>,
): Promise<T> {
  const begin =
    options.readOnly === true ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : pool.begin;
  try {
    return await retry(ATTEMPTS_MAX, () =>
      withClient(pool, (client) => runAndCommit(client, begin, work, options.finalStatement)),
    );
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError) || options.resolveOutcome === undefined)
      throw error;
    const applied = await resolveOutcome(pool, options.resolveOutcome, error);
    return applied ?? runUntilOutcomeKnown(pool, work, options);
  }
}

async function resolveOutcome<T>(
  pool: ConnectionPool,
  resolve: (client: PoolClient) => Promise<T | undefined>,
  unknown: OutcomeUnknownError,
): Promise<T | undefined> {
  try {
    return await retry(RESOLVE_ATTEMPTS_MAX, () =>
      withClient(pool, (client) => runAndCommit(client, pool.begin, resolve)),
    );
  } catch (error) {
    if (error instanceof OnhandError) throw unknown;
    throw error;
  }
}

/** Runs one read-only statement outside a transaction. Retries as `inTransaction` does. */
export function read<R extends object>(
  pool: ConnectionPool,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<readonly R[]> {
  const query = async (client: PoolClient): Promise<readonly R[]> => {
    const { rows } = await client.query<R>(sql, [...parameters]);
    return rows;
  };
  return pool.track(() => retry(pool.attemptsMax, () => withClient(pool, query)));
}

/** Like `read`, in a transaction with the settings that the joins of `lookups.ts` need. */
export function readSteadily<R extends object>(
  pool: ConnectionPool,
  sql: string,
  parameters: readonly unknown[],
): Promise<readonly R[]> {
  const query = async (client: PoolClient): Promise<readonly R[]> => {
    const [, { rows }] = await settleAll([
      client.query(pool.beginRead),
      client.query<R>(sql, [...parameters]),
      client.query('COMMIT'),
    ]);
    return rows;
  };
  return pool.track(() => retry(pool.attemptsMax, () => withClient(pool, query)));
}

async function retry<T>(attemptsMax: number, attempt: () => Promise<T>): Promise<T> {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt();
    } catch (error) {
      const failure = error instanceof ConnectError ? error.failure : classifyDatabaseError(error);
      if (failure === undefined) throw error;
      if (!failure.isTransient || n >= attemptsMax) throw unavailable(failure, error);
    }
    const delayMs = Math.min(RETRY_DELAY_MS_MAX, FIRST_RETRY_DELAY_MS * 2 ** (n - 1));
    await delay(delayMs * (0.5 + Math.random()));
  }
}

/** No connection could be opened: no statement was sent. */
class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly failure: DatabaseFailure;

  constructor(cause: unknown) {
    super('no connection to the database', { cause });
    this.failure = classifyConnectError(cause);
  }
}

/** Lends a connection of the pool. One that may be broken, or in a transaction, is closed afterwards. */
async function withClient<T>(
  pool: ConnectionPool,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw new ConnectError(error);
  }
  let isReusable = false;
  try {
    const value = await work(client);
    isReusable = true;
    return value;
  } catch (error) {
    isReusable = !isConnectionLost(error) && (await rollBack(client));
    throw error;
  } finally {
    client.release(!isReusable);
  }
}

function isConnectionLost(error: unknown): boolean {
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

async function runAndCommit<T>(
  client: PoolClient,
  begin: string,
  work: (client: PoolClient) => Promise<T>,
  finalStatement?: TransactionOptions<T>['finalStatement'],
): Promise<T> {
  const begun = client.query(begin);
  if (finalStatement === undefined) await begun;
  const [, value] = await settleAll([begun, work(client)]);
  const final = finalStatement?.(value);
  let command: string;
  try {
    const written = final && client.query(final.text, [...final.values]);
    [, { command }] = await settleAll([written, client.query('COMMIT')]);
  } catch (error) {
    const isRolledBack =
      error instanceof DatabaseError && classifyDatabaseError(error)?.isConnectionLost !== true;
    throw isRolledBack ? error : new OutcomeUnknownError(error);
  }
  // PostgreSQL answers ROLLBACK to the commit of a transaction with a failed statement.
  if (command !== 'COMMIT') throw new Error('the transaction ignored the error of a statement');
  return value;
}

/** Like `Promise.all`, but waits for all promises to settle before it rejects. */
async function settleAll<T extends readonly unknown[] | []>(
  promises: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
