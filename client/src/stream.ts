import type { LineResult } from './api-types.ts';
import type { StreamChunk } from './chunks.ts';
import { OnhandError, problemError, unexpectedResults } from './problems.ts';
import { rowsOf } from './sse.ts';
import { failureOf, type Request, type Transport } from './transport.ts';
import { Watchdog, within } from './watchdog.ts';

/** Chunks that may be sent before the first of them is answered. */
const CHUNKS_AHEAD = 8;
/** After this long without a line, a blank row is sent, which keeps the stream open: the server waits two minutes. */
const KEEP_ALIVE_MS = 30_000;

/** The results of lines that follow each other in one chunk. */
export interface StreamResults<C extends StreamChunk<unknown>> {
  readonly chunk: C;
  /** The place of the first of the lines among all lines. */
  readonly start: number;
  readonly results: readonly LineResult[];
}

/** What all attempts to send a stream share. */
export interface StreamTask<C extends StreamChunk<unknown>> {
  readonly transport: Transport;
  /** The request without its body and `Stream-Start`. */
  readonly request: Request;
  readonly chunks: AsyncIterator<C>;
  /** Its lines as rows, and the blank row that ends it. */
  readonly bytesOf: (chunk: C) => Uint8Array;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * Chunks on their way to the server, over as many connections as it takes. The server applies each once: a chunk has
 * a key of its own, made of the stream's key and the index of its first line.
 */
export class ChunkStream<C extends StreamChunk<unknown>> {
  readonly #task: StreamTask<C>;
  /** Sent, or about to be, and not answered completely; oldest first. */
  #unanswered: C[] = [];
  /** The chunk that was asked for. */
  #coming: Promise<IteratorResult<C>> | undefined;
  /** Why no more lines can be read. */
  #sourceFailure: { readonly error: unknown } | undefined;
  #isSourceDone = false;
  /** Lines that were answered. */
  #answered: number;
  #wake: () => void = () => undefined;

  constructor(task: StreamTask<C>, start: number) {
    this.#task = task;
    this.#answered = start;
  }

  /** Whether every line was answered. */
  get isDone(): boolean {
    return this.#isSourceDone && this.#unanswered.length === 0;
  }

  /**
   * Sends what is unanswered and what follows, over one connection, and yields the results of lines that had none.
   * Rejects with the reason if the stream ends early while something is unanswered; then it can be called again. An
   * error of the lines themselves is thrown as it is.
   */
  async *attempt(): AsyncGenerator<StreamResults<C>, void, undefined> {
    const { transport, request, signal, timeoutMs } = this.#task;
    const silence = new Watchdog(timeoutMs, () => this.#unanswered.length > 0);
    const over = new AbortController();
    const signals = [silence.signal, over.signal, ...(signal === undefined ? [] : [signal])];
    try {
      // A connection is opened for something to send: it could be closed before that arrives.
      while (this.#unanswered.length === 0 && !this.#isSourceDone) {
        signal?.throwIfAborted();
        await this.#take(over.signal);
      }
      if (this.isDone) return;
      const start = this.#unanswered[0]?.start ?? this.#answered;
      const response = await transport.open(
        {
          ...request,
          headers: { ...request.headers, 'stream-start': String(start) },
          body: () => this.#body(over.signal),
        },
        AbortSignal.any(signals),
      );
      let index = start;
      const body = response.body ?? new Blob([]).stream();
      for await (const rows of rowsOf(body, () => silence.reset())) {
        const { results, problem } = resultsOf(rows, index);
        yield* this.#answer(results, index);
        index += results.length;
        if (problem !== undefined) throw problem;
      }
      if (!this.isDone) throw new Error('the response ended early');
    } catch (error) {
      if (this.#sourceFailure !== undefined) throw this.#sourceFailure.error;
      if (error instanceof OnhandError) throw error;
      const failure = failureOf(error, { ...request, line: this.#answered }, signal);
      // Nothing was lost with an idle connection.
      const isIdle = this.#unanswered.length === 0 && !this.#isSourceDone;
      if (!isIdle || signal?.aborted === true) throw failure;
    } finally {
      over.abort();
      silence.stop();
      this.#wake();
    }
  }

  /** The results chunk by chunk, without those that an earlier attempt yielded. */
  *#answer(results: readonly LineResult[], index: number): Generator<StreamResults<C>> {
    const end = index + results.length;
    for (let at = index; at < end;) {
      const [chunk] = this.#unanswered;
      if (chunk === undefined) throw unexpectedResults(at);
      const start = Math.max(at, this.#answered);
      at = Math.min(end, chunk.start + chunk.lines.length);
      if (start < at) yield { chunk, start, results: results.slice(start - index, at - index) };
      this.#answered = Math.max(this.#answered, at);
      this.#forget(at);
    }
  }

  /** Forgets chunks that end before the line. */
  #forget(index: number): void {
    const [first] = this.#unanswered;
    if (first === undefined || first.start + first.lines.length > index) return;
    this.#unanswered.shift();
    this.#wake();
  }

  #body(over: AbortSignal): ReadableStream<Uint8Array> {
    const again = [...this.#unanswered];
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const bytes = again.length > 0 ? this.#bytesOf(again.shift()) : await this.#next(over);
          if (over.aborted) return;
          if (bytes === undefined) controller.close();
          else controller.enqueue(bytes);
        },
      },
      { highWaterMark: 1 },
    );
  }

  /** The rows of the next chunk, a row that keeps the stream open, or undefined at the end. */
  async #next(over: AbortSignal): Promise<Uint8Array | undefined> {
    while (this.#unanswered.length >= CHUNKS_AHEAD && !over.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (over.aborted || this.#isSourceDone) return undefined;
    const chunk = await this.#take(over);
    if (over.aborted || this.#isSourceDone) return undefined;
    return chunk === undefined ? BLANK_ROW : this.#bytesOf(chunk);
  }

  /** Takes the next chunk from the lines, unless it is late, there is none, or the attempt is over. */
  async #take(over: AbortSignal): Promise<C | undefined> {
    this.#coming ??= this.#task.chunks.next();
    try {
      const next = await within(this.#coming, KEEP_ALIVE_MS, this.#task.signal);
      // A later attempt takes the chunk.
      if (over.aborted || next === undefined) return undefined;
      this.#coming = undefined;
      if (next.done === true) {
        this.#isSourceDone = true;
        return undefined;
      }
      this.#unanswered.push(next.value);
      return next.value;
    } catch (error) {
      this.#sourceFailure = { error };
      throw error;
    }
  }

  #bytesOf(chunk: C | undefined): Uint8Array {
    return chunk === undefined ? BLANK_ROW : this.#task.bytesOf(chunk);
  }
}

export const BLANK_ROW = new TextEncoder().encode('\n');

/** The result of most lines, recognized without parsing. */
const SUCCESS_ROW = '{"status_code":200,"message":"success"}';
export const SUCCESS: LineResult = Object.freeze(JSON.parse(SUCCESS_ROW));

/** The results of lines, and the problem if the last row is one that ends the stream early. */
function resultsOf(
  rows: readonly string[],
  start: number,
): { readonly results: readonly LineResult[]; readonly problem?: OnhandError } {
  const results: LineResult[] = [];
  for (const row of rows) {
    if (row === SUCCESS_ROW) {
      results.push(SUCCESS);
      continue;
    }
    const result: LineResult = JSON.parse(row);
    const line = start + results.length;
    const problem = problemError(result, { status: statusOf(result), isRetrySafe: true, line });
    if (problem !== undefined) return { results, problem };
    results.push(result);
  }
  return { results };
}

function statusOf(json: unknown): number {
  return typeof json === 'object' &&
    json !== null &&
    'status' in json &&
    typeof json.status === 'number'
    ? json.status
    : 0;
}
