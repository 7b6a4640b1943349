/** Reading query strings: parameters arrive as texts, each any number of times. */
import type { Static, TObject } from 'typebox';
import { OnhandError } from '../domain/errors.ts';
import { createValidator } from './schema.ts';
import { readTimeUs } from './times.ts';
import { quoteValue } from './validation-messages.ts';

/** Each parameter with its values. */
export type Query = ReadonlyMap<string, readonly string[]>;

export const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * Returns a reader of queries with the given schema: integers are converted, defaults are filled in, and
 * `supplier_uuids` is split. The reader throws `parameter_invalid`.
 */
export function createQueryReader<Schema extends TObject>(
  schema: Schema,
): (query: Query) => Static<Schema> {
  const validate = createValidator(schema, 'The query', 'parameter_invalid');
  const members: Readonly<Record<string, object>> = schema.properties;
  const defaults = Object.entries(members).flatMap(([name, member]) =>
    'default' in member ? [[name, member.default] as const] : [],
  );
  const isInteger = (name: string): boolean => {
    const member = members[name] ?? {};
    return 'type' in member && member.type === 'integer';
  };
  const read = (name: string, values: readonly string[]): unknown => {
    if (name === 'supplier_uuids') return readUuids(values);
    if (values.length > 1) throw invalidQuery(`${name} is given ${values.length} times`);
    const [text = ''] = values;
    return isInteger(name) && /^[0-9]{1,15}$/.test(text) ? Number(text) : text;
  };
  return (query) =>
    validate(
      Object.fromEntries([
        ...defaults,
        ...Array.from(query, ([name, values]) => [name, read(name, values)] as const),
      ]),
    );
}

/** Reads an RFC 3339 time as milliseconds since 1970-01-01T00:00Z, rounded down. Throws `parameter_invalid`. */
export function readTimeMs(name: string, text: string): number {
  const timeUs = readTimeUs(text);
  if (timeUs === undefined) {
    throw invalidQuery(`${name} ${quoteValue(text)} is not a time such as 2026-01-31T12:00:00Z`);
  }
  return Math.floor(timeUs / 1000);
}

/** Reads uuids that are comma-separated, repeated, or both. Throws `parameter_invalid`. */
export function readUuids(values: readonly string[]): readonly string[] {
  const uuids = values.flatMap((value) => value.split(',')).map((uuid) => uuid.trim());
  const wrong = uuids.find((uuid) => !UUID.test(uuid));
  if (wrong !== undefined) {
    throw invalidQuery(`supplier_uuids: ${quoteValue(wrong)} is not a uuid`);
  }
  return uuids.map((uuid) => uuid.toLowerCase());
}

export function invalidQuery(what: string): OnhandError {
  return new OnhandError('parameter_invalid', `The query cannot be read: ${what}.`);
}
