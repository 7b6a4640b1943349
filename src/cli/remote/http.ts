import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { json as jsonOf } from 'node:stream/consumers';
import type { BatchNote } from '../../../client/src/index.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { readToken, serverUrl, type RemoteOptions } from './options.ts';

/** A response with an error status; the message quotes the server. */
export class RemoteRefusal extends OnhandError {
  readonly status: number;
  readonly detail: string;

  /** @param retryAfterSeconds the server's Retry-After */
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

/** No response arrived: the server may or may not have processed the request. */
export class RemoteSilence extends OnhandError {}

/** A request whose body or response is streamed. */
export interface Exchange {
  readonly method: 'GET' | 'POST';
  /** Such as `/timp/products/skus/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is produced; if it throws, the exchange rejects with the same error. */
  readonly body?: AsyncIterable<Uint8Array>;
}

/** Stands in for the detail of a response that is not a problem document. */
export const NOT_ONHAND = 'the response is not from onhand, or the server is failing. Check --url.';

/** How long a connection may be idle before it is closed. */
const IDLE_TIMEOUT_MS = 60_000;

/** Reads the token and returns the server's API. Rejects with `parameter_invalid` if there is no token. */
export async function connect(context: CommandContext, options: RemoteOptions): Promise<Remote> {
  return new Remote(serverUrl(options), await readToken(context, options));
}

/** A server's API, used with one token. */
export class Remote {
  readonly url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = url;
    this.#token = token;
  }

  /** Identifies the token without revealing it. */
  get tokenHash(): string {
    return createHash('sha256').update(this.#token).digest('hex');
  }

  /**
   * Requests a path such as `/timp/products/skus/` and returns the JSON response. Rejects with
   * `RemoteRefusal` for an error status, with `RemoteSilence` if no response arrives.
   */
  async ask(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    return this.readJson(await this.open({ method, path, headers }));
  }

  /**
   * Sends a request and returns the response with its body unread. A server may respond before it has
   * read the whole request; then sending stops. Rejects as `ask` does.
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
      problemText(json) ?? NOT_ONHAND,
      Number.isFinite(retryAfterSeconds) ? retryAfterSeconds : undefined,
    );
  }

  /** The JSON of a response. Rejects with `RemoteSilence` if the connection breaks. */
  async readJson(response: IncomingMessage): Promise<unknown> {
    try {
      return await jsonOf(response);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw unreachable(this.url, error);
      throw new RemoteRefusal(response.statusCode ?? 0, NOT_ONHAND);
    }
  }

  async #send({ method, path, headers, body }: Exchange): Promise<IncomingMessage> {
    const url = new URL(this.url + path);
    const { request } = await (url.protocol === 'https:'
      ? import('node:https')
      : import('node:http'));
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        method,
        headers: { ...headers, authorization: `Token ${this.#token}` },
        // A new connection: the server may just have closed a reused one.
        agent: false,
      });
      sent.setTimeout(IDLE_TIMEOUT_MS, () => {
        sent.destroy(new Error(`no data for ${IDLE_TIMEOUT_MS / 1000} s`));
      });
      sent.once('response', resolve);
      // If the body failed first, the promise is already rejected and this has no effect.
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

/** The error for a server that cannot be reached. */
export function unreachable(url: string, cause: unknown): RemoteSilence {
  return new RemoteSilence(
    'parameter_invalid',
    `No server responds at ${url}: ${reasonOf(cause)}. Check --url.`,
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  // The host has several addresses and none responds: report the first error.
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  return cause instanceof Error ? cause.message : String(cause);
}

/** The detail of a problem document. */
export function problemText(json: unknown): string | undefined {
  const detail = typeof json === 'object' && json !== null && 'detail' in json && json.detail;
  return typeof detail === 'string' ? detail : undefined;
}

/** The headers that carry a batch's reason and reference. HTTP headers are Latin-1 strings; this carries UTF-8 bytes. */
export function noteHeaders({ reason, reference }: BatchNote): Record<string, string> {
  const asHeader = (text: string): string => Buffer.from(text).toString('latin1');
  return {
    ...(reason !== undefined && { 'batch-reason': asHeader(reason) }),
    ...(reference !== undefined && { 'batch-reference': asHeader(reference) }),
  };
}
