/** What the server, or the way to it, answered instead of what was asked for. */
export interface Failure {
  /** The HTTP status; 0 if no response arrived. */
  readonly status: number;
  /** For programs, such as `cursor_expired`: the end of the problem's `type`. */
  readonly code: string;
  /** What was wrong and what to do about it. */
  readonly detail: string;
  /** Names the request in the server's log. */
  readonly requestId?: string;
  /** How long the server asks to wait before a retry. */
  readonly retryAfterMs?: number;
  /** Whether the same request may be sent again without being applied twice. */
  readonly isRetrySafe: boolean;
  /** The first line of the request that failed, counted from 0 over all lines given to the client. */
  readonly line?: number;
  /** Sent back in `confirmationCode` to let through a batch that a safety limit refused. */
  readonly confirmationCode?: string;
  readonly cause?: unknown;
}

/** An error of the client. Each problem type of the server has a class of its own, all extend this one. */
export class OnhandError extends Error implements Failure {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId?: string;
  readonly retryAfterMs?: number;
  readonly isRetrySafe: boolean;
  readonly line?: number;
  readonly confirmationCode?: string;

  constructor(failure: Failure) {
    const { status, code, detail, line, requestId } = failure;
    const where = line === undefined ? '' : ` (from line ${line} on)`;
    const request = requestId === undefined ? '' : ` [request ${requestId}]`;
    super(`${status === 0 ? '' : `${status} `}${code}: ${detail}${where}${request}`, {
      cause: failure.cause,
    });
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.isRetrySafe = failure.isRetrySafe;
    if (requestId !== undefined) this.requestId = requestId;
    if (failure.retryAfterMs !== undefined) this.retryAfterMs = failure.retryAfterMs;
    if (line !== undefined) this.line = line;
    if (failure.confirmationCode !== undefined) this.confirmationCode = failure.confirmationCode;
  }
}

/** No response arrived. The server may or may not have processed the request. */
export class ConnectionFailed extends OnhandError {}
/** No response arrived within `timeoutMs` or `deadlineMs`. */
export class TimedOut extends OnhandError {}
/** The response is not from onhand: check the URL, and proxies on the way. */
export class UnexpectedResponse extends OnhandError {}

export class PathNotFound extends OnhandError {}
export class MethodNotAllowed extends OnhandError {}
export class Unauthenticated extends OnhandError {}
export class NotASupplier extends OnhandError {}
export class PermissionMissing extends OnhandError {}
export class SessionNeeded extends OnhandError {}
export class NotAnOperator extends OnhandError {}
export class CrossSiteRequest extends OnhandError {}
export class RateLimited extends OnhandError {}
export class FileQuotaExceeded extends OnhandError {}
export class OrganizationBudgetExceeded extends OnhandError {}
export class Overloaded extends OnhandError {}
export class ServerStopping extends OnhandError {}
export class StoreUnavailable extends OnhandError {}
export class DiskSpaceLow extends OnhandError {}
export class MediaTypeUnsupported extends OnhandError {}
export class BodyTooLarge extends OnhandError {}
export class TooManyLines extends OnhandError {}
export class TooCostly extends OnhandError {}
export class HeadersTooLarge extends OnhandError {}
export class RequestTimeout extends OnhandError {}
export class RequestMalformed extends OnhandError {}
export class BodyMissing extends OnhandError {}
export class BodyMalformed extends OnhandError {}
export class BodyShapeWrong extends OnhandError {}
export class ParameterInvalid extends OnhandError {}
export class StreamRefused extends OnhandError {}
export class MemberInvalid extends OnhandError {}
export class SkuNotFound extends OnhandError {}
export class BatchNotFound extends OnhandError {}
export class ResultsExpired extends OnhandError {}
export class FileNotFound extends OnhandError {}
export class FileStateWrong extends OnhandError {}
export class SessionNotFound extends OnhandError {}
export class TokenNotFound extends OnhandError {}
export class UserNotFound extends OnhandError {}
export class OrganizationNotFound extends OnhandError {}
export class ConnectionNotFound extends OnhandError {}
export class SetupRefused extends OnhandError {}
export class WebhookNotFound extends OnhandError {}
export class WebhookRefused extends OnhandError {}
export class RecipientNotFound extends OnhandError {}
export class RecipientRefused extends OnhandError {}
export class HistoryExpired extends OnhandError {}
export class AlreadyExists extends OnhandError {}
export class RequestInProgress extends OnhandError {}
export class IdempotencyKeyReused extends OnhandError {}
export class SnapshotRefused extends OnhandError {}
export class BreakerTripped extends OnhandError {}
export class ConfirmationInvalid extends OnhandError {}
export class CursorExpired extends OnhandError {}
export class LoginFailed extends OnhandError {}
export class DuplicateSkus extends OnhandError {}
export class AmbiguousDecimal extends OnhandError {}
export class LineFailed extends OnhandError {}
export class Internal extends OnhandError {}

/** The class of each problem type of the server. A server that is newer than the client may send others: they are `OnhandError`. */
export const PROBLEM_CLASSES: Readonly<Record<string, new (failure: Failure) => OnhandError>> = {
  path_not_found: PathNotFound,
  method_not_allowed: MethodNotAllowed,
  unauthenticated: Unauthenticated,
  not_a_supplier: NotASupplier,
  permission_missing: PermissionMissing,
  session_needed: SessionNeeded,
  not_an_operator: NotAnOperator,
  cross_site_request: CrossSiteRequest,
  rate_limited: RateLimited,
  file_quota_exceeded: FileQuotaExceeded,
  organization_budget_exceeded: OrganizationBudgetExceeded,
  overloaded: Overloaded,
  server_stopping: ServerStopping,
  store_unavailable: StoreUnavailable,
  disk_space_low: DiskSpaceLow,
  media_type_unsupported: MediaTypeUnsupported,
  body_too_large: BodyTooLarge,
  too_many_lines: TooManyLines,
  too_costly: TooCostly,
  headers_too_large: HeadersTooLarge,
  request_timeout: RequestTimeout,
  request_malformed: RequestMalformed,
  body_missing: BodyMissing,
  body_malformed: BodyMalformed,
  body_shape_wrong: BodyShapeWrong,
  parameter_invalid: ParameterInvalid,
  stream_refused: StreamRefused,
  member_invalid: MemberInvalid,
  sku_not_found: SkuNotFound,
  batch_not_found: BatchNotFound,
  results_expired: ResultsExpired,
  file_not_found: FileNotFound,
  file_state_wrong: FileStateWrong,
  session_not_found: SessionNotFound,
  token_not_found: TokenNotFound,
  user_not_found: UserNotFound,
  organization_not_found: OrganizationNotFound,
  connection_not_found: ConnectionNotFound,
  setup_refused: SetupRefused,
  webhook_not_found: WebhookNotFound,
  webhook_refused: WebhookRefused,
  recipient_not_found: RecipientNotFound,
  recipient_refused: RecipientRefused,
  history_expired: HistoryExpired,
  already_exists: AlreadyExists,
  request_in_progress: RequestInProgress,
  idempotency_key_reused: IdempotencyKeyReused,
  snapshot_refused: SnapshotRefused,
  breaker_tripped: BreakerTripped,
  confirmation_invalid: ConfirmationInvalid,
  cursor_expired: CursorExpired,
  login_failed: LoginFailed,
  duplicate_skus: DuplicateSkus,
  ambiguous_decimal: AmbiguousDecimal,
  line_failed: LineFailed,
  internal: Internal,
};

/** The server answers with these before it applies anything. */
const NOTHING_APPLIED: ReadonlySet<string> = new Set([
  'rate_limited',
  'organization_budget_exceeded',
  'overloaded',
  'server_stopping',
  'disk_space_low',
]);

/**
 * The error of a problem document (RFC 9457).
 *
 * @param json the parsed document: the body of a response, or the last row of a stream
 */
export function problemError(
  json: unknown,
  known: Omit<Failure, 'code' | 'detail'>,
): OnhandError | undefined {
  if (typeof json !== 'object' || json === null || !('type' in json) || !('detail' in json)) {
    return undefined;
  }
  const { type, detail } = json;
  if (typeof type !== 'string' || typeof detail !== 'string') return undefined;
  const code = type.slice(type.lastIndexOf('#') + 1);
  const requestId = textMember(json, 'request_id') ?? known.requestId;
  const confirmationCode = textMember(json, 'confirmation_code');
  // Streams have it in the document, as their headers were sent before.
  const retryAfterSeconds = 'retry_after' in json ? Number(json.retry_after) : NaN;
  return new (PROBLEM_CLASSES[code] ?? OnhandError)({
    ...(Number.isFinite(retryAfterSeconds) && { retryAfterMs: retryAfterSeconds * 1000 }),
    ...known,
    code,
    detail,
    isRetrySafe: known.isRetrySafe || NOTHING_APPLIED.has(code),
    ...(requestId !== undefined && { requestId }),
    ...(confirmationCode !== undefined && { confirmationCode }),
  });
}

function textMember(json: object, name: string): string | undefined {
  const value: unknown = Object.entries(json).find(([member]) => member === name)?.[1];
  return typeof value === 'string' ? value : undefined;
}

/** The error for a response whose results are not those of the lines. */
export function unexpectedResults(line: number): OnhandError {
  return new UnexpectedResponse({
    status: 200,
    code: 'unexpected_response',
    detail:
      'The results do not match the lines: the response is not from onhand, or a proxy dropped its header Lines-Succeeded.',
    isRetrySafe: false,
    line,
  });
}
