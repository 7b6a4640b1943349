import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface SlowPeerLimits {
  /** The least that a client must send of a body or an upload, in bytes per second. 0 means no limit. */
  readonly receiveBytesPerSecondMin: number;
  /** The least that a client must read of a response, in bytes per second. 0 means no limit. */
  readonly sendBytesPerSecondMin: number;
  /** The time over which both are measured. A client may be slower for a shorter time. */
  readonly slowPeerGraceMs: number;
}

interface SlowPeersParts {
  readonly limits: SlowPeerLimits;
  /** Whether the client of a connection may send nothing for a while, as those of streams may. */
  readonly mayPause: (socket: Socket) => boolean;
  /** The response to a request that arrives too slowly. */
  readonly slowResponse: () => string;
  readonly onCut: (request: IncomingMessage, what: 'sends' | 'reads') => void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The response drops its reference when it ends. */
  readonly socket: Socket;
  readonly received: Throughput;
  readonly sent: Throughput;
}

const CHECKS_PER_GRACE = 4;

/**
 * Closes the connections of clients that send a request or read a response too slowly. Otherwise a client could
 * occupy a request, and the memory of its reply, for as long as it likes.
 *
 * Only the time counts in which the server waits for the client: it has read all that arrived, or has more to send
 * than the network takes.
 */
export class SlowPeers {
  readonly #parts: SlowPeersParts;
  readonly #exchanges = new Set<Exchange>();
  /** Runs while there are exchanges, also those that a server which closes waits for. */
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SlowPeersParts) {
    this.#parts = parts;
  }

  /** Watches a request and its response until the response has ended. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    if (response.closed) return;
    const { limits } = this.#parts;
    const nowMs = performance.now();
    const { socket } = request;
    const exchange = {
      request,
      response,
      socket,
      received: new Throughput(limits.receiveBytesPerSecondMin, limits.slowPeerGraceMs, nowMs),
      sent: new Throughput(limits.sendBytesPerSecondMin, limits.slowPeerGraceMs, nowMs),
    };
    exchange.received.restart(socket.bytesRead, nowMs);
    exchange.sent.restart(socket.bytesWritten, nowMs);
    this.#exchanges.add(exchange);
    this.#timer ??= setInterval(
      () => this.#check(),
      limits.slowPeerGraceMs / CHECKS_PER_GRACE,
    ).unref();
    response.once('close', () => this.#exchanges.delete(exchange));
  }

  #check(): void {
    if (this.#exchanges.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const nowMs = performance.now();
    const { mayPause, onCut } = this.#parts;
    for (const exchange of this.#exchanges) {
      const { request, socket } = exchange;
      if (!mayPause(socket) && sendsTooSlowly(exchange, nowMs)) {
        onCut(request, 'sends');
        this.#refuse(exchange);
      } else if (readsTooSlowly(exchange, nowMs)) {
        onCut(request, 'reads');
        socket.destroy();
      }
    }
  }

  #refuse({ response, socket }: Exchange): void {
    if (!response.headersSent && socket.writable) socket.write(this.#parts.slowResponse());
    socket.destroySoon();
  }
}

function sendsTooSlowly({ request, socket, received }: Exchange, nowMs: number): boolean {
  const isWaiting = !request.complete && request.readableLength === 0;
  return received.isTooLow(socket.bytesRead, nowMs, isWaiting);
}

function readsTooSlowly({ response, socket, sent }: Exchange, nowMs: number): boolean {
  const isWaiting = socket.writableLength > 0 || response.writableLength > 0;
  return sent.isTooLow(socket.bytesWritten - socket.writableLength, nowMs, isWaiting);
}

/** The bytes per second of a client, over one period after another. */
class Throughput {
  readonly #bytesPerSecondMin: number;
  readonly #periodMs: number;
  #fromMs: number;
  #fromBytes = 0;

  constructor(bytesPerSecondMin: number, periodMs: number, nowMs: number) {
    this.#bytesPerSecondMin = bytesPerSecondMin;
    this.#periodMs = periodMs;
    this.#fromMs = nowMs;
  }

  restart(bytes: number, nowMs: number): void {
    this.#fromBytes = bytes;
    this.#fromMs = nowMs;
  }

  /** Whether a period has ended in which the client was too slow. */
  isTooLow(bytes: number, nowMs: number, isWaiting: boolean): boolean {
    const elapsedMs = nowMs - this.#fromMs;
    if (isWaiting && elapsedMs < this.#periodMs) return false;
    const isLow = bytes - this.#fromBytes < (this.#bytesPerSecondMin * elapsedMs) / 1000;
    this.restart(bytes, nowMs);
    return isWaiting && isLow;
  }
}
