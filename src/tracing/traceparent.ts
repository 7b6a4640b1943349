import {
  createTraceState,
  isSpanContextValid,
  TraceFlags,
  type SpanContext,
} from '@opentelemetry/api';

/** W3C Trace Context, §3.2: version, trace ID, parent ID, flags; later versions may append to that. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const VERSION = '00';
const INVALID_VERSION = 'ff';

/**
 * The trace context of a request. Undefined if there is none or it is malformed: the trace then starts here.
 *
 * @param tracestate what the vendors of the sender's tracing systems added; ignored if malformed
 */
export function readTraceparent(
  traceparent: string | undefined,
  tracestate?: string,
): SpanContext | undefined {
  if (traceparent === undefined) return undefined;
  const found = TRACEPARENT.exec(traceparent.trim());
  if (found === null) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = found;
  if (version === INVALID_VERSION || (version === VERSION && rest !== undefined)) return undefined;
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED;
  const context = {
    traceId,
    spanId,
    traceFlags,
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
  return isSpanContextValid(context) ? context : undefined;
}

/** Without the `tracestate`: what a sender's tracing system notes there is not for other organizations. */
export function printTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
  return `${VERSION}-${traceId}-${spanId}-${flags}`;
}
