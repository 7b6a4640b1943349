/** The options of commands that connect to a server: its address and a token. */
import { readFile } from 'node:fs/promises';
import { text as textOf } from 'node:stream/consumers';
import { InvalidArgumentError, Option } from 'commander';
import { TEXT_SETTINGS } from '../../config.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';

export interface RemoteOptions {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

/** The options of every command that connects to a server. */
export function remoteOptions(): readonly Option[] {
  return [
    new Option(
      '--url <url>',
      `address of the server (setting: ONHAND_URL; default: ${TEXT_SETTINGS.url.fallback})`,
    ).argParser(parseUrl),
    new Option(
      '--token-file <file>',
      'file that contains the token, - for stdin (setting: ONHAND_TOKEN)',
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

/** The address of the server. Throws `parameter_invalid` if the setting has another form. */
export function serverUrl({ given }: CommandContext, { url }: RemoteOptions): string {
  if (url !== undefined) return url;
  const { variable, fallback } = TEXT_SETTINGS.url;
  const text = given.values[variable] || fallback;
  const normalized = normalizedUrl(text);
  if (normalized !== undefined) return normalized;
  throw new OnhandError('parameter_invalid', `${given.nameOf(variable)} is "${text}". ${URL_FORM}`);
}

/** The token from the options or the settings. Rejects with `parameter_invalid` if there is none. */
export async function readToken(
  { stdin, given }: CommandContext,
  { token, tokenFile }: RemoteOptions,
): Promise<string> {
  if (token !== undefined) return checkToken(token);
  if (tokenFile === undefined) {
    return checkToken(given.values[TEXT_SETTINGS.token.variable]?.trim() || undefined);
  }
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
