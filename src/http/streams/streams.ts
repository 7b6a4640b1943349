import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import type { BatchOutcome } from '../../domain/batches.ts';
import { NDJSON_MEDIA_TYPE, RowSplitter, type Row } from '../../wire/lines/ndjson.ts';
import {
  CHUNK_WEIGHT_MAX,
  ChunkReader,
  type Chunk,
  type Place,
} from '../../wire/lines/stream-chunks.ts';
import { printingRows } from '../../wire/lines/results.ts';
import { isGzipped } from '../request/body.ts';
import type { Admission } from '../request/admission.ts';
import type { OpenRequest } from '../request/open-requests.ts';
import { problemRow } from '../problems.ts';
import { acceptsGzip } from '../request/reply.ts';
import { StreamInput } from './stream-input.ts';
import { ClientGone, StreamOutput } from './stream-output.ts';
import { runYielding } from '../request/yielding.ts';
import { readStreamTerms, type WriteOptions } from '../inventory/write-options.ts';
import type { Writer } from '../inventory/write-request.ts';

export interface StreamSettings {
  /** How long a stream may stand still, since nothing comes from its client or nothing is taken by it. */
  readonly streamIdleTimeoutMs: number;
}

interface StreamsParts {
  readonly gate: Admission;
  readonly writer: Writer;
  readonly settings: StreamSettings;
}

/** What a stream has of the room for open requests from its first to its last byte. */
const ROOM_BYTES = 256 * 1024;
/** A piece that fits into this room, beside the one that is being applied and its results. */
const SMALL_WEIGHT_MAX = ROOM_BYTES / 4;
/** The same of pieces of any size, while there is so much. */
const WIDE_ROOM_BYTES = 2 * CHUNK_WEIGHT_MAX;
/** How soon a stream asks again that cannot go on without more room. */
const ROOM_AGAIN_MS = 50;
/** How often it is looked whether the token of a stream still opens. */
const LOOK_EVERY_MS = 2000;

/** Bulk updates that have no end: rows come in and results go out at the same time. */
export class Streams {
  readonly #parts: StreamsParts;
  readonly #open = new Set<LineStream>();
  readonly #sockets = new WeakSet<Socket>();

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  /** Ends all that are under way, each behind what it has read: the server is to stop. */
  stop(): void {
    for (const stream of this.#open) stream.retryNow();
  }

  /** Whether a connection carries a stream now, so that its request may take as long as it takes. */
  holds(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /**
   * Answers a request that was let in. Rejects, before anything is answered, with `overloaded`,
   * `media_type_unsupported`, `parameter_invalid` or `stream_refused`; whatever happens later is told in the
   * last row.
   */
  async answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { writer, gate, settings } = this.#parts;
    const { open } = request;
    if (open === null) throw new Error('the request was not let in');
    open.hold(ROOM_BYTES, 0);
    const isInputGzipped = isGzipped(request.headers['content-encoding']);
    const terms = readStreamTerms(request, reply, writer.asOf);
    await writer.admitStream(request);
    const isOutputGzipped = acceptsGzip(request.headers['accept-encoding']);
    const idleMs = settings.streamIdleTimeoutMs;
    const { socket } = request.raw;
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, headOf(request, terms, isOutputGzipped));
    reply.raw.flushHeaders();
    const stream = new LineStream({
      request,
      open,
      terms,
      writer,
      gate,
      input: new StreamInput(request.raw, { isGzipped: isInputGzipped, idleMs }),
      output: new StreamOutput(reply.raw, { isGzipped: isOutputGzipped, idleMs }),
    });
    reply.raw.once('close', () => stream.stop(new ClientGone()));
    this.#open.add(stream);
    this.#sockets.add(socket);
    try {
      await stream.run();
    } finally {
      this.#open.delete(stream);
      this.#sockets.delete(socket);
      open.answered(0);
    }
    return reply;
  }
}

function headOf(
  request: FastifyRequest,
  { dryRun }: WriteOptions,
  isGzip: boolean,
): OutgoingHttpHeaders {
  return {
    'content-type': NDJSON_MEDIA_TYPE,
    vary: 'Accept-Encoding',
    'x-accel-buffering': 'no',
    ...(isGzip && { 'content-encoding': 'gzip' }),
    ...(dryRun && { 'dry-run': 'true' }),
    ...(request.raw.httpVersion === '1.1' && { trailer: 'Lines-Succeeded, Lines-Failed' }),
  };
}

function stopping(): OnhandError {
  return new OnhandError(
    'server_stopping',
    'The server is being stopped; send the rows from there on again, to another or a little later.',
  );
}

interface StreamParts {
  readonly request: FastifyRequest;
  readonly open: OpenRequest;
  readonly terms: WriteOptions;
  readonly writer: Writer;
  readonly gate: Admission;
  readonly input: StreamInput;
  readonly output: StreamOutput;
}

/** A piece that is applied and not yet answered. */
interface Applied {
  readonly piece: Chunk;
  readonly outcome: BatchOutcome;
}

/** Why a stream ends early, and the first line of which nothing was applied. */
interface Ending {
  readonly reason: unknown;
  readonly place: Place;
  /** The last line of those of which it is not known whether all were applied or none. */
  readonly unsure?: Place;
}

/**
 * One stream. Two run beside each other: the first reads rows into the next piece, the second applies pieces
 * and answers them, one after another. A piece is cut as soon as the one before it is applied, so that what
 * has come never waits for more, and those of a client that sends fast are full.
 */
class LineStream {
  readonly #parts: StreamParts;
  readonly #rows = new RowSplitter();
  readonly #pieces: ChunkReader;
  readonly #mayCut = new Bell();
  readonly #mayAdd = new Bell();
  /** Whether all rows have been read that will be; and why not all of them, where that is so. */
  #isRead = false;
  #failure: unknown;
  /** Whether nothing more will be applied. */
  #isOver = false;
  #lookedAtMs = performance.now();
  #succeeded = 0;
  #failed = 0;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    const { terms, writer } = parts;
    this.#pieces = new ChunkReader(() => ({ ...terms.asOf, ...writer.asOf }), {
      withEffects: terms.withEffects || terms.dryRun,
    });
  }

  /** Ends the stream since the server is to stop. */
  retryNow(): void {
    this.stop(stopping());
    this.#parts.output.retryNow();
  }

  /** Ends the stream behind what is read of it; where there is nobody to be answered, behind the piece under way. */
  stop(reason: unknown): void {
    this.#parts.input.stop(reason);
  }

  /** Resolves when the reply has ended, or there is nobody to be answered. */
  async run(): Promise<void> {
    const { input, output, request } = this.#parts;
    const reading = this.#read();
    try {
      const ending = await this.#apply();
      this.#isOver = true;
      if (ending === undefined) {
        const trailers = {
          'lines-succeeded': String(this.#succeeded),
          'lines-failed': String(this.#failed),
        };
        await output.end(trailers);
      } else {
        input.stop(ending.reason);
        await this.#breakOff(ending);
      }
    } catch (error) {
      if (!(error instanceof ClientGone)) throw error;
      request.log.info({ row: this.#pieces.next.row }, 'the client of a stream went away');
    } finally {
      this.#isOver = true;
      input.stop(new ClientGone());
      this.#mayAdd.ring();
      await reading;
    }
  }

  async #breakOff({ reason, place, unsure }: Ending): Promise<void> {
    const { input, output, request } = this.#parts;
    input.drop();
    const text = problemRow(reason, request, {
      index: place.index,
      sentence: sentenceOf(place, unsure),
    });
    request.log.info({ err: reason, row: place.row }, 'a stream was broken off');
    await output.write(text);
    await output.breakOff();
  }

  async #read(): Promise<void> {
    const { input } = this.#parts;
    try {
      for (;;) {
        const bytes = await input.next();
        if (bytes === undefined) break;
        for (const row of this.#rows.take(bytes)) {
          if (!this.#hasRoom()) await this.#room();
          if (this.#isOver) return;
          this.#pieces.add(row);
        }
        if (this.#pieces.hasLines) this.#mayCut.ring();
      }
      await this.#addLast(this.#rows.end());
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#isRead = true;
      this.#mayCut.ring();
    }
  }

  async #addLast(row: Row | undefined): Promise<void> {
    if (row !== undefined) {
      if (!this.#hasRoom()) await this.#room();
      this.#pieces.add(row);
    }
    while (this.#pieces.isFull) await this.#room();
    this.#pieces.end();
  }

  /** Whether the next row can be added now. */
  #hasRoom(): boolean {
    const { isFull, weight } = this.#pieces;
    return !isFull && (weight < SMALL_WEIGHT_MAX || this.#parts.open.widen(WIDE_ROOM_BYTES));
  }

  /** Resolves when it can, or nothing more is to be added. */
  async #room(): Promise<void> {
    while (!this.#isOver && !this.#hasRoom()) {
      this.#mayCut.ring();
      // A group that is larger than the room cannot be cut: others have to leave first.
      if (this.#pieces.hasLines) await this.#mayAdd.wait();
      else await delay(ROOM_AGAIN_MS);
    }
  }

  /** Applies and answers piece by piece; says why not all of them were, where that is so. */
  async #apply(): Promise<Ending | undefined> {
    const { writer, request, terms, open } = this.#parts;
    let applied: Applied | undefined;
    for (;;) {
      if (!this.#pieces.hasLines) {
        if (applied !== undefined) {
          await this.#answer(applied);
          applied = undefined;
        } else if (this.#isRead) {
          if (this.#failure === undefined) return undefined;
          return { reason: this.#failure, place: this.#pieces.next };
        } else {
          if (this.#pieces.weight < SMALL_WEIGHT_MAX) open.narrow(ROOM_BYTES);
          await this.#mayCut.wait();
        }
        continue;
      }
      if (this.#failure instanceof ClientGone) throw this.#failure;
      const place = this.#pieces.next;
      const refusal = await this.#look();
      if (refusal !== undefined) {
        if (applied !== undefined) await this.#answer(applied);
        return { reason: refusal, place };
      }
      const piece = this.#pieces.cut();
      this.#mayAdd.ring();
      const applying = settled(writer.writeChunk(request, piece.lines, terms));
      if (applied !== undefined) await this.#answer(applied);
      const outcome = await applying;
      if ('reason' in outcome) return endingOf(outcome.reason, piece);
      applied = { piece, outcome: outcome.value };
    }
  }

  /** Why the token of the stream opens no more; it is looked now and then. */
  async #look(): Promise<unknown> {
    const nowMs = performance.now();
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return undefined;
    this.#lookedAtMs = nowMs;
    const { gate, request } = this.#parts;
    const look = await settled(gate.stays(request));
    return 'reason' in look ? look.reason : undefined;
  }

  async #answer({ piece, outcome }: Applied): Promise<void> {
    const { terms, output } = this.#parts;
    const { lines, first } = piece;
    const printed = await runYielding(printingRows(lines, outcome, terms, first.index));
    this.#failed += printed.failed;
    this.#succeeded += lines.count - printed.failed;
    await output.write(printed.text);
  }
}

type Settled<T> = { readonly value: T } | { readonly reason: unknown };

/** Waits for work that may fail while something else is waited for. */
async function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work };
  } catch (reason) {
    return { reason };
  }
}

function endingOf(reason: unknown, { first, last }: Chunk): Ending {
  const isUnsure = reason instanceof OnhandError && reason.isOutcomeUnknown;
  return { reason, place: first, ...(isUnsure && { unsure: last }) };
}

function sentenceOf({ row }: Place, unsure: Place | undefined): string {
  return unsure === undefined
    ? `From row ${row} on nothing was applied; the rows before it are answered.`
    : `Of rows ${row} to ${unsure.row} all were applied or none, which is not known; of those behind them none, and the rows before them are answered.`;
}

/** Wakes the one who waits; rung with nobody waiting, it wakes the next at once. */
class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    if (this.#wake === undefined) {
      this.#isRung = true;
      return;
    }
    this.#wake();
    this.#wake = undefined;
  }

  async wait(): Promise<void> {
    if (this.#isRung) {
      this.#isRung = false;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }
}
