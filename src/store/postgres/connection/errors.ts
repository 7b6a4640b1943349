import { DatabaseError } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';

/** A failure of the environment, not of our code. Clients should retry later. */
export interface DatabaseFailure {
  /** Safe for clients: contains no host name, user name or SQL. */
  readonly message: string;
  /** The connection is unusable; the outcome of its last statement is unknown. */
  readonly isConnectionLost: boolean;
  /** An immediate retry is likely to succeed. */
  readonly isTransient: boolean;
  readonly retryAfterSeconds: number;
}

const RETRY_SOON_SECONDS = 1;
const RETRY_LATER_SECONDS = 30;

const CONNECTION_LOST: DatabaseFailure = {
  message: 'The database cannot be reached.',
  isConnectionLost: true,
  isTransient: true,
  retryAfterSeconds: RETRY_SOON_SECONDS,
};
const BUSY: DatabaseFailure = {
  message: 'The database is busy.',
  isConnectionLost: false,
  isTransient: true,
  retryAfterSeconds: RETRY_SOON_SECONDS,
};
/** No connection became available: no statement was sent, and an immediate retry would not help. */
const NO_CONNECTION: DatabaseFailure = {
  ...CONNECTION_LOST,
  message: 'No connection to the database became available in time.',
  isTransient: false,
};
export const POOL_CLOSED: DatabaseFailure = {
  ...CONNECTION_LOST,
  message: 'The database is closed.',
  isTransient: false,
};

function persistent(message: string): DatabaseFailure {
  return {
    message,
    isConnectionLost: false,
    isTransient: false,
    retryAfterSeconds: RETRY_LATER_SECONDS,
  };
}

/** By SQLSTATE (five characters) or SQLSTATE class (two). The more specific entry wins. */
const FAILURES_BY_SQLSTATE: Readonly<Record<string, DatabaseFailure>> = {
  // connection_exception
  '08': CONNECTION_LOST,
  // read_only_sql_transaction: a new connection may reach the new primary.
  '25006': {
    ...CONNECTION_LOST,
    message: 'The database cannot be written: it is a standby, or set to be read only.',
  },
  // idle_in_transaction_session_timeout, transaction_timeout: the server closed the connection.
  '25P03': CONNECTION_LOST,
  '25P04': CONNECTION_LOST,
  // invalid_authorization_specification
  '28': persistent('The database refuses the user that it is opened with.'),
  // invalid_catalog_name
  '3D000': persistent('There is no such database.'),
  // transaction_rollback: deadlock_detected, serialization_failure
  '40': BUSY,
  // statement_completion_unknown
  '40003': CONNECTION_LOST,
  // insufficient_privilege
  '42501': persistent('The user that the database is opened with lacks a privilege.'),
  // insufficient_resources
  '53': persistent('The database has reached one of its resource limits.'),
  // disk_full
  '53100': persistent('The disk that holds the database is full.'),
  // too_many_connections
  '53300': {
    ...CONNECTION_LOST,
    message: 'The database has no connection left.',
    isTransient: false,
  },
  // lock_not_available
  '55P03': BUSY,
  // operator_intervention: admin_shutdown, crash_shutdown, cannot_connect_now
  '57': { ...CONNECTION_LOST, message: 'The database is being restarted.' },
  // query_canceled: statement_timeout
  '57014': { ...BUSY, isTransient: false },
  // system_error: io_error
  '58': persistent('The disk that holds the database failed.'),
  // data_corrupted, index_corrupted
  XX001: persistent('The database is damaged.'),
  XX002: persistent('The database is damaged.'),
};

const SQLSTATE_CLASS_LENGTH = 2;

/** Errors of the driver and the network that have no SQLSTATE. */
const NO_CONNECTION_MESSAGE =
  /^(timeout exceeded when|timeout expired|Connection terminated due to connection timeout)/;
const CONNECTION_LOST_MESSAGE =
  /^(Connection terminated|Query read timeout$|Client (has|was) .* not queryable$)/;
const CONNECTION_LOST_CODE =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOST\w+|ENET\w+|ENOTFOUND|EAI_\w+|EADDRNOTAVAIL)$/;

/** What Citus passes on, as internal errors, when a worker is stopped or killed. */
const WORKER_LOST_MESSAGE =
  /\b(unexpected postmaster exit|postmaster was shut down|connection not open|server closed the connection|connection to the remote node)/;

/** Classifies an error of a statement. Undefined: the environment is not to blame, so it is a bug. */
export function classifyDatabaseError(error: unknown): DatabaseFailure | undefined {
  if (error instanceof DatabaseError) {
    const sqlstate = error.code ?? '';
    if (sqlstate === 'XX000' && WORKER_LOST_MESSAGE.test(error.message)) return CONNECTION_LOST;
    return (
      FAILURES_BY_SQLSTATE[sqlstate] ??
      FAILURES_BY_SQLSTATE[sqlstate.slice(0, SQLSTATE_CLASS_LENGTH)]
    );
  }
  if (!(error instanceof Error)) return undefined;
  if (NO_CONNECTION_MESSAGE.test(error.message)) return NO_CONNECTION;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return CONNECTION_LOST_MESSAGE.test(error.message) || CONNECTION_LOST_CODE.test(code)
    ? CONNECTION_LOST
    : undefined;
}

/** Classifies an error of opening a connection: no statement was sent, whatever the error is. */
export function classifyConnectError(error: unknown): DatabaseFailure {
  const known = classifyDatabaseError(error);
  if (known !== undefined) return known;
  return error instanceof Error && error.message.startsWith('SASL')
    ? persistent('The database refuses the password it is opened with.')
    : persistent('No secure connection to the database can be made.');
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23505';
}

export function isForeignKeyViolation(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23503';
}

/** The error for clients after a failure that left nothing applied. */
export function unavailable(failure: DatabaseFailure, cause?: unknown): OnhandError {
  return new OnhandError(
    'store_unavailable',
    `${failure.message} Nothing of this request was applied; send it again later.`,
    { retryAfterSeconds: failure.retryAfterSeconds, cause },
  );
}

/** The connection was lost during a commit: either everything was applied or nothing. */
export class OutcomeUnknownError extends OnhandError {
  constructor(cause: unknown) {
    super(
      'store_unavailable',
      'The connection to the database was lost during a write. Either all of this request was applied or nothing: check before you send it again, or send it with an idempotency key.',
      { retryAfterSeconds: RETRY_SOON_SECONDS, isOutcomeUnknown: true, cause },
    );
  }
}
