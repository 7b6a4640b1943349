/** Requests to receivers that strangers name: nothing here trusts the url, the resolver or the answer. */
import { Resolver } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector, Client, errors } from 'undici';
import { hostOf, readWebhookUrl, refusalOfAddress, type AddressPolicy } from './address.ts';

/** The addresses of a name, at least one, without order. Rejects where there is none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface WebhookHttpOptions {
  readonly policy: AddressPolicy;
  /** For the whole of a request: resolving, connecting, sending, reading. */
  readonly timeoutMs: number;
  /** How much of a response is read and kept. */
  readonly responseBytesMax: number;
  readonly resolve: Resolve;
  /** Whom to trust instead of Node's own authorities, in PEM. */
  readonly certificateAuthority?: string;
}

export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What came back, or why nothing did, for the webhook's owner to read. */
export type WebhookResponse =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | null;
      /** The response's first bytes as text, without NUL. */
      readonly text: string;
    }
  | { readonly kind: 'failed'; readonly failure: string };

/** An address that may not be called. */
class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

/** A name that stands for no address. */
class NameUnknown extends Error {
  override readonly name = 'NameUnknown';
}

/**
 * Posts to a receiver. The status decides what a receiver is taken to have said; its body is only for
 * reading, so one that is too long, breaks off or never ends is cut. Redirects are not followed, proxies
 * of the environment not used, connections not kept. Never rejects.
 */
export async function postWebhook(
  { url: text, headers, body }: WebhookRequest,
  options: WebhookHttpOptions,
): Promise<WebhookResponse> {
  const reading = readWebhookUrl(text, options.policy);
  if ('refusal' in reading) return { kind: 'failed', failure: `The url ${reading.refusal}.` };
  const { url } = reading;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs);
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
      text: await readHead(response.body, options.responseBytesMax),
    };
  } catch (error) {
    const failure = abort.signal.aborted
      ? `The receiver did not answer within ${options.timeoutMs / 1000} seconds.`
      : explain(error);
    return { kind: 'failed', failure };
  } finally {
    clearTimeout(timer);
    await client.destroy();
  }
}

/** The first bytes of a body, or what of them came before it broke off or the time was over. */
async function readHead(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= bytesMax) break;
    }
  } catch {
    // What came before it broke off is still worth reading.
  }
  const head = Buffer.concat(chunks).subarray(0, bytesMax);
  // A character that is cut in two at the end is left out; NUL is nothing that a database can keep.
  return new TextDecoder().decode(head, { stream: true }).replaceAll('\0', '\uFFFD');
}

/**
 * Connects only to addresses that were checked: a literal, or all that a name was resolved to just now.
 * The resolver is asked once, and what it said is what the socket gets, so that no second answer can
 * differ from the one that was checked.
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
        lookup: lookupOf(addresses),
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

/** Waits no longer than until the signal: undici waits for its connector, however long that takes. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const giveUp = (): void => aborted.reject(asError(signal.reason));
  signal.addEventListener('abort', giveUp);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

type Connect = (...args: Parameters<buildConnector.connector>) => Promise<void>;

async function checkedAddresses(
  host: string,
  policy: AddressPolicy,
  resolve: Resolve,
): Promise<readonly string[]> {
  const isLiteral = isIP(host) !== 0;
  const addresses = isLiteral ? [host] : await resolve(host).catch(() => []);
  if (addresses.length === 0) throw new NameUnknown();
  for (const address of addresses) {
    const refusal = refusalOfAddress(address, policy);
    if (refusal === undefined) continue;
    throw new AddressRefused(
      isLiteral ? `The host ${refusal}.` : `What the name means ${refusal}.`,
    );
  }
  return addresses;
}

/** A lookup that knows no other addresses than these. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = found;
    if (options.all === true) callback(null, found);
    else if (first !== undefined) callback(null, first.address, first.family);
    else callback(new NameUnknown(), '');
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The receiver refused the connection.',
  ECONNRESET: 'The connection broke before the receiver answered.',
  EPIPE: 'The connection broke before the receiver answered.',
  UND_ERR_SOCKET: 'The receiver closed the connection without an answer.',
  EHOSTUNREACH: 'The receiver cannot be reached.',
  ENETUNREACH: 'The receiver cannot be reached.',
  ETIMEDOUT: 'The receiver cannot be reached.',
  UND_ERR_CONNECT_TIMEOUT: 'The receiver cannot be reached.',
  UND_ERR_HEADERS_OVERFLOW: "The headers of the receiver's answer are too large.",
};

function explain(error: unknown): string {
  if (error instanceof AddressRefused) return error.message;
  if (error instanceof NameUnknown) return 'The name of the host is not known.';
  if (error instanceof errors.HTTPParserError) return 'What the receiver answered is not HTTP.';
  const code = codeOf(error);
  const known = FAILURES[code];
  if (known !== undefined) return known;
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)|_CERT\b|EPROTO/.test(code)) {
    return `No trusted TLS connection could be made (${code}).`;
  }
  return `The request failed (${code || 'for an unknown reason'}).`;
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
 * Resolves by DNS. Not by the system's resolver: that one works in the few threads that the whole
 * process shares, and a name server that never answers would hold them.
 *
 * @param servers name servers to ask, each `address:port`; those of the system by default
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
    if (addresses.length === 0) throw new NameUnknown(hostname);
    return addresses;
  };
}

/**
 * Why a webhook's url may not be registered, or undefined where it may: by its text, and by what its
 * name means now. It is checked again at every connection.
 */
export async function refusalOfWebhookUrl(
  text: string,
  { policy, resolve }: Pick<WebhookHttpOptions, 'policy' | 'resolve'>,
): Promise<string | undefined> {
  const reading = readWebhookUrl(text, policy);
  if ('refusal' in reading) return `The url ${reading.refusal}.`;
  try {
    await checkedAddresses(hostOf(reading.url.hostname), policy, resolve);
    return undefined;
  } catch (error) {
    return explain(error);
  }
}
