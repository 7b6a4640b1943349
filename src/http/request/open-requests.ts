import type { ServerResponse } from 'node:http';
import { OnhandError } from '../../domain/errors.ts';

export interface OpenLimits {
  /** Requests that are open at the same time; more are refused with `overloaded`. */
  readonly openRequestsMax: number;
  /**
   * Memory for the bodies and responses of all open requests, in bytes. A body that would exceed it is
   * refused with `overloaded`; a single body of `requestBytesMax` always fits.
   */
  readonly openBytesMax: number;
  /** The largest body, in bytes. */
  readonly requestBytesMax: number;
  /** How long a client may read nothing of a response before the connection is closed. */
  readonly requestTimeoutMs: number;
}

const RETRY_SECONDS = 1;

/**
 * Memory reserved for each JSON value in a body, beside its bytes. A body exists as text, as values and as
 * results at the same time: `{},` is three bytes on the wire and a hundred in memory.
 */
const VALUE_BYTES = 64;
/** Memory reserved for each line that cannot be parsed: its result is long even if the line is short. */
const FAILURE_BYTES = 1024;

/** A share of the memory is reserved for small requests, so that large ones cannot starve them. */
const SMALL_BYTES_MAX = 256 * 1024;
const LARGE_SHARE = 15 / 16;
/**
 * A request that is smaller than this share of the memory never reserves more than it, however many values
 * it has. Otherwise a dense body might never fit.
 */
const ENOUGH_SHARE = 1 / 2;

/** The open requests, and the memory that they reserve. */
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

  /** Opens a request that `response` answers. Throws `overloaded`. */
  open(response: ServerResponse): OpenRequest {
    if (this.#requests >= this.#requestsMax) {
      throw overloaded('The server is handling as many requests as it can');
    }
    this.#requests += 1;
    return new OpenRequest(response, {
      timeoutMs: this.#timeoutMs,
      enoughBytes: Math.floor(this.#largeBytesMax * ENOUGH_SHARE),
      reserve: (bytes, totalBytes) => {
        const limit = totalBytes <= SMALL_BYTES_MAX ? this.#bytesMax : this.#largeBytesMax;
        if (this.#bytes + bytes > limit) {
          throw overloaded('The server holds as many bytes of requests as it can');
        }
        this.#bytes += bytes;
      },
      replace: (oldBytes, newBytes) => {
        this.#bytes += newBytes - oldBytes;
      },
      close: (bytes) => {
        this.#bytes -= bytes;
        this.#requests -= 1;
      },
    });
  }
}

/** What one request does to the totals. */
interface Budget {
  readonly timeoutMs: number;
  /** A request reserves no more than this, unless its body alone is larger. */
  readonly enoughBytes: number;
  /** Reserves `bytes` more for a request that then has `totalBytes`. Throws `overloaded`. */
  reserve(bytes: number, totalBytes: number): void;
  /** Changes a reservation, even beyond the limit. */
  replace(oldBytes: number, newBytes: number): void;
  /** Ends a request that has `bytes` reserved. */
  close(bytes: number): void;
}

/**
 * A request that is being handled, and the memory it reserves. It ends when its response is written *and*
 * sent or the connection closed, whichever comes last: work for a client that disconnected still takes
 * memory.
 */
export class OpenRequest {
  readonly #response: ServerResponse;
  readonly #budget: Budget;
  #bytes = 0;
  #isAnswered = false;
  #isClosed: boolean;

  constructor(response: ServerResponse, budget: Budget) {
    this.#response = response;
    this.#budget = budget;
    // A connection that is closed already emits no second 'close'.
    this.#isClosed = response.closed;
    if (this.#isClosed) return;
    response.once('close', () => {
      this.#isClosed = true;
      if (this.#isAnswered) this.#close();
    });
  }

  /**
   * Reserves memory for a body of at least `bytes` with `values` JSON values. Throws `overloaded` and leaves
   * the reservation unchanged.
   */
  reserve(bytes: number, values: number): void {
    this.#growTo(bytes, bytes + values * VALUE_BYTES);
  }

  /** Reserves memory for the results of `count` lines that cannot be parsed. Throws `overloaded`. */
  reserveFailures(count: number): void {
    this.#growTo(this.#bytes, this.#bytes + count * FAILURE_BYTES);
  }

  /** Reserves `bytes` in total if there is memory for them; returns whether there is. */
  tryGrow(bytes: number): boolean {
    try {
      this.#growTo(bytes, bytes);
      return true;
    } catch (refusal) {
      if (refusal instanceof OnhandError) return false;
      throw refusal;
    }
  }

  /** Reduces the reservation to `bytes`. */
  shrink(bytes: number): void {
    if (bytes >= this.#bytes) return;
    this.#budget.replace(this.#bytes, bytes);
    this.#bytes = bytes;
  }

  #growTo(leastBytes: number, mostBytes: number): void {
    const bytes = Math.max(leastBytes, Math.min(mostBytes, this.#budget.enoughBytes));
    if (bytes <= this.#bytes) return;
    this.#budget.reserve(bytes - this.#bytes, bytes);
    this.#bytes = bytes;
  }

  /** Releases the body; the response stays reserved until it is sent. */
  answered(responseBytes: number): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#budget.replace(this.#bytes, responseBytes);
    this.#bytes = responseBytes;
    if (this.#isClosed) this.#close();
    else if (responseBytes > SMALL_BYTES_MAX) this.#response.setTimeout(this.#budget.timeoutMs);
  }

  #close(): void {
    this.#budget.close(this.#bytes);
  }
}

function overloaded(reason: string): OnhandError {
  return new OnhandError('overloaded', `${reason}; send this one again later.`, {
    retryAfterSeconds: RETRY_SECONDS,
  });
}
