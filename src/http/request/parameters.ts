/** The parameters of a request: its query, its headers and the uuid in its path. */
import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { ActingQuerySchema } from '../../wire/organizations.ts';

/** With these an operator names the organization that a request is for. */
export const ACTING_PARAMETERS: readonly string[] = Object.keys(ActingQuerySchema.properties);

/** The query parameters, each with its values in the order sent; without those by which an operator acts for another organization. */
export function queryOf(request: FastifyRequest): ReadonlyMap<string, readonly string[]> {
  const sent = sentQueryOf(request);
  if (request.actsFor === null) return sent;
  const query = new Map(sent);
  for (const name of ACTING_PARAMETERS) query.delete(name);
  return query;
}

/** All query parameters, each with its values in the order sent. */
export function sentQueryOf(request: FastifyRequest): ReadonlyMap<string, readonly string[]> {
  const start = request.url.indexOf('?');
  const query = new Map<string, string[]>();
  if (start < 0) return query;
  for (const [name, value] of new URLSearchParams(request.url.slice(start + 1))) {
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

/** Throws `parameter_invalid` for an unknown parameter: a typing error must not look like success. */
export function checkParameters(request: FastifyRequest, known: readonly string[]): void {
  const unknown = [...queryOf(request).keys()].filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const named = unknown.slice(0, 10).map((name) => JSON.stringify(name.slice(0, 64)));
  const valid = known.length === 0 ? 'this path takes none' : `valid are ${known.join(', ')}`;
  throw new OnhandError(
    'parameter_invalid',
    `Unknown query parameter${unknown.length === 1 ? '' : 's'} ${named.join(', ')}; ${valid}.`,
  );
}

/** A boolean parameter; undefined if it was not sent. Throws `parameter_invalid`. */
export function flagOf(request: FastifyRequest, name: string): boolean | undefined {
  const values = queryOf(request).get(name) ?? [];
  const wrong = values.find((value) => value !== 'true' && value !== 'false');
  if (wrong !== undefined || values.length > 1) {
    throw new OnhandError('parameter_invalid', `${name} must be true or false, given once.`);
  }
  return values[0] === undefined ? undefined : values[0] === 'true';
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The `uuid` in the path, in lower case; undefined if it is not a UUID. */
export function uuidOf(request: FastifyRequest): string | undefined {
  return uuidParameter(request, 'uuid');
}

/** A UUID in the path by its name, in lower case; undefined if it is not a UUID. */
export function uuidParameter({ params }: FastifyRequest, name: string): string | undefined {
  const all: Readonly<Record<string, unknown>> =
    typeof params === 'object' && params !== null ? { ...params } : {};
  const value = all[name];
  const uuid = typeof value === 'string' ? value.toLowerCase() : '';
  return UUID.test(uuid) ? uuid : undefined;
}

/** The longest reason and reference of a batch, in Unicode code points. */
export const NOTE_CODE_POINTS_MAX = 256;

const KEY = /^[!-~]{1,255}$/;

/** A header as Node decodes it; undefined if it was not sent or is empty. */
export function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  const text = Array.isArray(value) ? value.join(', ') : value;
  return text === undefined || text === '' ? undefined : text;
}

/** A header of 1 to 255 visible ASCII characters; undefined if not sent. Throws `parameter_invalid`. */
export function keyHeaderOf(request: FastifyRequest, name: string): string | undefined {
  if (request.headers[name.toLowerCase()] === undefined) return undefined;
  const key = headerOf(request, name.toLowerCase()) ?? '';
  if (KEY.test(key)) return key;
  throw new OnhandError(
    'parameter_invalid',
    `The header ${name} must be 1 to 255 visible ASCII characters, without spaces.`,
  );
}

/** A header with free text; undefined if it was not sent or is empty. Throws `parameter_invalid`. */
export function noteHeaderOf(request: FastifyRequest, name: string): string | undefined {
  const sent = headerOf(request, name.toLowerCase());
  if (sent === undefined) return undefined;
  const note = decodeUtf8(sent);
  if (Array.from(note).length <= NOTE_CODE_POINTS_MAX && !/\p{Cc}/u.test(note)) return note;
  throw new OnhandError(
    'parameter_invalid',
    `The header ${name} must be at most ${NOTE_CODE_POINTS_MAX} characters, none of them a control character.`,
  );
}

/** Node decodes headers as Latin-1. Decodes those that are valid UTF-8 as such. */
function decodeUtf8(header: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(header, 'latin1'));
  } catch {
    return header;
  }
}
