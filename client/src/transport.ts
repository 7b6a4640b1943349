import {
  ConnectionFailed,
  OnhandError,
  problemError,
  TimedOut,
  UnexpectedResponse,
} from './problems.ts';
import { passedOn, Watchdog } from './watchdog.ts';
import { VERSION } from './version.ts';

/** One thing that the client did; see `OnhandOptions.log`. */
export type LogEvent =
  | {
      readonly event: 'response';
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly durationMs: number;
    }
  | {
      readonly event: 'retry';
      readonly method: string;
      readonly path: string;
      readonly error: OnhandError;
      readonly attempt: number;
      readonly delayMs: number;
    };

/** Options of a client; those of `CallOptions` can also be given to each call. */
export interface OnhandOptions extends CallOptions {
  /** Such as `https://stock.example.com`; a path before `/timp/` is kept. */
  readonly url: string;
  /**
   * An API token: 40 hexadecimal digits. Without one, no `Authorization` header is sent: a page of the server's own
   * origin is authenticated by its cookie, and others can only call `login`.
   */
  readonly token?: string;
  /** Sent with every request. They cannot replace the client's own headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Called instead of the global `fetch`: for proxies, tests and other runtimes. */
  readonly fetch?: typeof fetch;
  /** Called for each response and each retry. Never sees the token. */
  readonly log?: (event: LogEvent) => void;
  /** Put before the client's own name in `User-Agent`; browsers do not send it. */
  readonly userAgent?: string;
}

/** Options of one call. */
export interface CallOptions {
  /** Ends the call; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** How often a request is tried again after network errors, 408, 429 and 5xx; 3 by default. */
  readonly retries?: number;
  /** Retry until nothing has succeeded for this long, in milliseconds, however many attempts that takes. */
  readonly retryForMs?: number;
  /** How long one attempt may take, in milliseconds; 60,000 by default. In streams, uploads and downloads: how long nothing may pass. */
  readonly timeoutMs?: number;
  /**
   * How long the call may take with all its requests and retries, in milliseconds; no limit by default. An iterator is
   * one call: the time that the program takes between its items counts.
   */
  readonly deadlineMs?: number;
}

/** Text of a query: arrays are joined by commas; undefined members are left out. */
export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query | undefined;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Called for each attempt. */
  readonly body?: () => NonNullable<RequestInit['body']>;
  /** Whether the server applies it once even if it is sent twice; true for GET, PUT and DELETE. */
  readonly isRepeatable?: boolean;
  /** The response may take this long beyond the time-out, because the server was asked to wait. */
  readonly waitMs?: number;
  /** The first line in the body, counted over all lines given to the client. */
  readonly line?: number;
}

const RETRIES_DEFAULT = 3;
const DELAY_FIRST_MS = 500;
const DELAY_LAST_MS = 30_000;
export const TIMEOUT_DEFAULT_MS = 60_000;

/** Has the signal that ends requests: it is aborted by those of the call and of the client, and at the deadline. */
export class CallEnd {
  readonly signal: AbortSignal | undefined;
  /** Not `AbortSignal.timeout`: where only `AbortSignal.any` refers to that, Node.js 20 collects it as garbage. */
  readonly #deadline: Watchdog | undefined;

  constructor(signals: readonly (AbortSignal | undefined)[], deadlineMs: number | undefined) {
    this.#deadline = deadlineMs === undefined ? undefined : new Watchdog(deadlineMs);
    const all = [...signals, this.#deadline?.signal].filter((signal) => signal !== undefined);
    this.signal = all.length === 0 ? undefined : AbortSignal.any(all);
  }

  /** To be called when the requests have ended. */
  stop(): void {
    this.#deadline?.stop();
  }
}

/** Sends requests, retries those that may be, and turns problem documents into errors. */
export class Transport {
  readonly #base: string;
  readonly #options: OnhandOptions;
  readonly #fetch: typeof fetch;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: OnhandOptions) {
    const url = new URL(options.url);
    if (!/^https?:$/.test(url.protocol))
      throw new TypeError('The URL of a server starts with http:// or https://.');
    this.#base = url.href.replace(/\/$/, '');
    this.#options = options;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    if (options.token !== undefined && !/^[\x21-\x7e]+$/.test(options.token)) {
      throw new TypeError('The token is malformed: a token is 40 hexadecimal digits.');
    }
    const agent = `onhand-client/${VERSION}`;
    this.#headers = {
      ...Object.fromEntries(new Headers(options.headers)),
      'user-agent': options.userAgent === undefined ? agent : `${options.userAgent} ${agent}`,
      ...(options.token !== undefined && { authorization: `Token ${options.token}` }),
    };
  }

  /**
   * Throws in browsers. They stream no request over HTTP/1.1 and show no response before a request has ended; some even
   * send the text `[object ReadableStream]`.
   */
  checkStreams(): void {
    const isBrowser = 'navigator' in globalThis && navigator.userAgent.startsWith('Mozilla/');
    if (this.#options.fetch !== undefined || !isBrowser) return;
    throw new TypeError('Browsers cannot stream requests: use inventory.update instead.');
  }

  /** The JSON of a response. */
  async json<T>(request: Request, options: CallOptions = {}): Promise<T> {
    return this.send(request, options, (response) => jsonOf<T>(response));
  }

  /** Sends a request that has no content to return. */
  async none(request: Request, options: CallOptions = {}): Promise<void> {
    await this.send(request, options, async (response) => response.body?.cancel());
  }

  /**
   * Sends a request, and again where that is safe. Reading the response belongs to the attempt, so that one that
   * breaks off is retried too.
   */
  async send<T>(
    request: Request,
    options: CallOptions,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const end = this.end(options);
    const { signal } = end;
    const retries = this.retries(options, signal);
    try {
      for (;;) {
        try {
          return await this.#attempt(request, options, signal, read);
        } catch (error) {
          if (error instanceof ContentUnreadable) throw error.cause;
          await retries.waitAfter(failureOf(error, request, signal), request);
        }
      }
    } finally {
      end.stop();
    }
  }

  /** The options for each request of a call that has several: its deadline is what is left of it from now on. */
  begin<T extends CallOptions>(options: T): T {
    const { deadlineMs } = this.completed(options);
    if (deadlineMs === undefined) return options;
    const endMs = performance.now() + deadlineMs;
    return {
      ...options,
      get deadlineMs() {
        return Math.max(0, endMs - performance.now());
      },
    };
  }

  /** The end of a call, or of a request of it. */
  end(options: CallOptions): CallEnd {
    return new CallEnd([this.#options.signal, options.signal], this.completed(options).deadlineMs);
  }

  /** The options of a call, completed by those of the client. */
  completed(options: CallOptions): CallOptions {
    return { ...this.#options, ...options };
  }

  /** The retries of a call. */
  retries(options: RetryLimits, signal: AbortSignal | undefined): Retries {
    return new Retries({ ...this.#options, ...options }, signal, this.#options.log);
  }

  /**
   * Sends a request once and returns its response while it is still arriving. Rejects with the problem of an error
   * status. The caller watches the time.
   */
  async open(
    request: Request,
    signal: AbortSignal | undefined,
    onBytes = (): void => undefined,
  ): Promise<Response> {
    const { method, path, query, headers, body } = request;
    const started = performance.now();
    let unreadable: ContentUnreadable | undefined;
    const given = body?.();
    const content =
      given instanceof ReadableStream
        ? passedOn(given, (error) => (unreadable = new ContentUnreadable(error)), { onBytes })
        : given;
    const sent = this.#fetch(this.#base + path + queryText(query), {
      method,
      headers: definedHeaders({ ...this.#headers, ...headers }),
      ...(content !== undefined && { body: content }),
      ...(content instanceof ReadableStream && { duplex: 'half' }),
      ...(signal !== undefined && { signal }),
      // A redirect is a response that is not from onhand: following it could send the token elsewhere.
      redirect: 'manual',
    });
    const response = await sent.catch((error: unknown) => {
      throw unreadable ?? error;
    });
    const durationMs = performance.now() - started;
    this.#options.log?.({ event: 'response', method, path, status: response.status, durationMs });
    if (response.ok) return response;
    throw await problemOf(response, request);
  }

  async #attempt<T>(
    request: Request,
    options: CallOptions,
    signal: AbortSignal | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs = TIMEOUT_DEFAULT_MS } = { ...this.#options, ...options };
    const silence = new Watchdog(timeoutMs + (request.waitMs ?? 0));
    const both = signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
    try {
      return await read(await this.open(request, both, () => silence.reset()));
    } finally {
      silence.stop();
    }
  }
}

/** The content of a request could not be read; `cause` says why. */
class ContentUnreadable extends Error {
  constructor(cause: unknown) {
    super('the content cannot be read', { cause });
  }
}

/** See `CallOptions`. */
interface RetryLimits {
  readonly retries?: number | undefined;
  readonly retryForMs?: number | undefined;
}

/** Decides whether and when what failed is tried again. */
export class Retries {
  readonly #options: RetryLimits;
  readonly #signal: AbortSignal | undefined;
  readonly #log: ((event: LogEvent) => void) | undefined;
  /** Failures since the last success, and when the first of them was. */
  #failures = 0;
  #sinceMs = 0;

  constructor(
    options: RetryLimits,
    signal: AbortSignal | undefined,
    log: ((event: LogEvent) => void) | undefined,
  ) {
    this.#options = options;
    this.#signal = signal;
    this.#log = log;
  }

  /** To be called after a success: counts from the start again. */
  reset(): void {
    this.#failures = 0;
  }

  /**
   * Waits until the next attempt: exponential with jitter, at least what the server asks for. Rejects with the failure
   * if there shall be none.
   */
  async waitAfter(failure: OnhandError, request: Request): Promise<void> {
    const { retries = RETRIES_DEFAULT, retryForMs } = this.#options;
    if (!isTransient(failure)) throw failure;
    if (this.#failures === 0) this.#sinceMs = performance.now();
    this.#failures += 1;
    const delayMs = retryDelayMs(this.#failures, failure.retryAfterMs);
    const isOver =
      retryForMs === undefined
        ? this.#failures > retries
        : performance.now() + delayMs > this.#sinceMs + retryForMs;
    if (isOver) throw failure;
    const { method, path } = request;
    const attempt = this.#failures;
    this.#log?.({ event: 'retry', method, path, error: failure, attempt, delayMs });
    await delay(delayMs, this.#signal, request);
  }
}

/** The time until the next attempt. */
export function retryDelayMs(attempt: number, retryAfterMs = 0): number {
  const backoffMs = Math.min(DELAY_FIRST_MS * 2 ** (attempt - 1), DELAY_LAST_MS);
  return Math.max(backoffMs * (0.5 + Math.random() / 2), retryAfterMs);
}

/** Waits. If the signal is aborted, rejects as `failureOf` does. */
export async function delay(
  ms: number,
  signal: AbortSignal | undefined,
  request: Request,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, signal?.aborted === true ? 0 : ms);
    signal?.addEventListener('abort', end);
  });
  if (signal?.aborted === true) throw failureOf(signal.reason, request, signal);
}

/** Whether sending the request again may succeed, and cannot apply it twice. */
function isTransient({ status, isRetrySafe, code }: OnhandError): boolean {
  if (!isRetrySafe || code === 'unexpected_response') return false;
  return (
    status === 0 ||
    status === 408 ||
    status === 429 ||
    status >= 500 ||
    code === 'request_in_progress'
  );
}

/**
 * What made a request fail, as an error of the client. Throws the reason of the caller's signal as it is, but a
 * deadline as `TimedOut`; and errors that are not about the connection.
 */
export function failureOf(
  error: unknown,
  { method, path, isRepeatable = method !== 'POST' && method !== 'PATCH', line }: Request,
  signal?: AbortSignal,
): OnhandError {
  if (error instanceof OnhandError) return error;
  const failure = {
    status: 0,
    isRetrySafe: isRepeatable,
    cause: error,
    ...(line !== undefined && { line }),
  };
  if (signal?.aborted === true) {
    if (!isTimeout(signal.reason)) throw signal.reason;
    throw new TimedOut({
      ...failure,
      code: 'timed_out',
      detail: `${method} ${path} was not answered before the deadline.`,
    });
  }
  if (isTimeout(error)) {
    return new TimedOut({
      ...failure,
      code: 'timed_out',
      detail: `${method} ${path} was not answered in time.`,
    });
  }
  return new ConnectionFailed({
    ...failure,
    code: 'connection_failed',
    detail: `${method} ${path} was not answered: ${reasonOf(error)}.`,
  });
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

/** The innermost reason of a failed connection, for people: `connect ECONNREFUSED 127.0.0.1:8080`. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The host has several addresses and none responds.
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

async function problemOf(response: Response, request: Request): Promise<OnhandError> {
  const { status, headers } = response;
  const { method, isRepeatable = method !== 'POST' && method !== 'PATCH', line } = request;
  const retryAfter = headers.get('retry-after');
  const requestId = headers.get('request-id');
  const known = {
    status,
    isRetrySafe: isRepeatable,
    ...(retryAfter !== null && { retryAfterMs: retryAfterMs(retryAfter, headers.get('date')) }),
    ...(requestId !== null && { requestId }),
    ...(line !== undefined && { line }),
  };
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return problemError(json, known) ?? unexpected(known);
}

function unexpected(
  known: Omit<ConstructorParameters<typeof UnexpectedResponse>[0], 'code' | 'detail'>,
) {
  return new UnexpectedResponse({
    ...known,
    code: known.status >= 500 ? 'proxy_failed' : 'unexpected_response',
    detail: 'The response is not from onhand: check the URL, and proxies on the way.',
  });
}

/** The JSON of a successful response. */
export async function jsonOf<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw unexpected({ status: response.status, isRetrySafe: false });
  }
}

/** Seconds, or a date (RFC 9110 §10.2.3) by the clock of who answered, which the response's own date shows. */
function retryAfterMs(text: string, answered: string | null): number {
  const seconds = Number(text);
  const nowMs = Date.parse(answered ?? '') || Date.now();
  return Math.max(0, Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - nowMs || 0);
}

function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

function definedHeaders(headers: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
}

/** HTTP headers are Latin-1 strings; this carries the UTF-8 bytes of a text in one. */
export function headerText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}
