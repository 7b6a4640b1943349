import type { FastifyRequest } from 'fastify';

/** The methods that have series and spans of their own; OpenTelemetry names the others `_OTHER`. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The method of a request, or `_OTHER`: a client must not be able to make up names. */
export function knownMethod({ method }: FastifyRequest): string {
  return METHODS.has(method) ? method : '_OTHER';
}
