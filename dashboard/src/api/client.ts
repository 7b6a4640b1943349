import { Onhand, type OnhandOptions } from '../../../client/src/index.ts';
import { Transport } from '../../../client/src/transport.ts';

/** Authenticates by the session cookie. The header shows the server that a page of its own sends the request. */
const options: OnhandOptions = {
  url: window.location.origin,
  // A person waits: say soon that the server does not answer.
  retries: 2,
  timeoutMs: 20_000,
  fetch: async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete('user-agent');
    headers.set('onhand-dashboard', '1');
    return fetch(input, { ...init, headers, credentials: 'same-origin' });
  },
};

/** The client of the server that sent this page, for the user who is logged in. */
export const onhand = new Onhand(options);

/** Calls what the client has no method for, because only people use it. */
export const transport = new Transport(options);

/** A request with a JSON body. */
export function jsonRequest(method: 'POST' | 'PUT' | 'PATCH', path: string, value: unknown) {
  return {
    method,
    path,
    headers: { 'content-type': 'application/json' },
    body: () => JSON.stringify(value),
  } as const;
}
