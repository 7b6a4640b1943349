import type { LineResult } from './api-types.ts';
import type { Chunk } from './chunks.ts';
import { OnhandError, problemError } from './problems.ts';
import { rowsOf } from './sse.ts';
import { failureOf, type Request, type Transport } from './transport.ts';
import { Watchdog } from './watchdog.ts';

/** Chunks that may be sent before the first of them is answered. */
const CHUNKS_AHEAD = 8;
/** A row that keeps the stream open is sent when no line came for so long; the server waits two minutes. */
const KEEP_ALIVE_MS = 30_000;

/** The result of a line and its index among all lines. */
export interface StreamResult {
  readonly index: number;
  readonly result: LineResult;
}

/** What all attempts to send a stream share. */
export interface StreamTask {
  readonly transport: Transport;
  /** The request without its body and `Stream-Start`. */
  readonly request: Request;
  readonly chunks: AsyncIterator<Chunk>;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * Chunks on their way to the server, over as many connections as it takes. The server applies each once: a chunk has
 * a key of its own, made of the stream's key and the index of its first line.
 */
export class ChunkStream {
  readonly #task: StreamTask;
  /** Sent, or about to be, and not answered completely; oldest first. */
  #unanswered: Chunk[] = [];
  #next: Promise<IteratorResult<Chunk>> | undefined;
  #isSourceDone = false;
  /** Lines that were answered. */
  #answered: number;
  #wake: () => void = () => undefined;

  constructor(task: StreamTask, start: number) {
    this.#task = task;
    this.#answered = start;
  }

  /** Whether every line was answered. */
  get isDone(): boolean {
    return this.#isSourceDone && this.#unanswered.length === 0;
  }

  /** The chunk that holds the line. */
  chunkOf(index: number): Chunk | undefined {
    return this.#unanswered.find(
      ({ start, lines }) => index >= start && index < start + lines.length,
    );
  }

  /**
   * Sends what is unanswered and what follows, over one connection, and yields the results of lines that had none.
   * Rejects with the reason if the stream ends early; then it can be called again.
   */
  async *attempt(): AsyncGenerator<StreamResult, void, undefined> {
    const { transport, request, signal, timeoutMs } = this.#task;
    const start = this.#unanswered[0]?.start ?? this.#answered;
    const silence = new Watchdog(timeoutMs, () => this.#unanswered.length > 0);
    const over = new AbortController();
    const signals = [silence.signal, over.signal, ...(signal === undefined ? [] : [signal])];
    try {
      const response = await transport.open(
        {
          ...request,
          headers: { ...request.headers, 'stream-start': String(start) },
          body: () => this.#body(over.signal),
        },
        AbortSignal.any(signals),
      );
      let index = start;
      for await (const row of rowsOf(response.body ?? new Blob([]).stream(), () =>
        silence.reset(),
      )) {
        const json: unknown = JSON.parse(row);
        const problem = problemError(json, {
          status: statusOf(json),
          isRetrySafe: true,
          line: index,
        });
        if (problem !== undefined) throw problem;
        const result: LineResult = JSON.parse(row);
        if (index >= this.#answered) {
          yield { index, result };
          this.#answered = index + 1;
        }
        index += 1;
        this.#forget(index);
      }
      if (!this.isDone) throw new Error('the connection was cut');
    } catch (error) {
      throw error instanceof OnhandError
        ? error
        : failureOf(error, { ...request, line: this.#answered }, signal);
    } finally {
      over.abort();
      silence.stop();
      this.#wake();
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
    const encoder = new TextEncoder();
    const again = [...this.#unanswered];
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const text = again.length > 0 ? textOf(again.shift()) : await this.#nextText(over);
          if (over.aborted) return;
          if (text === undefined) controller.close();
          else controller.enqueue(encoder.encode(text));
        },
      },
      { highWaterMark: 1 },
    );
  }

  /** The rows of the next chunk, a row that keeps the stream open, or undefined at the end. */
  async #nextText(over: AbortSignal): Promise<string | undefined> {
    while (this.#unanswered.length >= CHUNKS_AHEAD && !over.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (over.aborted || this.#isSourceDone) return undefined;
    this.#next ??= this.#task.chunks.next();
    const next = await within(this.#next, KEEP_ALIVE_MS);
    // A later attempt takes the chunk.
    if (over.aborted) return undefined;
    if (next === undefined) return '\n';
    this.#next = undefined;
    if (next.done === true) {
      this.#isSourceDone = true;
      return undefined;
    }
    this.#unanswered.push(next.value);
    return textOf(next.value);
  }
}

/** The rows of a chunk and the blank row that ends it. */
function textOf(chunk: Chunk | undefined): string | undefined {
  return chunk === undefined ? undefined : `${chunk.texts.join('\n')}\n\n`;
}

function statusOf(json: unknown): number {
  return typeof json === 'object' &&
    json !== null &&
    'status' in json &&
    typeof json.status === 'number'
    ? json.status
    : 0;
}

/** The value of a promise, or undefined if it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
