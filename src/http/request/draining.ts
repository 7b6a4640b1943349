import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const POLL_MS = 20;

/**
 * Has clients close their connections while the server still answers: from now on, each response says
 * `Connection: close`. Otherwise a request could arrive on an idle connection just as the server closes it.
 *
 * @returns once no connection is open, or after `withinMs`: new clients may connect meanwhile
 */
export async function drainConnections(server: Server, withinMs: number): Promise<void> {
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.shouldKeepAlive = false;
  });
  const countConnections = promisify(server.getConnections.bind(server));
  const untilMs = performance.now() + withinMs;
  while (performance.now() < untilMs && (await countConnections()) > 0) await delay(POLL_MS);
}
