import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { OnhandError } from '../domain/errors.ts';
import type { Exposition } from './instruments.ts';

interface ListenerParts {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** Whether a request with this `Authorization` header may read the metrics. */
  readonly mayRead: (authorization: string | undefined) => boolean;
  readonly scrape: () => Promise<Exposition>;
  readonly onFailure: (error: unknown) => void;
}

/** A listener that serves `/metrics` and nothing else. */
export interface MetricsListener {
  /** Such as `http://127.0.0.1:9464/metrics`. */
  readonly url: string;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 32;
const REQUEST_TIMEOUT_MS = 10_000;

/** Starts the listener. Throws `parameter_invalid` if it cannot listen there. */
export async function listenForScrapes(parts: ListenerParts): Promise<MetricsListener> {
  const { host, port } = parts;
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => void answer(parts, request, response),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new OnhandError(
      'parameter_invalid',
      `Cannot serve metrics on port ${port} of ${host}: ${error instanceof Error ? error.message : String(error)}. Change ONHAND_METRICS_PORT or ONHAND_METRICS_HOST.`,
      { cause: error },
    );
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}/metrics`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function answer(
  { mayRead, scrape, onFailure }: ListenerParts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, text: string, headers: Readonly<Record<string, string>> = {}) =>
    response
      .writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers })
      .end(request.method === 'HEAD' ? undefined : text);
  const [path] = (request.url ?? '').split('?');
  if (path !== '/metrics') return void send(404, 'The metrics are at /metrics.\n');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return void send(405, 'Read the metrics with GET.\n', { allow: 'GET, HEAD' });
  if (!mayRead(request.headers.authorization)) {
    const text = 'Send the header "Authorization: Bearer " followed by ONHAND_METRICS_TOKEN.\n';
    return void send(401, text, { 'www-authenticate': 'Bearer' });
  }
  try {
    const { contentType, text } = await scrape();
    send(200, text, { 'content-type': contentType });
  } catch (error) {
    onFailure(error);
    if (!response.headersSent) send(500, 'The metrics cannot be read; the log says why.\n');
  }
}
