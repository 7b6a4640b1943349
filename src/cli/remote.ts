import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_HOST, DEFAULT_PORT, tokenFromEnvironment } from '../config.ts';
import { OnhandError } from '../domain/errors.ts';

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

  constructor(status: number, detail: string) {
    super('parameter_invalid', `The server answered ${status}: ${detail}`);
    this.status = status;
  }
}

/** A server's API, asked in the name of a token. */
export class Remote {
  readonly #url: string;
  readonly #token: string;

  /** Throws `parameter_invalid` where there is no token. */
  constructor(options: RemoteOptions) {
    this.#url = options.url;
    this.#token = tokenOf(options);
  }

  /**
   * Asks for a path, such as `/timp/products/skus/`, and gives the JSON answered. Rejects with
   * `RemoteRefusal` where the server refuses, with `parameter_invalid` where none can be reached.
   */
  async ask(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const response = await this.#fetch(method, path, headers);
    const json: unknown = await response.json().catch(() => undefined);
    if (response.ok && json !== undefined) return json;
    throw new RemoteRefusal(
      response.status,
      problemText(json) ?? 'it is no onhand, or not all well.',
    );
  }

  async #fetch(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> {
    try {
      const credentials = { authorization: `Token ${this.#token}` };
      return await fetch(this.#url + path, { method, headers: { ...headers, ...credentials } });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw unreachable(this.#url, cause);
    }
  }
}

/** The failure of a server that cannot be reached. */
export function unreachable(url: string, cause: unknown): OnhandError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new OnhandError(
    'parameter_invalid',
    `No server answers at ${url}: ${reason}; name another with --url.`,
    { cause },
  );
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
