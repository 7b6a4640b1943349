import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';
import { NDJSON_MEDIA_TYPE, RowSplitter, type Row } from '../../wire/lines/ndjson.ts';
import {
  CHUNK_WEIGHT_MAX,
  ChunkReader,
  type Chunk,
  type Place,
} from '../../wire/lines/stream-chunks.ts';
import { printRows } from '../../wire/lines/results.ts';
import { isGzipped } from '../request/body.ts';
import type { Admission } from '../request/admission.ts';
import type { OpenRequest } from '../request/open-requests.ts';
import { problemRow } from '../problems.ts';
import { acceptsGzip } from '../request/reply.ts';
import { noteLines } from '../request/request-log.ts';
import { printInSlices, sliceTurn } from '../request/slices.ts';
import { StreamInput } from './stream-input.ts';
import { ClientDisconnected, StreamOutput } from './stream-output.ts';
import type { BatchSubmitter, Submitted } from '../inventory/batch-submitter.ts';
import {
  checkStreamOptions,
  readBulkOptions,
  type WriteOptions,
} from '../inventory/write-options.ts';
import { logEvent } from '../../logging/event-log.ts';

export interface StreamSettings {
  /** How long a stream may be idle: the client neither sends nor reads. */
  readonly streamIdleTimeoutMs: number;
}

interface StreamsParts {
  readonly admission: Admission;
  readonly submitter: BatchSubmitter;
  readonly settings: StreamSettings;
}

/** The memory that a stream reserves from its first to its last byte. */
const BASE_BYTES = 256 * 1024;
/** A chunk of this weight fits into that memory, beside the previous chunk and its results. */
const SMALL_WEIGHT_MAX = BASE_BYTES / 4;
/** Memory for two chunks of any size, reserved if available. */
const LARGE_CHUNK_BYTES = 2 * CHUNK_WEIGHT_MAX;
/** How long rows are read without a pause: 64 KiB may hold 65,536 of them. */
const SLICE_MS = 8;
/** How often a stream that needs more memory asks for it. */
const MEMORY_RETRY_MS = 50;
/** How long a client has to read the last rows after its token was revoked. */
const REVOKED_LINGER_MS = 300;
/** The same when the server shuts down. */
const STOPPED_LINGER_MS = 5000;

/** Bulk updates as streams: the client sends lines and receives results at the same time. */
export class Streams {
  readonly #parts: StreamsParts;
  readonly #open = new Set<LineStream>();
  readonly #sockets = new WeakSet<Socket>();

  constructor(parts: StreamsParts) {
    this.#parts = parts;
  }

  /** Ends every stream after the rows that it has read, because the server shuts down. */
  stop(): void {
    for (const stream of this.#open) stream.shutDown();
  }

  /** Whether a connection carries a stream, to which the usual request timeout does not apply. */
  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /**
   * Handles an admitted request. Before the response begins, rejects with `overloaded`,
   * `media_type_unsupported`, `parameter_invalid` or `stream_refused`. A later error is the last row of the
   * response.
   */
  async handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { submitter, admission, settings } = this.#parts;
    const openRequest = admission.openRequestOf(request);
    openRequest.reserve(BASE_BYTES, 0);
    const isInputGzipped = isGzipped(request.headers['content-encoding']);
    const options = readBulkOptions(request, submitter.asOfRules());
    if (options.preference !== undefined) reply.header('preference-applied', options.preference);
    checkStreamOptions(options);
    await submitter.admitStream(request);
    const isOutputGzipped = acceptsGzip(request.headers['accept-encoding']);
    const idleMs = settings.streamIdleTimeoutMs;
    const { socket } = request.raw;
    request.isStream = true;
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, headOf(request, options, isOutputGzipped));
    reply.raw.flushHeaders();
    const stream = new LineStream({
      request,
      openRequest,
      options,
      submitter,
      input: new StreamInput(request.raw, { isGzipped: isInputGzipped, idleMs }),
      output: new StreamOutput(reply.raw, { isGzipped: isOutputGzipped, idleMs }),
    });
    reply.raw.once('close', () => stream.stop(new ClientDisconnected()));
    const revoked = admission.revocationOf(request);
    revoked.addEventListener('abort', () => stream.revoke(revoked.reason), { once: true });
    this.#open.add(stream);
    this.#sockets.add(socket);
    try {
      await stream.run();
    } finally {
      this.#open.delete(stream);
      this.#sockets.delete(socket);
      openRequest.answered(0);
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

function shuttingDown(): OnhandError {
  return new OnhandError(
    'server_stopping',
    'The server is shutting down. Send those rows again later, or to another server.',
  );
}

interface StreamParts {
  readonly request: FastifyRequest;
  readonly openRequest: OpenRequest;
  readonly options: WriteOptions;
  readonly submitter: BatchSubmitter;
  readonly input: StreamInput;
  readonly output: StreamOutput;
}

/** An applied chunk whose results have not been sent. */
interface AppliedChunk extends Pick<Submitted, 'lines' | 'outcome'> {
  readonly first: Place;
}

/** Why a stream ends early, and the first line that was not applied. */
interface Ending {
  readonly reason: unknown;
  readonly place: Place;
  /** If it is unknown whether the chunk that begins at `place` was applied: its last line. */
  readonly lastUncertain?: Place;
}

/**
 * One stream. It runs two loops: one reads rows into the next chunk, the other applies chunks and sends their
 * results, one after another. A chunk is cut as soon as the previous one is applied. So rows that have arrived
 * never wait for more rows, and a client that sends fast gets full chunks.
 */
class LineStream {
  readonly #parts: StreamParts;
  readonly #rows = new RowSplitter();
  readonly #chunks: ChunkReader;
  readonly #canCut = new AutoResetEvent();
  readonly #canAdd = new AutoResetEvent();
  /** Whether reading has ended, and the error if it ended early. */
  #isRead = false;
  #failure: unknown;
  /** Whether no more chunks will be applied. */
  #isOver = false;
  #revocation: Pick<Ending, 'reason'> | undefined;
  #succeeded = 0;
  #failed = 0;

  constructor(parts: StreamParts) {
    this.#parts = parts;
    const { options, submitter } = parts;
    this.#chunks = new ChunkReader(() => ({ ...options.asOf, ...submitter.asOfRules() }), {
      withEffects: options.withEffects || options.dryRun,
      start: options.streamStart,
      isResumable: options.idempotencyKey !== undefined,
    });
  }

  /** Ends the stream because the server shuts down. */
  shutDown(): void {
    this.stop(shuttingDown());
    this.#parts.output.hurry(STOPPED_LINGER_MS);
  }

  /** Ends the stream after the current chunk, because its token is no longer valid. */
  revoke(reason: unknown): void {
    this.#revocation = { reason };
    this.stop(reason);
    this.#parts.output.hurry(REVOKED_LINGER_MS);
  }

  /** Ends the stream after the rows that were read; if the client disconnected, after the current chunk. */
  stop(reason: unknown): void {
    this.#parts.input.stop(reason);
  }

  /** Resolves when the response has ended or the client has disconnected. */
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
        await this.#abort(ending);
      }
    } catch (error) {
      if (!(error instanceof ClientDisconnected)) throw error;
      logEvent(request.log, 'the client of a stream disconnected', { row: this.#chunks.next.row });
    } finally {
      this.#isOver = true;
      input.stop(new ClientDisconnected());
      this.#canAdd.signal();
      await reading;
    }
  }

  async #abort({ reason, place, lastUncertain }: Ending): Promise<void> {
    const { input, output, request } = this.#parts;
    input.discard();
    const text = problemRow(reason, request, {
      index: place.index,
      sentence: sentenceOf(place, lastUncertain),
    });
    logEvent(request.log, 'a stream was aborted', { err: reason, row: place.row });
    await output.write(text);
    await output.abort();
  }

  async #read(): Promise<void> {
    const { input } = this.#parts;
    try {
      for (;;) {
        const bytes = await input.next();
        if (bytes === undefined) break;
        let sliceEndsMs = performance.now() + SLICE_MS;
        for (const row of this.#rows.take(bytes)) {
          if (!this.#hasRoom()) await this.#waitForRoom();
          if (performance.now() > sliceEndsMs) {
            await sliceTurn();
            sliceEndsMs = performance.now() + SLICE_MS;
          }
          if (this.#isOver) return;
          this.#chunks.add(row);
        }
        if (this.#chunks.canCut) this.#canCut.signal();
      }
      await this.#addLast(this.#rows.end());
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#isRead = true;
      this.#canCut.signal();
    }
  }

  async #addLast(row: Row | undefined): Promise<void> {
    if (row !== undefined) {
      if (!this.#hasRoom()) await this.#waitForRoom();
      this.#chunks.add(row);
    }
    while (this.#chunks.isFull && !this.#isOver) await this.#waitForRoom();
    if (!this.#isOver) this.#chunks.end();
  }

  /** Whether the next row can be added now. */
  #hasRoom(): boolean {
    const { isFull, weight } = this.#chunks;
    return (
      !isFull && (weight < SMALL_WEIGHT_MAX || this.#parts.openRequest.tryGrow(LARGE_CHUNK_BYTES))
    );
  }

  /** Resolves when the next row can be added, or the stream is over. */
  async #waitForRoom(): Promise<void> {
    while (!this.#isOver && !this.#hasRoom()) {
      this.#canCut.signal();
      // An atomic group larger than the memory cannot be cut: other requests have to end first.
      if (this.#chunks.canCut) await this.#canAdd.wait();
      else await delay(MEMORY_RETRY_MS);
    }
  }

  /** Applies chunk after chunk and sends the results. Returns why it ended early, if it did. */
  async #apply(): Promise<Ending | undefined> {
    const { submitter, request, options, openRequest } = this.#parts;
    let applied: AppliedChunk | undefined;
    for (;;) {
      if (!this.#chunks.canCut) {
        if (applied !== undefined) {
          await this.#sendResults(applied);
          applied = undefined;
        } else if (this.#isRead) {
          if (this.#failure === undefined) return undefined;
          if (this.#failure instanceof ClientDisconnected) throw this.#failure;
          return { reason: this.#failure, place: this.#chunks.next };
        } else {
          if (this.#chunks.weight < SMALL_WEIGHT_MAX) openRequest.shrink(BASE_BYTES);
          await this.#canCut.wait();
        }
        continue;
      }
      if (this.#failure instanceof ClientDisconnected) throw this.#failure;
      const place = this.#chunks.next;
      if (this.#revocation !== undefined) {
        if (applied !== undefined) await this.#sendResults(applied);
        return { ...this.#revocation, place };
      }
      const chunk = this.#chunks.cut();
      this.#canAdd.signal();
      const applying = settled(submitter.submitChunk(request, chunk, options));
      if (applied !== undefined) await this.#sendResults(applied);
      const submitted = await applying;
      if ('reason' in submitted) return endingOf(submitted.reason, chunk);
      applied = { first: chunk.first, ...submitted.value };
    }
  }

  async #sendResults({ lines, outcome, first }: AppliedChunk): Promise<void> {
    const { options, output } = this.#parts;
    const { parts, value: failed } = await printInSlices(
      printRows(lines, outcome, options, first.index),
    );
    this.#failed += failed;
    this.#succeeded += lines.count - failed;
    noteLines(this.#parts.request, this.#succeeded + this.#failed, this.#failed);
    for (const part of parts) await output.write(part);
  }
}

type Settled<T> = { readonly value: T } | { readonly reason: unknown };

/** The result of a promise that may reject while another one is awaited. */
async function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work };
  } catch (reason) {
    return { reason };
  }
}

function endingOf(reason: unknown, { first, last }: Chunk): Ending {
  const isUncertain = reason instanceof OnhandError && reason.isOutcomeUnknown;
  return { reason, place: first, ...(isUncertain && { lastUncertain: last }) };
}

function sentenceOf({ row }: Place, lastUncertain: Place | undefined): string {
  return lastUncertain === undefined
    ? `Nothing was applied from row ${row} on; the results of the rows before it are above.`
    : `It is unknown whether rows ${row} to ${lastUncertain.row} were applied: either all of them were, or none. No later row was applied; the results of the rows before them are above.`;
}

/** Wakes one waiter; if none waits, the next one does not have to. */
class AutoResetEvent {
  #isSignaled = false;
  #wake: (() => void) | undefined;

  signal(): void {
    if (this.#wake === undefined) {
      this.#isSignaled = true;
      return;
    }
    this.#wake();
    this.#wake = undefined;
  }

  async wait(): Promise<void> {
    if (this.#isSignaled) {
      this.#isSignaled = false;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
  }
}
