import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { constants, createGzip, type Gzip } from 'node:zlib';

/** How long a client has to read why its stream was aborted. */
const LINGER_MS = 5000;

/**
 * How long the connection stays open after the last row: some client libraries discard unread data when a
 * response is aborted.
 */
const READ_FIRST_MS = 300;

/** The client of a stream has disconnected. */
export class ClientDisconnected extends Error {
  override readonly name = 'ClientDisconnected';
}

/** The response of a stream, sent as fast as its client reads. */
export class StreamOutput {
  readonly #response: ServerResponse;
  /** The response drops its reference when it ends. */
  readonly #socket: Socket | null;
  #idleMs: number;
  /** Runs while data waits to be read by the client. */
  #timer: NodeJS.Timeout | undefined;
  readonly #gzip: Gzip | undefined;

  /** @param idleMs how long the client may read nothing before the connection is closed */
  constructor(
    response: ServerResponse,
    { isGzipped, idleMs }: { readonly isGzipped: boolean; readonly idleMs: number },
  ) {
    this.#response = response;
    this.#socket = response.socket;
    this.#idleMs = idleMs;
    if (!isGzipped) return;
    // The fastest level; each write is flushed.
    this.#gzip = createGzip({ level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH });
    this.#gzip.pipe(response, { end: false });
    response.once('close', () => this.#gzip?.destroy());
  }

  /** Shortens the idle time, because the stream is to end. */
  hurry(idleMs: number): void {
    this.#idleMs = Math.min(this.#idleMs, idleMs);
    if (this.#timer !== undefined) this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#response.destroy(), this.#idleMs);
  }

  /** Resolves when the text is handed to the network. Rejects with `ClientDisconnected`. */
  async write(text: string | Uint8Array): Promise<void> {
    if (text.length === 0) return;
    const to = this.#gzip ?? this.#response;
    await this.#sent((done) => to.write(text, done));
  }

  /** Ends a complete response. */
  async end(trailers: Readonly<Record<string, string>>): Promise<void> {
    await this.#endGzip();
    this.#response.addTrailers(trailers);
    await this.#sent((done) => this.#response.end(done));
  }

  /**
   * Closes the connection after what was written. The terminating chunk of the chunked encoding is left out, so
   * that no client takes the response for complete.
   */
  async abort(): Promise<void> {
    await this.#endGzip();
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    const ending = setTimeout(() => socket.end(), READ_FIRST_MS);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(ending);
      clearTimeout(timer);
    });
    // Closing immediately, while the client still sends, would make it lose what it has not read.
    socket.once('end', () => socket.destroy());
  }

  async #endGzip(): Promise<void> {
    const gzip = this.#gzip;
    if (gzip === undefined) return;
    await this.#sent((done) => gzip.once('end', done).end());
  }

  async #sent(send: (done: () => void) => unknown): Promise<void> {
    const response = this.#response;
    if (response.destroyed) throw new ClientDisconnected();
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    this.#watch();
    send(resolve);
    await promise;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    response.off('close', resolve);
    if (response.destroyed && !response.writableFinished) throw new ClientDisconnected();
  }
}
