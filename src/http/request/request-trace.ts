import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BatchOrigin } from '../../domain/batches.ts';
import { beginRequest, requestName, type WorkSpan } from '../../tracing/spans.ts';
import { noteHeaderOf } from './parameters.ts';
import { pathOf } from './request-log.ts';
import { knownMethod } from './request-method.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null if the request is part of no trace. */
    span: WorkSpan | null;
  }
}

/** Makes each request a span, if there is an SDK, and part of the client's trace, if it sent one. */
export function addRequestTrace(app: FastifyInstance): void {
  app.decorateRequest('span', null);
  app.addHook('onRequest', async (request, reply) => {
    const { headers, url } = request;
    const span = beginRequest(headers, { method: knownMethod(request), path: pathOf(url) });
    if (span === null) return;
    request.span = span;
    request.log = request.log.child(span.ids);
    reply.log = request.log;
  });
  app.addHook('onResponse', async (request, reply) => {
    const { span, facts } = request;
    if (span === null) return;
    const { statusCode: status } = reply;
    const route = request.routeOptions.url;
    span.end(
      () => ({
        'http.response.status_code': status,
        'url.scheme': request.protocol,
        'server.address': request.hostname,
        'client.address': request.ip,
        'onhand.request_id': request.id,
        ...(route !== undefined && { 'http.route': route }),
        ...(facts?.organization !== undefined && { 'onhand.organization': facts.organization }),
        ...(facts?.lines !== undefined && { 'onhand.lines': facts.lines }),
        ...(facts?.failed !== undefined && { 'onhand.lines_failed': facts.failed }),
        ...(facts?.error !== undefined && { 'onhand.error': facts.error }),
      }),
      status < 500 ? undefined : (facts?.error ?? String(status)),
      requestName(knownMethod(request), route),
    );
  });
}

/** The trace context for what a request causes. */
export function traceOf({ span }: FastifyRequest): { readonly traceparent?: string } {
  return span === null ? {} : { traceparent: span.traceparent };
}

/** What a request says about its batch. Throws `parameter_invalid`. */
export function batchNotesOf(
  request: FastifyRequest,
): Pick<BatchOrigin, 'reason' | 'reference' | 'traceparent'> {
  const reason = noteHeaderOf(request, 'Batch-Reason');
  const reference = noteHeaderOf(request, 'Batch-Reference');
  return {
    ...(reason !== undefined && { reason }),
    ...(reference !== undefined && { reference }),
    ...traceOf(request),
  };
}
