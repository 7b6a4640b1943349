import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';
import { json as jsonOf } from 'node:stream/consumers';
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_HOST, DEFAULT_PORT, tokenFromEnvironment } from '../../config.ts';
import { OnhandError } from '../../domain/errors.ts';

/** How a command finds the server that it asks, and proves who asks. */
export interface RemoteOptions {
  readonly url: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

/** The options of every command that asks a server. */
export function remoteOptions(): readonly Option[] {
  return [
    new Option('--url <url>', 'address of the server')
      .default(`http://${DEFAULT_HOST}:${DEFAULT_PORT}`)
      .argParser(parseUrl),
    new Option(
      '--token-file <file>',
      'file that holds the token, - for stdin (default: environment, ONHAND_TOKEN)',
    ),
    new Option(
      '--token <token>',
      'the token itself; others on the same machine can read it while the command runs',
    ).conflicts('tokenFile'),
  ];
}

function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('A URL begins with http:// or https://.');
  }
  return url.href.replace(/\/+$/, '');
}

/** What a server answered that is no success, in its own words. */
export class RemoteRefusal extends OnhandError {
  readonly status: number;
  readonly detail: string;

  /** @param retryAfterSeconds when to ask again, where the server says so */
  constructor(status: number, detail: string, retryAfterSeconds?: number) {
    super(
      'parameter_invalid',
      `The server answered ${status}: ${detail}`,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
    this.status = status;
    this.detail = detail;
  }
}

/** No answer came: nobody knows whether what was asked for was done. */
export class RemoteSilence extends OnhandError {}

/** A request whose body or reply may be long. */
export interface Exchange {
  readonly method: 'GET' | 'POST';
  /** Such as `/timp/products/skus/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it comes; what it fails with is what the exchange fails with. */
  readonly body?: AsyncIterable<Uint8Array>;
}

/** How long a connection may stand still before it is given up. */
const IDLE_TIMEOUT_MS = 60_000;

/** A server's API, asked in the name of a token. */
export class Remote {
  readonly url: string;
  readonly #token: string;

  /** Throws `parameter_invalid` where there is no token. */
  constructor(options: RemoteOptions) {
    this.url = options.url;
    this.#token = tokenOf(options);
  }

  /** Tells this token from others without telling it. */
  get tokenHash(): string {
    return createHash('sha256').update(this.#token).digest('hex');
  }

  /**
   * Asks for a path, such as `/timp/products/skus/`, and gives the JSON answered. Rejects with
   * `RemoteRefusal` where the server refuses, with `RemoteSilence` where none can be reached.
   */
  async ask(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    return this.readJson(await this.open({ method, path, headers }));
  }

  /**
   * Sends a request, and gives the head of the reply with its body still to be read. A server may answer
   * before it has read all: then no more is sent. Rejects as `ask` does.
   */
  async open(exchange: Exchange): Promise<IncomingMessage> {
    const response = await this.#send(exchange);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    const json: unknown = await jsonOf(response).catch(() => undefined);
    response.destroy();
    const retryAfterSeconds = Number(response.headers['retry-after'] ?? Number.NaN);
    throw new RemoteRefusal(
      status,
      problemText(json) ?? 'it is no onhand, or not all well.',
      Number.isFinite(retryAfterSeconds) ? retryAfterSeconds : undefined,
    );
  }

  /** The JSON of a reply. Rejects with `RemoteSilence` where it breaks off. */
  async readJson(response: IncomingMessage): Promise<unknown> {
    try {
      return await jsonOf(response);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw unreachable(this.url, error);
      throw new RemoteRefusal(response.statusCode ?? 0, 'it is no onhand, or not all well.');
    }
  }

  #send({ method, path, headers, body }: Exchange): Promise<IncomingMessage> {
    const url = new URL(this.url + path);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        method,
        headers: { ...headers, authorization: `Token ${this.#token}` },
        // A connection of its own: one that was kept may just have been closed.
        agent: false,
      });
      sent.setTimeout(IDLE_TIMEOUT_MS, () => {
        sent.destroy(new Error(`nothing moved for ${IDLE_TIMEOUT_MS / 1000} s`));
      });
      sent.once('response', resolve);
      // After the body's own failure this is no longer heard.
      sent.on('error', (error) => reject(unreachable(this.url, error)));
      if (body === undefined) {
        sent.end();
        return;
      }
      const source = Readable.from(body, { objectMode: false });
      source.once('error', (error) => {
        reject(error);
        sent.destroy();
      });
      sent.once('close', () => source.destroy());
      source.pipe(sent);
    });
  }
}

/** The failure of a server that cannot be reached. */
export function unreachable(url: string, cause: unknown): RemoteSilence {
  return new RemoteSilence(
    'parameter_invalid',
    `No server answers at ${url}: ${reasonOf(cause)}; name another with --url.`,
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  // A name of several addresses, of which none answers: the first says why.
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}

/** The token to ask with. Throws `parameter_invalid` where there is none. */
export function tokenOf({ token, tokenFile }: RemoteOptions): string {
  return checkToken(token ?? readToken(tokenFile));
}

const STDIN = 0;

function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return tokenFromEnvironment()?.trim();
  return readFileSync(file === '-' ? STDIN : file, 'utf8').trim();
}

function checkToken(token: string | undefined): string {
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new OnhandError(
    'parameter_invalid',
    token === undefined
      ? 'There is no token: name a file that holds one with --token-file, or set ONHAND_TOKEN.'
      : 'What is given as the token is none: it is 40 hexadecimal digits.',
  );
}

/** What a problem document says. */
export function problemText(json: unknown): string | undefined {
  const detail = typeof json === 'object' && json !== null && 'detail' in json && json.detail;
  return typeof detail === 'string' ? detail : undefined;
}
