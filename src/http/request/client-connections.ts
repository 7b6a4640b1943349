import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { OnhandError } from '../../domain/errors.ts';
import { isLoopback, networkOf, OpenPerNetwork } from './client-networks.ts';

export interface ConnectionLimits {
  /**
   * Connections of all clients together. Before that, those that have had no admitted request for the longest time
   * are closed to make room for new ones.
   */
  readonly clientConnectionsMax: number;
  /** Connections of one client address; more are answered 503 and closed. 0 means no limit. */
  readonly clientConnectionsPerAddressMax: number;
}

interface ClientConnectionsParts {
  readonly limits: ConnectionLimits;
  /**
   * Whether clients connect through a proxy. Then the connections are the proxy's, so the open requests of each
   * client address are counted instead.
   */
  readonly isProxied: boolean;
  /** The response on a connection beyond the limit. */
  readonly refusal: () => string;
}

/** The share of all connections from which on a new one replaces one without an admitted request. */
const CROWDED_SHARE = 0.9;
const RETRY_SECONDS = 10;
/** How long a connection without an admitted request may delay the end of the server. */
const UNUSED_END_WITHIN_MS = 2000;

/** Limits the connections of clients: of all together, and of each address. */
export class ClientConnections {
  readonly #parts: ClientConnectionsParts;
  /** Undefined without a limit. */
  readonly #byNetwork: OpenPerNetwork | undefined;
  /**
   * Connections without an admitted request, the oldest first: idle ones, and those that send a header, or a body
   * without credentials, slowly.
   */
  readonly #replaceable = new Set<Socket>();
  readonly #open = new Set<Socket>();

  constructor(parts: ClientConnectionsParts) {
    this.#parts = parts;
    const { clientConnectionsPerAddressMax: max } = parts.limits;
    this.#byNetwork = max === 0 ? undefined : new OpenPerNetwork(max);
  }

  /** Applies the limits to the connections that a server accepts from now on. */
  attach(server: Server): void {
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Keeps the connection of an admitted request until its response has ended. */
  keep({ socket }: IncomingMessage, response: ServerResponse): void {
    if (response.closed || !this.#replaceable.delete(socket)) return;
    response.once('close', () => {
      if (!socket.destroyed) this.#replaceable.add(socket);
    });
  }

  usage(): { readonly used: number; readonly limit: number } {
    return { used: this.#open.size, limit: this.#parts.limits.clientConnectionsMax };
  }

  #accept(socket: Socket): void {
    const { isProxied, refusal, limits } = this.#parts;
    if (this.#open.size >= limits.clientConnectionsMax * CROWDED_SHARE) this.#replaceOldest();
    if (this.#open.size >= limits.clientConnectionsMax) {
      socket.destroy();
      return;
    }
    this.#open.add(socket);
    this.#replaceable.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#replaceable.delete(socket);
    });
    if (isProxied || this.#enter(socket.remoteAddress ?? '', socket)) return;
    socket.write(refusal());
    socket.destroySoon();
  }

  /**
   * Closes the connections that have no admitted request soon, and again until none is open. A server that closes waits
   * for each connection on which no request has ended, and Node no longer limits the time for its headers then.
   */
  endUnused(): void {
    const timer = setInterval(() => {
      for (const socket of this.#replaceable) socket.destroy();
      if (this.#open.size === 0) clearInterval(timer);
    }, UNUSED_END_WITHIN_MS).unref();
  }

  #replaceOldest(): void {
    const [oldest] = this.#replaceable;
    if (oldest === undefined) return;
    this.#replaceable.delete(oldest);
    this.#open.delete(oldest);
    oldest.destroy();
  }

  /**
   * Counts a request that came through a proxy, until its response has ended. Throws `overloaded` if its client
   * has too many.
   */
  countRequest(address: string, response: ServerResponse): void {
    if (!this.#parts.isProxied || response.closed || this.#enter(address, response)) return;
    throw new OnhandError(
      'overloaded',
      'There are too many open requests from your address (ONHAND_CLIENT_CONNECTIONS_PER_ADDRESS_MAX). Send this one again later.',
      { retryAfterSeconds: RETRY_SECONDS },
    );
  }

  /** Counts something of an address until it emits `close`; returns false if there are too many already. */
  #enter(address: string, opened: Socket | ServerResponse): boolean {
    if (this.#byNetwork === undefined || isLoopback(address)) return true;
    return this.#byNetwork.tryOpen(networkOf(address), opened);
  }
}
