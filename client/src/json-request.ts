import type { Query, Request } from './transport.ts';

/** A request with a JSON body. */
export function jsonRequest(
  method: 'POST' | 'PATCH',
  path: string,
  content: object,
  {
    isRepeatable = false,
    query,
  }: Pick<Request, 'isRepeatable'> & { query?: Query | undefined } = {},
): Request {
  return {
    method,
    path,
    query,
    headers: { 'content-type': 'application/json' },
    body: () => JSON.stringify(content),
    isRepeatable,
  };
}
