import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CountedRequest } from './counted-request.ts';
import { stopParsing } from './parser-stop.ts';

export interface RequestTurnLimits {
  /** The most requests of a connection that wait for the response to an earlier one. */
  readonly pipelinedRequestsMax: number;
  /** The least mean size of the chunks of a body, in bytes, if a thousand of them arrive at once. 0 means no limit. */
  readonly chunkBytesMin: number;
}

interface RequestTurnsParts {
  readonly limits: RequestTurnLimits;
  /** The response to a request whose body comes in tiny chunks. */
  readonly tinyChunksResponse: () => string;
  readonly onCut: (
    socket: Socket,
    what: 'pipelines too many requests' | 'sends tiny chunks',
  ) => void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** How long requests are begun before other work of the thread gets a turn. */
const SLICE_MS = 8;

/** How many of the requests that wait are looked at in a turn. */
const SCHEDULED_MAX = 64;

/** Each limit of a request waits for the end of its response. Node takes more than ten listeners for a leak. */
const CLOSE_LISTENERS_MAX = 20;

/**
 * Begins requests: on each connection one after another, and no longer than a few milliseconds in each turn of the event
 * loop. A client may write a thousand requests at once on each of a hundred connections. Node would begin all of them
 * before it does anything else.
 */
export class RequestTurns {
  readonly #parts: RequestTurnsParts;
  /** What waits on each connection for the request that is in progress there. */
  readonly #waiting = new WeakMap<Socket, Exchange[]>();
  /** The next request of each connection that is begun in the next turn. */
  readonly #due = new Set<Exchange>();
  #begin: RequestListener = () => undefined;
  #turnBeganMs: number | undefined;
  #isEndScheduled = false;
  #scheduled = 0;

  constructor(parts: RequestTurnsParts) {
    this.#parts = parts;
  }

  /** Takes the requests of a server from its only listener, and passes them to it in turns. */
  attach(server: Server): void {
    const [listener] = server.listeners('request');
    server.removeAllListeners('request');
    this.#begin = (request, response) => {
      listener?.call(server, request, response);
    };
    server.on('request', (request, response) => this.#take({ request, response }));
  }

  #take(exchange: Exchange): void {
    const { request, response } = exchange;
    const { socket } = request;
    if (socket.destroyed) return;
    this.#limitChunks(request, response);
    const waiting = this.#waiting.get(socket);
    if (waiting === undefined) {
      this.#waiting.set(socket, []);
      this.#start(exchange);
    } else if (waiting.length < this.#parts.limits.pipelinedRequestsMax) waiting.push(exchange);
    else {
      this.#parts.onCut(socket, 'pipelines too many requests');
      stopParsing(socket);
      socket.destroy();
    }
  }

  #limitChunks(request: IncomingMessage, response: ServerResponse): void {
    if (!(request instanceof CountedRequest)) return;
    const { limits, onCut, tinyChunksResponse } = this.#parts;
    const { socket } = request;
    request.bytesPerPieceMin = limits.chunkBytesMin;
    request.onTinyPieces = () => {
      onCut(socket, 'sends tiny chunks');
      stopParsing(socket);
      // An earlier response may be on its way, or this one.
      const isNext = response.socket !== null && !response.headersSent;
      if (isNext && socket.writable) socket.write(tinyChunksResponse());
      socket.destroySoon();
    };
  }

  #start(exchange: Exchange): void {
    if (this.#due.size === 0 && this.#hasTime()) this.#run(exchange);
    else {
      this.#due.add(exchange);
      this.#schedule();
    }
  }

  /** Counts all that the thread has done since the first request of this turn was begun: most of a request's work follows later. */
  #hasTime(): boolean {
    return this.#turnBeganMs === undefined || performance.now() - this.#turnBeganMs < SLICE_MS;
  }

  #run({ request, response }: Exchange): void {
    const { socket } = request;
    if (socket.destroyed) return;
    response.setMaxListeners(CLOSE_LISTENERS_MAX);
    response.once('close', () => this.#startNext(socket));
    this.#turnBeganMs ??= performance.now();
    this.#endTurnLater();
    this.#begin(request, response);
  }

  #startNext(socket: Socket): void {
    const next = this.#waiting.get(socket)?.shift();
    if (next === undefined || socket.destroyed) this.#waiting.delete(socket);
    else this.#start(next);
  }

  #endTurnLater(): void {
    if (this.#isEndScheduled) return;
    this.#isEndScheduled = true;
    setImmediate(() => {
      this.#isEndScheduled = false;
      this.#turnBeganMs = undefined;
    });
  }

  /** Each request is begun in a callback of its own, so that the promises that it resolves are counted before the next. */
  #schedule(): void {
    while (this.#scheduled < Math.min(this.#due.size, SCHEDULED_MAX)) {
      this.#scheduled += 1;
      setImmediate(() => this.#runDue());
    }
  }

  #runDue(): void {
    // The end of the turn comes before this in the next one.
    if (!this.#hasTime()) return void setImmediate(() => this.#runDue());
    this.#scheduled -= 1;
    const [next] = this.#due;
    if (next === undefined) return;
    this.#due.delete(next);
    this.#run(next);
    this.#schedule();
  }
}
