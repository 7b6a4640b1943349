import type { FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError, type ErrorCode } from '../domain/errors.ts';
import { printProblemRow, problemDocument, PROBLEM_MEDIA_TYPE } from '../wire/problem.ts';
import { noteError } from './request/request-log.ts';
import { logEvent } from '../logging/event-log.ts';

/** The HTTP status of each error; `line_failed` uses the status of the line's result instead. */
const STATUS_OF = {
  path_not_found: 404,
  method_not_allowed: 405,
  unauthenticated: 401,
  not_a_supplier: 409,
  permission_missing: 403,
  session_needed: 403,
  setup_refused: 403,
  not_an_operator: 409,
  cross_site_request: 403,
  rate_limited: 429,
  file_quota_exceeded: 429,
  organization_budget_exceeded: 429,
  overloaded: 503,
  server_stopping: 503,
  store_unavailable: 503,
  disk_space_low: 503,
  media_type_unsupported: 415,
  body_too_large: 413,
  too_many_lines: 413,
  too_costly: 413,
  headers_too_large: 431,
  request_timeout: 408,
  request_malformed: 400,
  body_missing: 400,
  body_malformed: 400,
  body_shape_wrong: 400,
  parameter_invalid: 400,
  stream_refused: 400,
  member_invalid: 400,
  sku_not_found: 404,
  batch_not_found: 404,
  results_expired: 410,
  file_not_found: 404,
  file_state_wrong: 409,
  session_not_found: 404,
  token_not_found: 404,
  user_not_found: 404,
  organization_not_found: 404,
  connection_not_found: 404,
  webhook_not_found: 404,
  webhook_refused: 422,
  recipient_not_found: 404,
  recipient_refused: 422,
  already_exists: 422,
  cursor_expired: 410,
  history_expired: 410,
  request_in_progress: 409,
  idempotency_key_reused: 422,
  snapshot_refused: 422,
  breaker_tripped: 422,
  duplicate_skus: 422,
  ambiguous_decimal: 422,
  confirmation_invalid: 422,
  login_failed: 401,
  line_failed: 422,
  internal: 500,
} as const satisfies Readonly<Record<ErrorCode, number>>;

/** The default `Retry-After` of a 503. */
const STORE_RETRY_SECONDS = 5;
/** By then it has been restarted, or a load balancer knows another one. */
const STOPPING_RETRY_SECONDS = 1;
const REQUEST_ID_HEADER = 'request-id';

/** The content of a problem document. */
interface SentProblem {
  readonly code: ErrorCode;
  readonly message: string;
  /** Overrides the status of the code. */
  readonly status?: number;
  /** Overrides the ID of this request. */
  readonly requestId?: string;
  readonly confirmationCode?: string;
}

/** A safety limit refuses a batch; `confirmationCode` lets it through. */
export class ConfirmationRequired extends OnhandError {
  readonly confirmationCode: string;

  constructor(message: string, confirmationCode: string) {
    super('breaker_tripped', message);
    this.confirmationCode = confirmationCode;
  }
}

/** Sends a problem document. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  sent: SentProblem,
): FastifyReply {
  const { code, message: detail, status = STATUS_OF[code], confirmationCode } = sent;
  const requestId = sent.requestId ?? request.id;
  noteError(request, code);
  const problem = problemDocument({
    code,
    status,
    detail,
    requestId,
    ...(confirmationCode !== undefined && { confirmationCode }),
  });
  return reply.code(status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
}

/** Fastify's error handler: sends a problem document. An unexpected error is logged and not disclosed. */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const known = logged(error, request);
  const retryAfter = retryAfterSeconds(known);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  if (STATUS_OF[known.code] === 401) reply.header('www-authenticate', 'Token');
  // A download may fail before its first byte. With the header, a browser would store the problem under the file's name.
  reply.removeHeader('content-disposition');
  sendProblem(request, reply, known);
}

/**
 * The last row of an aborted stream. An unexpected error is logged and not disclosed.
 *
 * @param sentence what the error means for the rows; it precedes the reason
 */
export function problemRow(
  error: unknown,
  request: FastifyRequest,
  { index, sentence }: { readonly index: number; readonly sentence: string },
): string {
  const known = logged(error, request);
  const { code } = known;
  noteError(request, code);
  const retryAfter = retryAfterSeconds(known);
  const problem = problemDocument({
    code,
    status: STATUS_OF[code],
    detail: `${sentence} ${STREAM_MESSAGES[code] ?? known.message}`,
    requestId: request.id,
  });
  return printProblemRow(problem, {
    index,
    ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }),
  });
}

/** Replaces messages that would be wrong for a stream. */
const STREAM_MESSAGES: Partial<Record<ErrorCode, string>> = {
  store_unavailable:
    'The database cannot answer or write now. Send the rows from there on again later.',
  breaker_tripped:
    'The rows would set too many SKUs to zero or discontinue them, and the breaker of the supplier applies to a complete input. Upload a file to POST /timp/organizations/files/upload/ instead.',
};

/** The error to disclose. Logs unexpected errors and failures of the store. */
function logged(error: unknown, request: FastifyRequest): OnhandError {
  const known = asOnhandError(error);
  if (known?.code === 'store_unavailable')
    logEvent(request.log, 'store unavailable', { err: known });
  else if (known?.code === 'overloaded' && known.cause !== undefined)
    logEvent(request.log, 'a worker thread ended', { err: known.cause });
  if (known !== undefined) return known;
  if (isDisconnected(error)) logEvent(request.log, 'the client disconnected', {});
  else logEvent(request.log, 'unexpected error', { err: error });
  return new OnhandError(
    'internal',
    'An internal error occurred. The server log has the details, under the request_id.',
  );
}

/** Whether a reply ended early because its client has left. The error reaches no one. */
function isDisconnected(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}

function retryAfterSeconds({ code, retryAfterSeconds: own }: OnhandError): number | undefined {
  if (own !== undefined) return own;
  if (code === 'server_stopping') return STOPPING_RETRY_SECONDS;
  return STATUS_OF[code] === 503 ? STORE_RETRY_SECONDS : undefined;
}

function asOnhandError(error: unknown): OnhandError | undefined {
  if (error instanceof OnhandError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const known = typeof code === 'string' ? FRAMEWORK_ERRORS[code] : undefined;
  return known === undefined ? undefined : new OnhandError(known.code, known.message);
}

/** Errors that Fastify raises before a route is called. */
const FRAMEWORK_ERRORS: Readonly<Record<string, { code: ErrorCode; message: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'media_type_unsupported',
    message: 'The Content-Type header is malformed; send application/json, or none.',
  },
  FST_STATIC_FORBIDDEN_PATH: {
    code: 'path_not_found',
    message: 'The path does not exist; see /docs.',
  },
  FST_ERR_BAD_URL: {
    code: 'path_not_found',
    message: 'The path does not exist: it has a % that does not begin a valid escape.',
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    code: 'path_not_found',
    message: 'The path does not exist: it has a part of more than 100 characters; see /docs.',
  },
};

/** Codes of `clientErrorResponse`, beside Node's. */
export const SLOW_REQUEST = 'SLOW_REQUEST';
export const TOKEN_REVOKED = 'TOKEN_REVOKED';
export const TINY_CHUNKS = 'TINY_CHUNKS';
export const TOO_MANY_CONNECTIONS = 'TOO_MANY_CONNECTIONS';

/** The complete response, as text, for an error that is found before there is a request to reply to. */
export function clientErrorResponse(error: { readonly code?: string }, requestId: string): string {
  const { code, message } = CLIENT_ERRORS[error.code ?? ''] ?? MALFORMED_REQUEST;
  const status = STATUS_OF[code];
  const problem = problemDocument({ code, status, detail: message, requestId });
  const body = `${JSON.stringify(problem)}\n`;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? 'Bad Request'}`,
    `${REQUEST_ID_HEADER}: ${requestId}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...(status === 503 ? [`retry-after: ${STORE_RETRY_SECONDS}`] : []),
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
};

const MALFORMED_REQUEST: { code: ErrorCode; message: string } = {
  code: 'request_malformed',
  message: 'The request is not well-formed HTTP/1.1.',
};

const CLIENT_ERRORS: Readonly<Record<string, { code: ErrorCode; message: string }>> = {
  [SLOW_REQUEST]: {
    code: 'request_timeout',
    message:
      'The request arrived more slowly than the server allows (ONHAND_RECEIVE_BYTES_PER_SECOND_MIN). Send it again, faster.',
  },
  [TINY_CHUNKS]: {
    code: 'request_malformed',
    message:
      'The body arrives in chunks of a few bytes (Transfer-Encoding: chunked, ONHAND_CHUNK_BYTES_MIN). Send larger chunks: collect what you write in a buffer.',
  },
  [TOKEN_REVOKED]: {
    code: 'unauthenticated',
    message: 'The token expired or was revoked while the request arrived; nothing was done.',
  },
  [TOO_MANY_CONNECTIONS]: {
    code: 'overloaded',
    message:
      'There are too many connections from your address (ONHAND_CLIENT_CONNECTIONS_PER_ADDRESS_MAX). Close some of them.',
  },
  HPE_HEADER_OVERFLOW: {
    code: 'headers_too_large',
    message: 'The headers of the request are larger than 16 KiB in total; send smaller ones.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'request_timeout',
    message: 'The request did not arrive completely in time. Send it again, faster.',
  },
};
