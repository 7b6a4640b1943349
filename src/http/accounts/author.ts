/** Whom the audit log names for what a request does. */
import type { FastifyRequest } from 'fastify';
import type { Author } from '../../domain/audit.ts';
import type { Principal } from '../../domain/parties.ts';

/** The author of an authenticated request. */
export function authorOf(request: FastifyRequest, { username, tokenId }: Principal): Author {
  const kind = username === null ? 'token' : 'user';
  return { kind, name: username, tokenId, requestId: request.id, address: request.ip };
}

/** The author of a request that proves who it is from with a username and password. */
export function authorByPassword(request: FastifyRequest, username: string): Author {
  return { kind: 'user', name: username, requestId: request.id, address: request.ip };
}
