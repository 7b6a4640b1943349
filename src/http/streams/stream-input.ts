import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OnhandError } from '../../domain/errors.ts';

/** The size of decompressed chunks. */
const CHUNK_BYTES = 65_536;
const LF = 0x0a;

/** The body of a stream, read on demand only. */
export class StreamInput {
  readonly #request: IncomingMessage;
  readonly #body: Readable;
  readonly #idleMs: number;
  #isEnded = false;
  /** How long `next` has waited since the last row ended. */
  #waitedMs = 0;
  #failure: unknown;
  /** Wakes `next`. */
  #wake: () => void = () => undefined;

  /** @param idleMs how long `next` waits for a row to end */
  constructor(
    request: IncomingMessage,
    { isGzipped, idleMs }: { readonly isGzipped: boolean; readonly idleMs: number },
  ) {
    this.#request = request;
    this.#idleMs = idleMs;
    this.#body = isGzipped ? request.pipe(createGunzip({ chunkSize: CHUNK_BYTES })) : request;
    this.#body.on('readable', () => this.#wake());
    this.#body.once('end', () => {
      this.#isEnded = true;
      this.#wake();
    });
    const truncated = (): void => {
      if (!request.complete)
        this.stop(new OnhandError('body_malformed', 'The body is incomplete.'));
    };
    request.once('error', truncated);
    request.once('close', truncated);
    if (this.#body !== request) {
      this.#body.once('error', () => {
        this.stop(
          new OnhandError(
            'body_malformed',
            'The Content-Encoding is gzip, but the body is not valid gzip from there on.',
          ),
        );
      });
    }
    // The connection may have closed during authentication; no event follows then.
    if (request.destroyed) truncated();
  }

  /**
   * The next bytes; undefined at the end. Rejects with `request_timeout` if no row ends for `idleMs`, with
   * `body_malformed` if the body is truncated or cannot be decompressed, and with the reason of `stop`.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const bytes: unknown = this.#body.read();
      if (bytes instanceof Buffer) {
        if (bytes.includes(LF)) this.#waitedMs = 0;
        return bytes;
      }
      if (this.#isEnded) return undefined;
      await this.#wait();
    }
  }

  /** Ends reading: `next` rejects with `reason` from now on. */
  stop(reason: unknown): void {
    this.#failure ??= reason;
    this.#wake();
  }

  /** Reads and discards the rest, so that the client can read the response. */
  discard(): void {
    if (this.#body !== this.#request) this.#request.unpipe();
    this.#request.removeAllListeners('readable');
    this.#request.resume();
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    // Single bytes do not keep a stream open: only rows do.
    const leftMs = Math.max(0, this.#idleMs - this.#waitedMs);
    const timer = setTimeout(() => this.stop(idleTimeout(this.#idleMs)), leftMs);
    const startedMs = performance.now();
    await promise;
    this.#waitedMs += performance.now() - startedMs;
    clearTimeout(timer);
  }
}

function idleTimeout(idleMs: number): OnhandError {
  return new OnhandError(
    'request_timeout',
    `No complete row arrived for ${Math.round(idleMs / 1000)} seconds. To keep a stream open, send a blank row now and then.`,
  );
}
