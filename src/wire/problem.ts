import type { ErrorCode } from '../domain/errors.ts';
import { Type } from 'typebox';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A problem document (RFC 9457). */
export interface Problem {
  /**
   * The kind of problem, for programs: `/docs/errors#` and the error's code. Never changes. Relative to the
   * server, because onhand does not know its public address.
   */
  readonly type: string;
  /** The kind of problem in words. */
  readonly title: string;
  /** The HTTP status of the reply. */
  readonly status: number;
  /** What was wrong, and what to do about it. */
  readonly detail: string;
  /** The same text as `detail`. */
  readonly message: string;
  readonly request_id: string;
  /** Sent with the request again, it allows a batch that exceeds the safety limit. */
  readonly confirmation_code?: string;
}

export interface ProblemSource {
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly requestId: string;
  readonly confirmationCode?: string;
}

export function problemDocument({
  code,
  status,
  detail,
  requestId,
  confirmationCode,
}: ProblemSource): Problem {
  return {
    type: `/docs/errors#${code}`,
    title: TITLES[code],
    status,
    detail,
    message: detail,
    request_id: requestId,
    ...(confirmationCode !== undefined && { confirmation_code: confirmationCode }),
  };
}

/** Prints the last row of an aborted stream: a problem document with the members of a result. */
export function printProblemRow(
  problem: Problem,
  { index, retryAfterSeconds }: { readonly index: number; readonly retryAfterSeconds?: number },
): string {
  const row = {
    status_code: problem.status,
    ...problem,
    index,
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
  };
  return `${JSON.stringify(row)}\n`;
}

const TITLES: Readonly<Record<ErrorCode, string>> = {
  path_not_found: 'No such path',
  method_not_allowed: 'Method not allowed',
  unauthenticated: 'Not authenticated',
  not_a_supplier: 'Not a supplier',
  permission_missing: 'Permission missing',
  session_needed: 'A login is needed',
  setup_refused: 'Set-up refused',
  not_an_operator: 'Not an operator',
  cross_site_request: 'Request from another site',
  rate_limited: 'Too many requests',
  file_quota_exceeded: 'Too many stored files',
  organization_budget_exceeded: 'Budget of the organization exceeded',
  overloaded: 'Server overloaded',
  server_stopping: 'Server stopping',
  store_unavailable: 'Store unavailable',
  disk_space_low: 'Disk space low',
  media_type_unsupported: 'Media type not supported',
  body_too_large: 'Body too large',
  too_many_lines: 'Too many lines',
  too_costly: 'Too costly to process',
  headers_too_large: 'Headers too large',
  request_timeout: 'Request took too long',
  request_malformed: 'Malformed request',
  body_missing: 'Body missing',
  body_malformed: 'Body is not well-formed',
  body_shape_wrong: 'Body has the wrong shape',
  parameter_invalid: 'Invalid parameter',
  stream_refused: 'Not possible in a stream',
  member_invalid: 'Invalid member',
  sku_not_found: 'No such SKU',
  batch_not_found: 'No such batch',
  session_not_found: 'No such session',
  token_not_found: 'No such token',
  user_not_found: 'No such user',
  organization_not_found: 'No such organization',
  connection_not_found: 'No such connection',
  webhook_not_found: 'No such webhook',
  webhook_refused: 'Webhook refused',
  recipient_not_found: 'No such recipient',
  recipient_refused: 'Recipient refused',
  results_expired: 'Results no longer kept',
  file_not_found: 'No such file',
  file_state_wrong: 'Not possible as the file stands',
  already_exists: 'Already exists',
  cursor_expired: 'Cursor expired',
  history_expired: 'History expired',
  request_in_progress: 'Request in progress',
  idempotency_key_reused: 'Idempotency key reused',
  snapshot_refused: 'Snapshot refused',
  breaker_tripped: 'Too many SKUs would fall',
  duplicate_skus: 'SKUs with several quantities',
  ambiguous_decimal: 'Numbers with two readings',
  confirmation_invalid: 'Confirmation not valid',
  login_failed: 'Login failed',
  line_failed: 'The line was not applied',
  internal: 'Internal error',
};

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Which kind of problem, for programs.' }),
    title: Type.String({ description: 'The kind in words.' }),
    status: Type.Integer({ description: 'The HTTP status of the reply.' }),
    detail: Type.String({ description: 'What was wrong this time, and what to do about it.' }),
    message: Type.String({ description: 'The same text as `detail`.' }),
    request_id: Type.String({
      description: 'The `Request-Id` of the reply; in a repeated reply that of the first.',
    }),
    confirmation_code: Type.Optional(
      Type.String({ description: 'Lets the body through that was held back.' }),
    ),
  },
  { title: 'Problem', description: 'A problem document (RFC 9457).', additionalProperties: false },
);
