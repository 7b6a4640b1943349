import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { constants, createGzip, type Gzip } from 'node:zlib';

/** How long a client gets to read why its stream was broken off. */
const LINGER_MS = 5000;

/**
 * How long the connection stays open behind the last row: some libraries drop what their program has not
 * read yet when a reply is cut off.
 */
const READ_FIRST_MS = 300;

/** Of a stream that is not read by anybody any more. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/** The reply to a stream, sent as fast as its client reads. */
export class StreamOutput {
  readonly #response: ServerResponse;
  /** Kept, since the response lets go of it when it is over. */
  readonly #socket: Socket | null;
  #idleMs: number;
  /** Runs while something is to be taken. */
  #timer: NodeJS.Timeout | undefined;
  readonly #gzip: Gzip | undefined;

  /** @param idleMs how long nothing may be taken before the connection is closed */
  constructor(
    response: ServerResponse,
    { isGzipped, idleMs }: { readonly isGzipped: boolean; readonly idleMs: number },
  ) {
    this.#response = response;
    this.#socket = response.socket;
    this.#idleMs = idleMs;
    if (!isGzipped) return;
    // Fast rather than small, and whole with each write.
    this.#gzip = createGzip({ level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH });
    this.#gzip.pipe(response, { end: false });
    response.once('close', () => this.#gzip?.destroy());
  }

  /** The server is to stop: from now on a client that takes nothing is not waited for any longer than this. */
  retryNow(): void {
    this.#idleMs = Math.min(this.#idleMs, LINGER_MS);
    if (this.#timer !== undefined) this.#watch();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#response.destroy(), this.#idleMs);
  }

  /** Resolves when all is handed to the network. Rejects with `ClientGone`. */
  async write(text: string): Promise<void> {
    if (text === '') return;
    const to = this.#gzip ?? this.#response;
    await this.#sent((done) => to.write(text, done));
  }

  /** Ends the reply as one that is whole. */
  async end(trailers: Readonly<Record<string, string>>): Promise<void> {
    await this.#endGzip();
    this.#response.addTrailers(trailers);
    await this.#sent((done) => this.#response.end(done));
  }

  /**
   * Ends the connection behind what was written. The head has promised chunks, and their end is left out: no
   * client takes the reply for whole.
   */
  async breakOff(): Promise<void> {
    await this.#endGzip();
    const socket = this.#socket;
    if (socket === null || socket.destroyed) return;
    const ending = setTimeout(() => socket.end(), READ_FIRST_MS);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => {
      clearTimeout(ending);
      clearTimeout(timer);
    });
    // What the client is still sending is read and dropped: closed at once, it would lose what it has not read.
    socket.once('end', () => socket.destroy());
  }

  async #endGzip(): Promise<void> {
    const gzip = this.#gzip;
    if (gzip === undefined) return;
    await this.#sent((done) => gzip.once('end', done).end());
  }

  async #sent(send: (done: () => void) => unknown): Promise<void> {
    const response = this.#response;
    if (response.destroyed) throw new ClientGone();
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once('close', resolve);
    this.#watch();
    send(resolve);
    await promise;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    response.off('close', resolve);
    if (response.destroyed && !response.writableFinished) throw new ClientGone();
  }
}
