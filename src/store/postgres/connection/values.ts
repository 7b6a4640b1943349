/**
 * What PostgreSQL refuses to be asked for, where SQLite just finds nothing: neither has ever been stored.
 */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether this is a uuid as it is stored and shown. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Whether this can stand in a column of text as it is. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
