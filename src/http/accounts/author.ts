/** Whom the audit log names for what a request does. */
import type { FastifyRequest } from 'fastify';
import type { AuditNote, Author } from '../../domain/audit.ts';
import type { AuditStore } from '../../store/store.ts';
import type { Principal } from '../../domain/parties.ts';
import { logEvent } from '../../logging/event-log.ts';

/** The author of an authenticated request. */
export function authorOf(request: FastifyRequest, { username, tokenId }: Principal): Author {
  const kind = username === null ? 'token' : 'user';
  return { kind, name: username, tokenId, requestId: request.id, address: request.ip };
}

/** The author of a request that proves who it is from with a username and password. */
export function authorByPassword(request: FastifyRequest, username: string): Author {
  return { kind: 'user', name: username, requestId: request.id, address: request.ip };
}

/** What the audit log says of what a request did: its author, and the organization for which it acted. */
export function noteOf(
  request: FastifyRequest,
  principal: Principal,
  { action, subject, details }: Pick<AuditNote, 'action' | 'subject' | 'details'>,
): AuditNote {
  return {
    author: authorOf(request, principal),
    organizationId: principal.organizationId,
    action,
    subject,
    ...(details !== undefined && { details }),
  };
}

/**
 * Adds an entry about what is done already. A failure changes nothing about that, so the response must not say otherwise:
 * the log of the server gets what the audit log lacks.
 */
export async function appendNote(
  audit: Pick<AuditStore, 'append'>,
  request: FastifyRequest,
  note: AuditNote,
): Promise<void> {
  try {
    await audit.append(note);
  } catch (error) {
    logEvent(request.log, 'audit entry not written', { err: error, entry: note });
  }
}
