import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { BatchSource } from '../../domain/batches.ts';
import { headerOf } from '../request/headers.ts';

/**
 * What makes two requests with one `Idempotency-Key` the same: path, query, the headers that change what
 * is done or answered, and the body.
 */
export function requestFingerprint(
  request: FastifyRequest,
  source: BatchSource,
  body: string,
): Uint8Array {
  const question = request.url.indexOf('?');
  const query = question < 0 ? '' : request.url.slice(question + 1);
  return hash([source, query, headerOf(request, 'prefer'), headerOf(request, 'as-of')], body);
}

/**
 * What a breaker's confirmation lets through: a body, with what would make it do something else. How it
 * is to be answered may differ.
 */
export function bodyFingerprint(
  request: FastifyRequest,
  source: BatchSource,
  isSnapshot: boolean,
  body: string,
): Uint8Array {
  return hash([source, isSnapshot, headerOf(request, 'as-of')], body);
}

function hash(head: readonly unknown[], body: string): Uint8Array {
  return createHash('sha256').update(JSON.stringify(head)).update('\n').update(body).digest();
}
