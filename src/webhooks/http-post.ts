/** Requests to URLs that users choose: the URL, the DNS answer and the response are untrusted. */
import { Resolver } from 'node:dns/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector, Client, errors } from 'undici';
import { hostOf, readWebhookUrl, refusalOfAddress, type AddressPolicy } from './address.ts';

/** The addresses of a name, at least one, in any order. Rejects if there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface WebhookHttpOptions {
  readonly policy: AddressPolicy;
  /** For the complete request: resolving, connecting, sending and reading. */
  readonly timeoutMs: number;
  /** How much of a response body is read, and how much of each body is stored with the attempt. */
  readonly excerptBytesMax: number;
  readonly resolve: Resolve;
  /** Replaces Node's certificate authorities; PEM. */
  readonly certificateAuthority?: string;
}

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The response, or why there was none, for the webhook's owner. */
export type WebhookResponse =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | null;
      readonly headers: Readonly<Record<string, string>>;
      /** The beginning of the body as text, without NUL. */
      readonly text: string;
    }
  | { readonly kind: 'failed'; readonly failure: string };

/** The address that the URL contains is not allowed. */
class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** The name does not resolve, or not only to allowed addresses; which of these is not disclosed. */
class NameRefused extends Error {
  override readonly name = 'NameRefused';
}

/**
 * Posts to a receiver. Only the status matters; the body is for the delivery log, so one that is too long, breaks
 * off or never ends is truncated. Redirects are not followed, proxies from the environment are not used, and
 * connections are not reused. Never rejects.
 */
export async function postWebhook(
  { url: text, headers, body }: WebhookRequest,
  options: WebhookHttpOptions,
  signal?: AbortSignal,
): Promise<WebhookResponse> {
  const reading = readWebhookUrl(text, options.policy);
  if ('refusal' in reading) return { kind: 'failed', failure: `The URL ${reading.refusal}.` };
  const { url } = reading;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs);
  const onAbort = (): void => abort.abort();
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) abort.abort();
  const client = new Client(url.origin, {
    connect: guardedConnector(options, abort.signal),
    pipelining: 0,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const response = await client.request({
      method: 'POST',
      path: url.pathname + url.search,
      headers: { ...headers, 'accept-encoding': 'identity' },
      body,
      signal: abort.signal,
    });
    const retryAfter = response.headers['retry-after'];
    return {
      kind: 'answered',
      status: response.statusCode,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
      headers: textHeaders(response.headers),
      text: await readBeginning(response.body, options.excerptBytesMax),
    };
  } catch (error) {
    if (signal?.aborted === true) return { kind: 'failed', failure: ENDED_EARLY };
    const failure = abort.signal.aborted
      ? `The receiver did not answer within ${options.timeoutMs / 1000} seconds.`
      : explain(error);
    return { kind: 'failed', failure };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await client.destroy();
  }
}

const ENDED_EARLY = 'The webhook was paused or removed, so this attempt was ended.';

/** The beginning of a body, as much as arrives before it breaks off or times out. */
async function readBeginning(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= bytesMax) break;
    }
  } catch {
    // The bytes before the failure are still useful.
  }
  return beginningOf(Buffer.concat(chunks), bytesMax);
}

/** The beginning of a body as text, without NUL, which PostgreSQL cannot store. */
export function beginningOf(body: Uint8Array, bytesMax: number): string {
  // An incomplete character at the end is left out.
  const head = new TextDecoder().decode(body.subarray(0, bytesMax), { stream: true });
  return head.replaceAll('\0', '\uFFFD');
}

function textHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const sent = Object.entries(headers).filter(([, value]) => value !== undefined);
  return Object.fromEntries(sent.map(([name, value]) => [name, String(value)]));
}

/**
 * Connects only to addresses that have been checked. A name is resolved once, and the socket gets that answer: a
 * second lookup could return other addresses (DNS rebinding).
 */
function guardedConnector(
  { policy, resolve, timeoutMs, certificateAuthority }: WebhookHttpOptions,
  signal: AbortSignal,
): buildConnector.connector {
  const open: Connect = async (target, callback) => {
    const host = hostOf(target.hostname);
    try {
      const addresses = await unlessAborted(checkedAddresses(host, policy, resolve), signal);
      const connector = buildConnector({
        allowH2: false,
        timeout: timeoutMs,
        autoSelectFamily: true,
        lookup: fixedLookup(addresses),
        signal,
        ...(certificateAuthority !== undefined && { ca: certificateAuthority }),
      });
      connector({ ...target, hostname: host }, callback);
    } catch (error) {
      callback(asError(error), null);
    }
  };
  return (target, callback) => void open(target, callback);
}

/** Rejects when the signal is aborted. undici itself waits for its connector without a limit. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(asError(signal.reason));
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

type Connect = (...args: Parameters<buildConnector.connector>) => Promise<void>;

async function checkedAddresses(
  host: string,
  policy: AddressPolicy,
  resolve: Resolve,
): Promise<readonly string[]> {
  if (isIP(host) !== 0) {
    const refusal = refusalOfAddress(host, policy);
    if (refusal !== undefined) throw new AddressRefused(`The host ${refusal}.`);
    return [host];
  }
  const startedAtMs = performance.now();
  const addresses = await resolve(host).catch(() => []);
  const isAllowed = (address: string): boolean => refusalOfAddress(address, policy) === undefined;
  if (addresses.length > 0 && addresses.every(isAllowed)) return addresses;
  // Names inside the operator's network must not be told from names that do not exist, nor by the time it takes.
  const tookMs = performance.now() - startedAtMs;
  await delay(REFUSAL_STEP_MS - (tookMs % REFUSAL_STEP_MS));
  throw new NameRefused();
}

/** Names are refused after a multiple of this time. */
const REFUSAL_STEP_MS = 500;

/** A lookup that always returns these addresses. */
function fixedLookup(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = found;
    if (options.all === true) callback(null, found);
    else if (first !== undefined) callback(null, first.address, first.family);
    else callback(new NameRefused(), '');
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The receiver refused the connection.',
  ECONNRESET: 'The connection broke before the receiver answered.',
  EPIPE: 'The connection broke before the receiver answered.',
  UND_ERR_SOCKET: 'The receiver closed the connection without a response.',
  EHOSTUNREACH: 'The receiver cannot be reached.',
  ENETUNREACH: 'The receiver cannot be reached.',
  ETIMEDOUT: 'The receiver cannot be reached.',
  UND_ERR_CONNECT_TIMEOUT: 'The receiver cannot be reached.',
  UND_ERR_HEADERS_OVERFLOW: "The headers of the receiver's response are too large.",
};

function explain(error: unknown): string {
  if (error instanceof AddressRefused) return error.message;
  if (error instanceof NameRefused) {
    return 'The host name has no address, or one that is not allowed (see docs/changes.md#addresses).';
  }
  if (error instanceof errors.HTTPParserError) return 'The response of the receiver is not HTTP.';
  const code = codeOf(error);
  const known = FAILURES[code];
  if (known !== undefined) return known;
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)|_CERT\b|EPROTO/.test(code)) {
    return `No trusted TLS connection could be established (${code}).`;
  }
  return `The request failed (${code || 'unknown reason'}).`;
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && !('code' in error)) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

const RESOLVER_TIMEOUT_MS = 3000;
const RESOLVER_TRIES = 2;

/**
 * Resolves names by DNS. The system's resolver would block libuv's few threads, which the whole process shares,
 * while a name server does not answer.
 *
 * @param servers name servers, each `address:port`; the system's by default
 */
export function dnsResolve(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: RESOLVER_TIMEOUT_MS, tries: RESOLVER_TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return async (hostname) => {
    const answers = await Promise.allSettled([
      resolver.resolve4(hostname),
      resolver.resolve6(hostname),
    ]);
    const addresses = answers.flatMap((answer) =>
      answer.status === 'fulfilled' ? answer.value : [],
    );
    if (addresses.length === 0) throw new NameRefused(hostname);
    return addresses;
  };
}

/**
 * Why the URL of a webhook is refused, by its text and by the addresses that its name resolves to now; undefined
 * if it is allowed. Every connection checks again.
 */
export async function refusalOfWebhookUrl(
  text: string,
  { policy, resolve }: Pick<WebhookHttpOptions, 'policy' | 'resolve'>,
): Promise<string | undefined> {
  const reading = readWebhookUrl(text, policy);
  if ('refusal' in reading) return `The URL ${reading.refusal}.`;
  try {
    await checkedAddresses(hostOf(reading.url.hostname), policy, resolve);
    return undefined;
  } catch (error) {
    return explain(error);
  }
}
