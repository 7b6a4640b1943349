/** The options of commands that connect to a server: its address and a token. */
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { InvalidArgumentError, Option } from 'commander';
import { tokenFromEnvironment, urlFromEnvironment } from '../../config.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';

export interface RemoteOptions {
  readonly url: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

/** The options of every command that connects to a server. */
export function remoteOptions({ environment }: CommandContext): readonly Option[] {
  return [
    new Option('--url <url>', 'address of the server (environment: ONHAND_URL)')
      .default(urlFromEnvironment(environment))
      .argParser(parseUrl),
    new Option(
      '--token-file <file>',
      'file that contains the token, - for stdin (default: environment variable ONHAND_TOKEN)',
    ),
    new Option(
      '--token <token>',
      'the token itself; other users of the machine can see it while the command runs',
    ).conflicts('tokenFile'),
  ];
}

const URL_FORM = 'A URL starts with http:// or https://.';

function parseUrl(text: string): string {
  const url = normalizedUrl(text);
  if (url === undefined) throw new InvalidArgumentError(URL_FORM);
  return url;
}

function normalizedUrl(text: string): string | undefined {
  // Not URL.parse: Node.js 20 does not have it.
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) return undefined;
  return url.href.replace(/\/+$/, '');
}

/** The address of the server. Throws `parameter_invalid` if ONHAND_URL has another form. */
export function serverUrl({ url: text }: RemoteOptions): string {
  const url = normalizedUrl(text);
  if (url === undefined)
    throw new OnhandError('parameter_invalid', `ONHAND_URL is "${text}". ${URL_FORM}`);
  return url;
}

/** The token from the options or the environment. Rejects with `parameter_invalid` if there is none. */
export async function readToken(
  { stdin, environment }: CommandContext,
  { token, tokenFile }: RemoteOptions,
): Promise<string> {
  if (token !== undefined) return checkToken(token);
  if (tokenFile === undefined) return checkToken(tokenFromEnvironment(environment)?.trim());
  return checkToken(
    (tokenFile === '-' ? await textOf(stdin) : await readFile(tokenFile, 'utf8')).trim(),
  );
}

function checkToken(token: string | undefined): string {
  if (token !== undefined && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new OnhandError(
    'parameter_invalid',
    token === undefined
      ? 'There is no token: name a file that contains it with --token-file, or set ONHAND_TOKEN.'
      : 'The token is malformed: a token is 40 hexadecimal digits.',
  );
}
