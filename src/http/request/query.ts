import type { FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';

/** The query of a request, each parameter with its values in the order sent. */
export function queryOf(request: FastifyRequest): ReadonlyMap<string, readonly string[]> {
  const question = request.url.indexOf('?');
  const query = new Map<string, string[]>();
  if (question < 0) return query;
  for (const [name, value] of new URLSearchParams(request.url.slice(question + 1))) {
    const values = query.get(name);
    if (values === undefined) query.set(name, [value]);
    else values.push(value);
  }
  return query;
}

/**
 * Refuses, as `parameter_invalid`, parameters other than the known ones: a typing error must never look
 * like success.
 */
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

/** A parameter that is true or false; undefined where it is not given. Throws `parameter_invalid`. */
export function flagOf(request: FastifyRequest, name: string): boolean | undefined {
  const values = queryOf(request).get(name) ?? [];
  const wrong = values.find((value) => value !== 'true' && value !== 'false');
  if (wrong !== undefined || values.length > 1) {
    throw new OnhandError('parameter_invalid', `${name} must be true or false, given once.`);
  }
  return values[0] === undefined ? undefined : values[0] === 'true';
}
