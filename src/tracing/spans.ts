/**
 * Spans for an OpenTelemetry SDK, if the operator has loaded one before onhand. Without one, nothing is recorded: a
 * span then only passes on the trace context that a client sent.
 */
import {
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { Batch } from '../domain/batches.ts';
import { OnhandError } from '../domain/errors.ts';
import type { FileRecord } from '../domain/files.ts';
import type { BatchTimes } from '../intake/intake.ts';
import { printTraceparent, readTraceparent } from './traceparent.ts';

/** The most traces that a span is linked to: what SDKs keep by default. */
const LINKS_MAX = 128;

/** Work that is in progress, within a trace. */
export class WorkSpan {
  readonly #span: Span;
  /** The context for what this work causes. */
  readonly traceparent: string;

  private constructor(span: Span) {
    this.#span = span;
    this.traceparent = printTraceparent(span.spanContext());
  }

  /** Null if there is neither an SDK nor a trace to pass on. */
  static of(span: Span): WorkSpan | null {
    return isSpanContextValid(span.spanContext()) ? new WorkSpan(span) : null;
  }

  /** What log entries say of the trace. Without an SDK, the span is the client's. */
  get ids(): { readonly trace_id: string; readonly span_id: string } {
    const { traceId, spanId } = this.#span.spanContext();
    return { trace_id: traceId, span_id: spanId };
  }

  /**
   * Ends the span, once.
   *
   * @param attributes called only if the span is recorded
   * @param failure a short, fixed name of what went wrong; undefined if nothing did
   */
  end(attributes: () => Attributes, failure?: string, name?: string): void {
    if (!this.#span.isRecording()) return;
    this.#span.setAttributes(attributes());
    if (name !== undefined) this.#span.updateName(name);
    if (failure !== undefined) {
      this.#span.setAttribute('error.type', failure);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

/**
 * A request has arrived.
 *
 * @param method one of HTTP's, or `_OTHER`
 */
export function beginRequest(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  { method, path }: { readonly method: string; readonly path: string },
): WorkSpan | null {
  // Not the active span: a request that has waited is begun while another organization's is active.
  const parent = contextOf(textOf(headers['traceparent']), textOf(headers['tracestate']));
  const attributes = { 'http.request.method': method, 'url.path': path };
  return WorkSpan.of(
    tracer().startSpan(requestName(method), { kind: SpanKind.SERVER, attributes }, parent),
  );
}

/** The name of a request's span (OpenTelemetry's semantic conventions for HTTP). */
export function requestName(method: string, route?: string): string {
  const verb = method === '_OTHER' ? 'HTTP' : method;
  return route === undefined ? verb : `${verb} ${route}`;
}

/**
 * A batch was written or refused: two spans, if it is part of a trace. The transaction is shared with other batches, so
 * each has a commit span of its own in its own trace.
 */
export function recordBatch(
  { traceparent, source, lines }: Batch,
  { queuedMs, takenMs, endedMs }: BatchTimes,
  error: unknown,
): void {
  if (traceparent === undefined) return;
  const parent = contextOf(traceparent);
  const attributes = { 'onhand.source': source, 'onhand.lines': lines.count };
  tracer().startSpan('queue wait', { startTime: queuedMs, attributes }, parent).end(takenMs);
  const commit = tracer().startSpan('commit', { startTime: takenMs, attributes }, parent);
  if (error !== undefined) {
    commit.setAttribute('error.type', nameOf(error));
    commit.setStatus({ code: SpanStatusCode.ERROR });
  }
  commit.end(endedMs);
}

/** A file job begins or resumes. Its upload caused it, however long ago. */
export function beginFileJob({ uuid, bytes, traceparent }: FileRecord): WorkSpan | null {
  const attributes = { 'onhand.file': uuid, 'onhand.file_bytes': bytes };
  return WorkSpan.of(
    tracer().startSpan('file job', { attributes }, contextOf(traceparent ?? undefined)),
  );
}

/**
 * An attempt to deliver a webhook message begins. If all its changes were made in one trace, the delivery is part of
 * that trace. Otherwise it has its own, linked to those.
 *
 * @param causes the trace contexts in which the changes were made, in order
 */
export function beginDelivery(
  messageId: string,
  url: string,
  causes: readonly string[],
): WorkSpan | null {
  const contexts = [...new Set(causes)].flatMap((cause) => readTraceparent(cause) ?? []);
  const last = contexts.at(-1);
  const isOneTrace = new Set(contexts.map(({ traceId }) => traceId)).size === 1;
  const parent =
    isOneTrace && last !== undefined ? trace.setSpanContext(ROOT_CONTEXT, last) : ROOT_CONTEXT;
  const linked = isOneTrace ? contexts.slice(0, -1) : contexts;
  const links = linked.slice(-LINKS_MAX).map((context) => ({ context }));
  // The rest of a URL may contain secrets.
  const host = URL.canParse(url) ? new URL(url).host : '';
  const attributes = {
    'http.request.method': 'POST',
    'server.address': host,
    'onhand.message': messageId,
  };
  const kind = SpanKind.CLIENT;
  return WorkSpan.of(tracer().startSpan('webhook delivery', { kind, attributes, links }, parent));
}

/** What log entries say of a trace that was stored with a file. */
export function traceIdOf(traceparent: string | null): { readonly trace_id?: string } {
  const context = readTraceparent(traceparent ?? undefined);
  return context === undefined ? {} : { trace_id: context.traceId };
}

/** A short, fixed name of an error. */
export function nameOf(error: unknown): string {
  if (error instanceof OnhandError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

function contextOf(traceparent: string | undefined, tracestate?: string): Context {
  const context = readTraceparent(traceparent, tracestate);
  return context === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, context);
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

/** Asked for each time: an SDK, or a test's, may be set after this module was loaded. */
function tracer(): Tracer {
  return trace.getTracer('onhand');
}
