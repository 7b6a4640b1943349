import { OnhandError } from '../../../domain/errors.ts';
import { classifyDatabaseError, classifyConnectError } from './errors.ts';

/** Whether a database is named as PostgreSQL's are, well formed or not. */
export function isPostgresUrl(database: string): boolean {
  return /^postgres(ql)?:/i.test(database);
}

/**
 * A database's URL as it may be shown: with no user, password, or parameters.
 *
 * @throws OnhandError `parameter_invalid` for a URL that cannot be read; shows nothing of it
 */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !isPostgresUrl(url) || !url.includes('://')) {
    throw new OnhandError(
      'parameter_invalid',
      'The database URL cannot be read: give it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, with characters such as @ and / in a password percent-encoded (%40, %2F).',
    );
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

/** Why a database cannot be opened, for its operator; anything that is no trouble as it is. */
export function cannotOpen(url: string, error: unknown): unknown {
  if (!(error instanceof OnhandError)) return error;
  const { cause } = error;
  // A text of its own, such as that of a newer schema.
  if (cause === undefined) return error;
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  const trouble = classifyDatabaseError(inner) ?? classifyConnectError(inner);
  return new OnhandError(
    'store_unavailable',
    `The database ${shownUrl(url)} cannot be opened. ${trouble.because}`,
    { cause: error },
  );
}
