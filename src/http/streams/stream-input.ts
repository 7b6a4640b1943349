import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { OnhandError } from '../../domain/errors.ts';

/** How many inflated bytes are handed on at a time. */
const CHUNK_BYTES = 65_536;

/** The body of a stream, read as it is asked for and no further. */
export class StreamInput {
  readonly #request: IncomingMessage;
  readonly #body: Readable;
  readonly #idleMs: number;
  #isEnded = false;
  #failure: unknown;
  /** Lets whoever waits look again. */
  #wake: () => void = () => undefined;

  /** @param idleMs how long nothing may come while something is waited for */
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
    const cutShort = (): void => {
      if (!request.complete)
        this.stop(new OnhandError('body_malformed', 'The body was cut short.'));
    };
    request.once('error', cutShort);
    request.once('close', cutShort);
    if (this.#body !== request) {
      this.#body.once('error', () => {
        this.stop(
          new OnhandError(
            'body_malformed',
            'The body is not gzip from there on, as its Content-Encoding says.',
          ),
        );
      });
    }
    // While it was asked who sends this, the connection may have ended; nothing more comes then.
    if (request.destroyed) cutShort();
  }

  /**
   * What has come; undefined at the end. Rejects with `request_timeout` where nothing comes for long, with
   * `body_malformed` where it cannot be inflated or is cut short, and with what `stop` was called with.
   */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const bytes: unknown = this.#body.read();
      if (bytes instanceof Buffer) return bytes;
      if (this.#isEnded) return undefined;
      await this.#wait();
    }
  }

  /** Nothing more is read. */
  stop(reason: unknown): void {
    this.#failure ??= reason;
    this.#wake();
  }

  /** Lets the rest come and go, so that its client gets to read the answer. */
  drop(): void {
    if (this.#body !== this.#request) this.#request.unpipe();
    this.#request.removeAllListeners('readable');
    this.#request.resume();
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => this.stop(idle(this.#idleMs)), this.#idleMs);
    await promise;
    clearTimeout(timer);
  }
}

function idle(idleMs: number): OnhandError {
  return new OnhandError(
    'request_timeout',
    `Nothing came for ${Math.round(idleMs / 1000)} seconds; a blank row now and then keeps a stream open.`,
  );
}
