import type { ServerResponse } from 'node:http';
import { OnhandError } from '../domain/errors.ts';

export interface OpenLimits {
  /** Requests being answered at once; one more is refused with `overloaded`. */
  readonly openRequestsMax: number;
  /**
   * Bytes of bodies and replies that these hold together; a body that would pass it is refused with
   * `overloaded`. A body of `requestBytesMax` alone is always taken.
   */
  readonly openBytesMax: number;
  /** Largest body, in bytes. */
  readonly requestBytesMax: number;
  /** How long a reply may stand still, unread by its client, before the connection is closed. */
  readonly requestTimeoutMs: number;
}

const RETRY_SECONDS = 1;

/** Bodies of at most so many bytes have a sixteenth of the room to themselves: giants cannot shut them out. */
const SMALL_BYTES_MAX = 64 * 1024;
const LARGE_SHARE = 15 / 16;

/** The requests that are being answered, and the memory that their bodies and replies take. */
export class OpenRequests {
  readonly #requestsMax: number;
  readonly #bytesMax: number;
  readonly #largeBytesMax: number;
  readonly #timeoutMs: number;
  #requests = 0;
  #bytes = 0;

  constructor({ openRequestsMax, openBytesMax, requestBytesMax, requestTimeoutMs }: OpenLimits) {
    this.#timeoutMs = requestTimeoutMs;
    this.#requestsMax = openRequestsMax;
    this.#bytesMax = Math.max(openBytesMax, requestBytesMax);
    this.#largeBytesMax = Math.max(Math.floor(openBytesMax * LARGE_SHARE), requestBytesMax);
  }

  /** Takes on one more, to be answered by `response`. Throws `overloaded`. */
  open(response: ServerResponse): OpenRequest {
    if (this.#requests >= this.#requestsMax) {
      throw overloaded('The server is answering as many requests as it can');
    }
    this.#requests += 1;
    return new OpenRequest(response, {
      timeoutMs: this.#timeoutMs,
      take: (bytes, bodyBytes) => {
        const most = bodyBytes <= SMALL_BYTES_MAX ? this.#bytesMax : this.#largeBytesMax;
        if (this.#bytes + bytes > most) {
          throw overloaded('The server holds as many bytes of requests as it can');
        }
        this.#bytes += bytes;
      },
      exchange: (held, bytes) => {
        this.#bytes += bytes - held;
      },
      leave: (held) => {
        this.#bytes -= held;
        this.#requests -= 1;
      },
    });
  }
}

/** What a request does to the books of all. */
interface Books {
  readonly timeoutMs: number;
  /** Adds bytes of a body that then has `bodyBytes`; throws `overloaded` where there is no room for them. */
  take(bytes: number, bodyBytes: number): void;
  /** Puts other bytes in the place of those that were held, room or not. */
  exchange(held: number, bytes: number): void;
  leave(held: number): void;
}

/**
 * A request that is being answered. It is over when its reply is printed *and* sent or its connection gone,
 * whichever comes last: of a client that has gone the work goes on, and takes memory.
 */
export class OpenRequest {
  readonly #response: ServerResponse;
  readonly #books: Books;
  #bytes = 0;
  #isAnswered = false;
  #isClosed: boolean;

  constructor(response: ServerResponse, books: Books) {
    this.#response = response;
    this.#books = books;
    // A client that is gone by now will not be gone again.
    this.#isClosed = response.closed;
    if (this.#isClosed) return;
    response.once('close', () => {
      this.#isClosed = true;
      if (this.#isAnswered) this.#leave();
    });
  }

  /** Makes room for a body of at least so many bytes. Throws `overloaded`, and then holds what it held. */
  hold(bodyBytes: number): void {
    if (bodyBytes <= this.#bytes) return;
    this.#books.take(bodyBytes - this.#bytes, bodyBytes);
    this.#bytes = bodyBytes;
  }

  /** Lets go of the body; the reply is held until it is sent. */
  answered(replyBytes: number): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#books.exchange(this.#bytes, replyBytes);
    this.#bytes = replyBytes;
    if (this.#isClosed) this.#leave();
    else if (replyBytes > SMALL_BYTES_MAX) this.#response.setTimeout(this.#books.timeoutMs);
  }

  #leave(): void {
    this.#books.leave(this.#bytes);
  }
}

function overloaded(why: string): OnhandError {
  return new OnhandError('overloaded', `${why}; send this one again later.`, {
    retryAfterSeconds: RETRY_SECONDS,
  });
}
