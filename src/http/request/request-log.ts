import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../../domain/errors.ts';
import type { Principal } from '../../domain/parties.ts';
import type { AnsweredRequest } from '../../metrics/recorder.ts';
import { knownMethod } from './request-method.ts';
import { logEvent } from '../../logging/event-log.ts';

/** What the log says about a request beside its status. */
interface RequestFacts {
  organization?: string;
  token_id?: number;
  error?: ErrorCode;
  lines?: number;
  failed?: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until there is something to log. */
    facts: RequestFacts | null;
    /** Whether it lasts as long as its client likes. */
    isStream: boolean;
  }
}

/**
 * Logs each request when its response has ended: one entry, whose fields `docs/operations.md` lists.
 *
 * @param record counts each of them
 */
export function addRequestLog(
  app: FastifyInstance,
  record?: { answered(answered: AnsweredRequest): void },
): void {
  app.decorateRequest('facts', null);
  app.decorateRequest('isStream', false);
  app.addHook('onResponse', async (request, reply) => {
    logEvent(request.log, 'answered', {
      method: request.method,
      path: pathOf(request.url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 10) / 10,
      address: request.ip,
      ...request.facts,
    });
    record?.answered({
      method: knownMethod(request),
      route: request.routeOptions.url,
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      error: request.facts?.error,
      isStream: request.isStream,
    });
  });
}

/** Has the log say who sent a request, even if it is refused. */
export function noteSender(request: FastifyRequest, sender: Principal): void {
  const { organizationName: organization, tokenId } = sender;
  request.facts = { ...request.facts, organization, token_id: tokenId };
}

/** Has the log say which error a request was answered with. */
export function noteError(request: FastifyRequest, error: ErrorCode): void {
  request.facts = { ...request.facts, error };
}

/** Has the log say how many lines a request contained, and how many of them failed. */
export function noteLines(request: FastifyRequest, lines: number, failed: number): void {
  request.facts = { ...request.facts, lines, failed };
}

/** The path without the query, which may contain what must not be logged. */
export function pathOf(url: string): string {
  const question = url.indexOf('?');
  return question < 0 ? url : url.slice(0, question);
}
