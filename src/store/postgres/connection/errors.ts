import { DatabaseError } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';

/** What the environment did to a statement: no bug, and for the client a reason to come again. */
export interface DatabaseFailure {
  /** For clients: names no host, no user, no statement. */
  readonly because: string;
  /** Whether the connection is of no use any more, so that nobody heard how its statement ended. */
  readonly isConnectionLost: boolean;
  /** Whether the same is likely to succeed when it is tried again at once. */
  readonly isPassing: boolean;
  readonly retryAfterSeconds: number;
}

const SOON_SECONDS = 1;
const LATER_SECONDS = 30;

const LOST: DatabaseFailure = {
  because: 'The database cannot be reached.',
  isConnectionLost: true,
  isPassing: true,
  retryAfterSeconds: SOON_SECONDS,
};
const BUSY: DatabaseFailure = {
  because: 'The database is busy.',
  isConnectionLost: false,
  isPassing: true,
  retryAfterSeconds: SOON_SECONDS,
};

function lasting(because: string): DatabaseFailure {
  return {
    because,
    isConnectionLost: false,
    isPassing: false,
    retryAfterSeconds: LATER_SECONDS,
  };
}

/** By SQLSTATE, or the first two characters of it: its class. */
const DATABASE_FAILURES: Readonly<Record<string, DatabaseFailure>> = {
  '08': LOST,
  // The server closes a connection on which a transaction was left open: this one lost its way.
  '25P03': LOST,
  '25P04': LOST,
  '25006': {
    // Whoever connects anew may come to the server that has taken over.
    ...LOST,
    because: 'The database cannot be written: it is a standby, or set to be read only.',
  },
  '28': lasting('The database refuses the user that it is opened with.'),
  '3D000': lasting('There is no such database.'),
  '40': BUSY,
  '40003': LOST,
  '42501': lasting('The user that the database is opened with may not do this.'),
  '53': lasting('The database has come to a limit of its own.'),
  '53100': lasting('The disk that holds the database is full.'),
  '53300': { ...LOST, because: 'The database has no connection left.', isPassing: false },
  '55P03': BUSY,
  '57': { ...LOST, because: 'The database is being restarted.' },
  '57014': { ...BUSY, isPassing: false },
  '58': lasting('The disk that holds the database failed.'),
  XX001: lasting('The database is damaged.'),
  XX002: lasting('The database is damaged.'),
};

const SQLSTATE_CLASS_LENGTH = 2;

/** What the driver and the network say where no server answered. */
const LOST_WORDS =
  /^(Connection terminated|Query read timeout$|Client (has|was) .* not queryable$)/;
const LOST_CODES = /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOST\w+|ENET\w+|ENOTFOUND|EAI_\w+|EADDRNOTAVAIL)$/;

/** Undefined where it is none of the environment's: a bug. */
export function classifyDatabaseError(error: unknown): DatabaseFailure | undefined {
  if (error instanceof DatabaseError) {
    const state = error.code ?? '';
    return DATABASE_FAILURES[state] ?? DATABASE_FAILURES[state.slice(0, SQLSTATE_CLASS_LENGTH)];
  }
  if (!(error instanceof Error)) return undefined;
  if (NO_CONNECTION_WORDS.test(error.message)) return NO_CONNECTION;
  return LOST_WORDS.test(error.message) || hasLostCode(error) ? LOST : undefined;
}

/** The pool's words for one of its own that did not become free, the driver's for a new one. */
const NO_CONNECTION_WORDS =
  /^(timeout exceeded when|timeout expired|Connection terminated due to connection timeout)/;
const NO_CONNECTION: DatabaseFailure = {
  ...LOST,
  because: 'No connection to the database was to be had in time.',
  isPassing: false,
};

export const CLOSED: DatabaseFailure = {
  ...LOST,
  because: 'The database is closed.',
  isPassing: false,
};

function hasLostCode(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && LOST_CODES.test(error.code);
}

/** What a failure to get a connection means: whatever it is, no statement was sent. */
export function classifyConnectError(error: unknown): DatabaseFailure {
  const known = classifyDatabaseError(error);
  if (known !== undefined) return known;
  const said = error instanceof Error ? error.message : '';
  if (said.startsWith('SASL'))
    return lasting('The database refuses the password it is opened with.');
  return lasting('No secure connection to the database can be made.');
}

/** A unique key is taken: the name of the constraint that refused, or undefined for any other failure. */
export function takenKey(error: unknown): string | undefined {
  return error instanceof DatabaseError && error.code === '23505'
    ? (error.constraint ?? '')
    : undefined;
}

/** Nothing was applied; for clients. */
export function unavailable(trouble: DatabaseFailure, cause?: unknown): OnhandError {
  return new OnhandError(
    'store_unavailable',
    `${trouble.because} Nothing of this request was applied; send it again later.`,
    { retryAfterSeconds: trouble.retryAfterSeconds, cause },
  );
}

/** The connection was lost while a commit was on its way: all of it was applied, or nothing. */
export class OutcomeUnknownError extends OnhandError {
  constructor(cause: unknown) {
    super(
      'store_unavailable',
      'The database was lost while it was writing. All of this request was applied, or nothing: look before you send it again, or send it with an idempotency key.',
      { retryAfterSeconds: SOON_SECONDS, isOutcomeUnknown: true, cause },
    );
  }
}
