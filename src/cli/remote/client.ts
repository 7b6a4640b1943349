import {
  type LogEvent,
  Onhand,
  OnhandError as RemoteError,
  type OnhandOptions,
  reasonOf,
} from '../../../client/src/index.ts';
import { OnhandError } from '../../domain/errors.ts';
import { version } from '../../version.ts';
import type { CommandContext } from '../context.ts';
import { readToken, serverUrl, type RemoteOptions } from './options.ts';

/** A client of the server, and what it is made of. */
export interface Remote {
  readonly onhand: Onhand;
  readonly url: string;
  readonly token: string;
}

/**
 * Reads the token and returns a client. Rejects with `parameter_invalid` if there is no token.
 *
 * @param onRetry receives a sentence for each retry
 */
export async function connect(
  context: CommandContext,
  options: RemoteOptions,
  limits: Pick<OnhandOptions, 'retries' | 'retryForMs'> = { retries: 0 },
  onRetry = (text: string): void => context.note(text),
): Promise<Remote> {
  const url = serverUrl(context, options);
  const token = await readToken(context, options);
  const log = (event: LogEvent): void => {
    if (event.event !== 'retry') return;
    const seconds = (event.delayMs / 1000).toFixed(1);
    onRetry(`onhand: ${failureText(event.error, url)} Retrying in ${seconds} s.`);
  };
  const userAgent = `onhand/${version()}`;
  return { onhand: new Onhand({ url, token, userAgent, log, ...limits }), url, token };
}

/** Runs the work of a command with a client of the server. Rejects with the client's errors as `explained` words them. */
export async function withServer<T>(
  context: CommandContext,
  options: RemoteOptions,
  work: (onhand: Onhand) => Promise<T>,
): Promise<T> {
  const { onhand, url } = await connect(context, options);
  return explaining(url, () => work(onhand));
}

/** Does work with a client of the server. Rejects with the client's errors as `explained` words them. */
export async function explaining<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof RemoteError ? explained(error, url) : error;
  }
}

/** A failure of the client as an error of the command line. */
export function explained(error: RemoteError, url: string): OnhandError {
  return new OnhandError('parameter_invalid', failureText(error, url), { cause: error });
}

/** What a failure of the client means for the user of a command. Quotes the server. */
export function failureText({ status, detail, cause }: RemoteError, url: string): string {
  return status === 0
    ? `No server responds at ${url}: ${reasonOf(cause)}. Check --url.`
    : `The server answered ${status}: ${detail}`;
}
