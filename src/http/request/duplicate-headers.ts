import { OnhandError } from '../../domain/errors.ts';

/** Headers of which two would mean different things to a proxy and to this server. */
const SINGLE_HEADERS = ['host', 'authorization'];

/**
 * Throws `request_malformed` if a request has two `Host` or `Authorization` headers. Node silently uses the first.
 *
 * @param rawHeaders names and values in turn
 */
export function refuseDuplicateHeaders(rawHeaders: readonly string[]): void {
  const seen: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? '';
    if (!SINGLE_HEADERS.includes(name)) continue;
    if (seen.includes(name)) {
      throw new OnhandError(
        'request_malformed',
        `The request has more than one ${rawHeaders[i]} header; send one.`,
      );
    }
    seen.push(name);
  }
}
