import { printWebhookBody, type WebhookMessage } from '../wire/changes/webhooks.ts';
import type { WebhookExchange } from '../domain/webhooks.ts';
import { hiding, shownHeaders, shownRequest } from './exchange.ts';
import { beginDelivery } from '../tracing/spans.ts';
import { postWebhook, type WebhookHttpOptions, type WebhookResponse } from './http-post.ts';
import { type AttemptResult, readRetryAfter } from './schedule.ts';
import { signatureHeaders, type WebhookSecrets } from './signature.ts';

/** One attempt to deliver one message. */
export interface Attempt {
  readonly url: string;
  readonly secrets: WebhookSecrets;
  /** The same for every attempt; letters, digits, `_` and `-`. */
  readonly messageId: string;
  readonly message: WebhookMessage;
  /** When the message was created: milliseconds since 1970-01-01T00:00Z. */
  readonly madeAtMs: number;
  /** The trace contexts of what the message is about, in order. */
  readonly causes?: readonly string[];
}

export interface DeliverOptions extends WebhookHttpOptions {
  /** Such as `onhand/1.2.3`. */
  readonly userAgent: string;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly now: () => number;
}

/** The result of an attempt: for the schedule, and for the delivery log. */
export interface AttemptOutcome {
  readonly result: AttemptResult;
  /** The status of the response; null if there was none. */
  readonly status: number | null;
  /** The beginning of the response, or why there was none. */
  readonly text: string;
  readonly exchange: WebhookExchange;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/**
 * Makes one attempt. Ends within `timeoutMs`; a failure of the receiver is a result, not a rejection.
 *
 * @param signal ends the attempt early
 */
export async function deliver(
  attempt: Attempt,
  options: DeliverOptions,
  signal?: AbortSignal,
): Promise<AttemptOutcome> {
  const startedAtMs = options.now();
  const body = printWebhookBody(attempt.message, attempt.madeAtMs);
  const { url, secrets, causes = [] } = attempt;
  const span = beginDelivery(attempt.messageId, url, causes);
  const signed = signatureHeaders({ id: attempt.messageId, body }, secrets, startedAtMs);
  const headers = {
    'content-type': 'application/json',
    'user-agent': options.userAgent,
    ...signed,
    // Without a tracestate: what the sender's tracing system noted there is not for the receiver.
    ...(span !== null && { traceparent: span.traceparent }),
  };
  const response = await postWebhook({ url, headers, body }, options, signal);
  const endedAtMs = options.now();
  const hide = hiding(secrets, signed);
  const isAnswered = response.kind === 'answered';
  const result = resultOf(response, endedAtMs);
  span?.end(
    () => (isAnswered ? { 'http.response.status_code': response.status } : {}),
    result.kind === 'delivered' ? undefined : isAnswered ? String(response.status) : 'no_response',
  );
  return {
    result,
    status: isAnswered ? response.status : null,
    text: isAnswered ? hide(response.text) : response.failure,
    exchange: {
      request: shownRequest({ url, headers }, body, options.excerptBytesMax),
      responseHeaders: isAnswered ? shownHeaders(response.headers, hide) : null,
    },
    startedAtMs,
    durationMs: endedAtMs - startedAtMs,
  };
}

/** Interprets a response (Standard Webhooks: only 2xx is success, 410 is permanent). */
function resultOf(response: WebhookResponse, nowMs: number): AttemptResult {
  if (response.kind === 'failed') {
    return { kind: 'failed', failure: response.failure, retryAfterMs: null };
  }
  const { status, retryAfter } = response;
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  return {
    kind: 'failed',
    failure:
      status >= 300 && status < 400
        ? `The receiver answered ${status}; redirects are not followed. Register the URL that it redirects to.`
        : `The receiver answered ${status}.`,
    retryAfterMs: retryAfter === null ? null : readRetryAfter(retryAfter, nowMs),
  };
}
