import { Onhand, type OnhandOptions } from '../../../client/src/index.ts';
import { Transport } from '../../../client/src/transport.ts';
import { fetchWithProgress } from './fetch-with-progress.ts';

/** Authenticates by the session cookie. The header shows the server that a page of its own sends the request. */
function optionsFor(supplier: string | undefined, send: typeof fetch = fetch): OnhandOptions {
  return {
    url: window.location.origin,
    // A person waits: say soon that the server does not answer.
    retries: 2,
    timeoutMs: 20_000,
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.delete('user-agent');
      headers.set('onhand-dashboard', '1');
      const url = input instanceof Request ? input.url : input;
      return send(actingUrl(url, supplier), { ...init, headers, credentials: 'same-origin' });
    },
  };
}

/** The address of a route of one supplier: an operator says which one it acts for. */
export function actingUrl(url: string | URL, supplier: string | undefined): string {
  const acting = new URL(url, window.location.origin);
  if (supplier !== undefined) acting.searchParams.set('supplier', supplier);
  return acting.href;
}

/** The client of the server that sent this page, for the user who is logged in; for operators, acting for a supplier. */
export function clientFor(supplier: string | undefined): Onhand {
  return new Onhand(optionsFor(supplier));
}

/** As `clientFor` for the user's own organization; tells of each response and each retry. */
export function clientWithLog(log: NonNullable<OnhandOptions['log']>): Onhand {
  return new Onhand({ ...optionsFor(undefined), log });
}

/** As `clientFor`; tells how much of each request's body was sent, from 0 to 1. */
export function clientWithProgress(
  supplier: string | undefined,
  onProgress: (share: number) => void,
): Onhand {
  return new Onhand(optionsFor(supplier, fetchWithProgress(onProgress)));
}

/** Sends the requests that the client has no method for, because only people use them; acts for the same as `clientFor`. */
export function transportFor(supplier: string | undefined): Transport {
  return new Transport(optionsFor(supplier));
}

/** The client of the server that sent this page, for the user who is logged in. */
export const onhand = clientFor(undefined);

/** Sends the requests of the user who is logged in that the client has no method for. */
export const transport = transportFor(undefined);
