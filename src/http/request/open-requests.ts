import type { ServerResponse } from 'node:http';
import { OnhandError } from '../../domain/errors.ts';

export interface OpenLimits {
  /** Requests being answered at once; one more is refused with `overloaded`. */
  readonly openRequestsMax: number;
  /**
   * InventoryCache that their bodies and replies take together, in bytes; a body that would pass it is refused
   * with `overloaded`. A body of `requestBytesMax` alone is always taken.
   */
  readonly openBytesMax: number;
  /** Largest body, in bytes. */
  readonly requestBytesMax: number;
  /** How long a reply may stand still, unread by its client, before the connection is closed. */
  readonly requestTimeoutMs: number;
}

const RETRY_SECONDS = 1;

/**
 * What each value in a body counts beside its bytes. Bodies are held as text, as values and as verdicts:
 * `{},` takes three bytes to send and a hundred to hold.
 */
const VALUE_BYTES = 64;
/** What each line that cannot be read counts: its verdict is long however short it is. */
const REFUSAL_BYTES = 1024;

/** What takes so little has a sixteenth of the room to itself: giants cannot shut it out. */
const SMALL_BYTES_MAX = 256 * 1024;
const LARGE_SHARE = 15 / 16;
/** So much of the room is enough for any body of fewer bytes: a dense one still finds its place. */
const ENOUGH_SHARE = 1 / 2;

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
      enoughBytes: Math.floor(this.#largeBytesMax * ENOUGH_SHARE),
      take: (bytes, ofAll) => {
        const most = ofAll <= SMALL_BYTES_MAX ? this.#bytesMax : this.#largeBytesMax;
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
  /** What a request need not pass, unless its body alone does. */
  readonly enoughBytes: number;
  /** Adds `bytes` to make up `ofAll`; throws `overloaded` where there is no room for them. */
  take(bytes: number, ofAll: number): void;
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

  /**
   * Makes room for a body of at least so many bytes, and values in it. Throws `overloaded`, and then holds
   * what it held.
   */
  hold(bytes: number, values: number): void {
    this.#growTo(bytes, bytes + values * VALUE_BYTES);
  }

  /** Makes room for the verdicts of so many lines that cannot be read. Throws `overloaded`. */
  holdRefusals(count: number): void {
    this.#growTo(this.#bytes, this.#bytes + count * REFUSAL_BYTES);
  }

  /** Makes room for so many bytes in all, if there is any; says whether there is. */
  widen(bytes: number): boolean {
    try {
      this.#growTo(bytes, bytes);
      return true;
    } catch (refusal) {
      if (refusal instanceof OnhandError) return false;
      throw refusal;
    }
  }

  /** Gives back all room but for so many bytes. */
  narrow(bytes: number): void {
    if (bytes >= this.#bytes) return;
    this.#books.exchange(this.#bytes, bytes);
    this.#bytes = bytes;
  }

  #growTo(leastBytes: number, mostBytes: number): void {
    const bytes = Math.max(leastBytes, Math.min(mostBytes, this.#books.enoughBytes));
    if (bytes <= this.#bytes) return;
    this.#books.take(bytes - this.#bytes, bytes);
    this.#bytes = bytes;
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
