import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { OnhandError } from '../../domain/errors.ts';

/** Uploads that are coming in: they take as long as they take, and may not stand still. */
export class OpenUploads {
  readonly #sockets = new WeakSet<Socket>();
  readonly #idleMs: number;

  /** @param idleMs how long nothing may come before the connection is closed */
  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  /** Whether an upload comes over a connection, so that the time of usual requests is not its own. */
  holds(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /** Does the work of an upload. */
  async during<T>(request: IncomingMessage, work: () => Promise<T>): Promise<T> {
    const { socket } = request;
    this.#sockets.add(socket);
    request.setTimeout(this.#idleMs, () => {
      request.destroy(new OnhandError('request_timeout', 'Nothing came of the file for too long.'));
    });
    try {
      return await work();
    } finally {
      this.#sockets.delete(socket);
      socket.setTimeout(0);
    }
  }
}
