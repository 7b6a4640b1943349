import { OnhandError } from '../../../domain/errors.ts';

/** Whether a database is named by a PostgreSQL URL, well formed or not. */
export function isPostgresUrl(database: string): boolean {
  return /^postgres(ql)?:/i.test(database);
}

/**
 * A database URL that is safe to print: without user, password and parameters.
 *
 * @throws OnhandError `parameter_invalid` for a URL that cannot be parsed; the error does not quote it
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
