/**
 * Errors of a request as a whole. The failure of a single line is a result, not an error. Each code has one HTTP status (`http/problems.ts`) and one entry in `docs/errors.md`.
 */
export const ERROR_CODES = [
  'path_not_found',
  'method_not_allowed',
  'unauthenticated',
  'not_a_supplier',
  'permission_missing',
  'session_needed',
  'setup_refused',
  'not_an_operator',
  'cross_site_request',
  'rate_limited',
  'file_quota_exceeded',
  'organization_budget_exceeded',
  'overloaded',
  'server_stopping',
  'store_unavailable',
  'disk_space_low',
  'media_type_unsupported',
  'body_too_large',
  'too_many_lines',
  'too_costly',
  'headers_too_large',
  'request_timeout',
  'request_malformed',
  'body_missing',
  'body_malformed',
  'body_shape_wrong',
  'parameter_invalid',
  'stream_refused',
  'member_invalid',
  'sku_not_found',
  'batch_not_found',
  'results_expired',
  'file_not_found',
  'file_state_wrong',
  'session_not_found',
  'token_not_found',
  'user_not_found',
  'organization_not_found',
  'connection_not_found',
  'webhook_not_found',
  'webhook_refused',
  'recipient_not_found',
  'recipient_refused',
  'history_expired',
  'already_exists',
  'request_in_progress',
  'idempotency_key_reused',
  'snapshot_refused',
  'breaker_tripped',
  'duplicate_skus',
  'ambiguous_decimal',
  'confirmation_invalid',
  'cursor_expired',
  'login_failed',
  'line_failed',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error whose message may be sent to the client: it says what was wrong and what to do. */
export class OnhandError extends Error {
  override readonly name = 'OnhandError';
  readonly code: ErrorCode;
  /** After how many seconds to retry. */
  readonly retryAfterSeconds: number | undefined;
  /** Whether the request may have been applied nevertheless: completely or not at all. */
  readonly isOutcomeUnknown: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly retryAfterSeconds?: number;
      readonly isOutcomeUnknown?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.isOutcomeUnknown = options.isOutcomeUnknown ?? false;
  }
}
