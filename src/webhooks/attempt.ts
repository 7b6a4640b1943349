import { printWebhookBody, type WebhookMessage } from '../wire/changes/webhooks.ts';
import { postWebhook, type WebhookHttpOptions, type WebhookResponse } from './http-post.ts';
import { type AttemptResult, readRetryAfter } from './schedule.ts';
import { signatureHeaders, type WebhookSecrets } from './signature.ts';

/** One attempt to bring one message to one receiver. */
export interface Attempt {
  readonly url: string;
  readonly secrets: WebhookSecrets;
  /** The same for every attempt; letters, digits, `_` and `-`. */
  readonly messageId: string;
  readonly message: WebhookMessage;
  /** When the message was made: milliseconds since 1970-01-01T00:00Z. */
  readonly madeAtMs: number;
}

export interface DeliverOptions extends WebhookHttpOptions {
  /** Who is sending, with the version: `onhand/1.2.3`. */
  readonly userAgent: string;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly now: () => number;
}

/** What an attempt came to: for the schedule, and for the delivery log. */
export interface AttemptOutcome {
  readonly result: AttemptResult;
  /** The receiver's status; null where it did not answer. */
  readonly status: number | null;
  /** The first bytes of its response, or why there was none. */
  readonly text: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/** Makes one attempt. Ends within `timeoutMs`, and never rejects for what a receiver does. */
export async function deliver(attempt: Attempt, options: DeliverOptions): Promise<AttemptOutcome> {
  const startedAtMs = options.now();
  const body = printWebhookBody(attempt.message, attempt.madeAtMs);
  const response = await postWebhook(
    {
      url: attempt.url,
      headers: {
        'content-type': 'application/json',
        'user-agent': options.userAgent,
        ...signatureHeaders({ id: attempt.messageId, body }, attempt.secrets, startedAtMs),
      },
      body,
    },
    options,
  );
  const endedAtMs = options.now();
  const isAnswered = response.kind === 'answered';
  return {
    result: resultOf(response, endedAtMs),
    status: isAnswered ? response.status : null,
    text: isAnswered ? response.text : response.failure,
    startedAtMs,
    durationMs: endedAtMs - startedAtMs,
  };
}

/** What a response means (Standard Webhooks: 2xx alone is success, 410 is for ever). */
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
        ? `The receiver answered ${status}; redirects are not followed: register the url that it leads to.`
        : `The receiver answered ${status}.`,
    retryAfterMs: retryAfter === null ? null : readRetryAfter(retryAfter, nowMs),
  };
}
