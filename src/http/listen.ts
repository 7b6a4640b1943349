import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { logListening } from '../logging/event-log.ts';

export interface ListenAddress {
  /** An address or a host name. `localhost` means both loopback addresses. */
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** A socket that listens already, by its file descriptor. The host and port are not used then. */
  readonly socket: number | undefined;
}

/** What `localhost` stands for, whatever the name service says. */
const LOOPBACK_IPV4 = '127.0.0.1';
const LOOPBACK_IPV6 = '::1';
/** A machine without IPv6. */
const NO_SUCH_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/**
 * Listens for clients. All connections belong to the one HTTP server of the app, whichever address they came to.
 * Fastify creates a second HTTP server for `localhost`, which has none of the limits that are attached to the first.
 *
 * @returns closes the app: accepts no more connections, and resolves when the open ones have ended
 * @throws Node's own error (`EADDRINUSE` etc.) if it cannot listen
 */
export async function listen(
  app: FastifyInstance,
  { host, port, socket }: ListenAddress,
): Promise<() => Promise<void>> {
  const isLocalhost = host.toLowerCase() === 'localhost';
  const first = isLocalhost ? LOOPBACK_IPV4 : host;
  await app.listen({ host: first, port, ...(socket !== undefined && { fd: socket }) });
  if (!isLocalhost || socket !== undefined) return () => app.close();
  try {
    const second = await listenAlso(app, LOOPBACK_IPV6);
    return async () => {
      const closed = second?.listening === true ? once(second.close(), 'close') : undefined;
      await app.close();
      await closed;
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** Undefined if this machine does not have the address. */
async function listenAlso(app: FastifyInstance, host: string): Promise<Server | undefined> {
  const port = portOf(app.server.address());
  // As Node's HTTP server does.
  const listener = createServer({ allowHalfOpen: true, noDelay: true });
  listener.on('connection', (connection) => app.server.emit('connection', connection));
  try {
    await once(listener.listen({ host, port }), 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code === 'string' && NO_SUCH_ADDRESS.has(code)) return undefined;
    throw error;
  }
  logListening(app.log, `http://[${host}]:${port}`);
  return listener;
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
