import type { Line, LineResult, operations } from './api-types.ts';
import { type Chunk, chunksOf, joined, readAhead, type StreamChunk } from './chunks.ts';
import { Items } from './items.ts';
import { ndjsonChunks, type NdjsonRow } from './ndjson.ts';
import { OnhandError, unexpectedResults } from './problems.ts';
import { BLANK_ROW, ChunkStream, type StreamResults, SUCCESS } from './stream.ts';
import {
  type CallOptions,
  headerText,
  jsonOf,
  type Request,
  TIMEOUT_DEFAULT_MS,
  type Transport,
} from './transport.ts';

export const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const SINGLE_PATH = '/timp/products/skus/inventory/';
const CHUNK_LINES_DEFAULT = 1000;
const encoder = new TextEncoder();
/** Lines of a group in a stream, at most. */
const GROUP_LINES_MAX = 10_000;

/** The result of one line. */
export interface LineOutcome extends LineResult {
  /** The place of the line among all lines given, from 0. */
  readonly index: number;
  /** The line itself. */
  readonly line: Line;
  /** Whether it was applied: its `status_code` is 200. */
  readonly isApplied: boolean;
}

/** What is stored with the batches of an update. */
export interface BatchNote {
  readonly reason?: string;
  /** Your own reference. */
  readonly reference?: string;
}

/** Where an update that was interrupted continues. */
export interface UpdateState {
  /** Begins the idempotency key of each chunk. */
  readonly run: string;
  /** Lines in a chunk; it must not change between runs. */
  readonly chunkLines: number;
  /** How many lines have been answered. */
  readonly lines: number;
  /**
   * Whether each request asks for failures only. Earlier clients did not, nor set this: a chunk that they sent has to be
   * sent again in the same way, since its idempotency key belongs to that request.
   */
  readonly failuresOnly?: boolean;
}

/** Keeps a value between runs of a program, such as `fileStore` of `onhand-client/node` does. */
export interface StateStore<T> {
  load(): Promise<T | undefined>;
  save(state: T): Promise<void>;
  /** Called when nothing is left to continue. */
  clear?(): Promise<void>;
}

/** The result of one row. */
export interface RowOutcome extends LineResult {
  /** The row's number, counted from 1 with blank rows. */
  readonly row: number;
  /** The row itself. */
  readonly bytes: Uint8Array;
  /** Whether it was applied: its `status_code` is 200. */
  readonly isApplied: boolean;
}

export interface UpdateOptions extends CallOptions, BatchNote {
  /** Yield only lines that were not applied. */
  readonly errorsOnly?: boolean;
  /** Write nothing; the results tell what would happen. */
  readonly dryRun?: boolean;
  /** The time of the report: lines that are older than what the server holds get 412. */
  readonly asOf?: Date | string;
  /**
   * Lines of a request; 1,000 by default, at most what the server allows. Each request is a batch. A `group` is never
   * split: one that is longer is a request of its own, up to 10,000 lines or 4 MiB; beyond, a `RangeError` is thrown.
   */
  readonly chunkLines?: number;
  /**
   * Where the progress is kept, so that an update that was interrupted continues where it was, with the idempotency
   * key of the chunk that was under way. Give the same lines again: those that were answered are skipped.
   */
  readonly state?: StateStore<UpdateState>;
  /** Called after each request with the lines answered so far. */
  readonly onProgress?: (progress: { readonly lines: number; readonly failed: number }) => void;
}

/** The result of a single update: the values before and after, if asked for. */
export type SingleResult =
  operations['updateInventory']['responses'][200]['content']['application/json'];

/** Writes stock levels. */
export class InventoryClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * Sets the inventory of one SKU. Throws `LineFailed` if the line was not applied.
   *
   * Retries are safe: each call has its own idempotency key.
   */
  async set(
    line: Line,
    options: CallOptions & BatchNote & { readonly dryRun?: boolean } = {},
  ): Promise<SingleResult> {
    return this.#transport.json<SingleResult>(
      {
        method: 'POST',
        path: SINGLE_PATH,
        query: { dry_run: options.dryRun },
        headers: {
          'content-type': 'application/json',
          'idempotency-key': options.dryRun === true ? undefined : crypto.randomUUID(),
          ...noteHeaders(options),
        },
        body: () => JSON.stringify(line),
        isRepeatable: true,
      },
      options,
    );
  }

  /**
   * Sends lines in chunks and yields the result of each line, in the order of the lines. The next chunk is read while
   * one is under way, no more. Each chunk has an idempotency key that its retries repeat, so it is applied once.
   *
   * Throws the problem if a chunk is refused as a whole; `line` is its first line, and the lines before it were applied.
   * Lines that fail are not errors: they are yielded with their `status_code` and `message`.
   */
  update(
    lines: Iterable<Line> | AsyncIterable<Line>,
    options: UpdateOptions = {},
  ): AsyncGenerator<LineOutcome, void, undefined> {
    return new Items(this.#update(lines, options));
  }

  /**
   * As `update`, over one connection: the server applies chunks while later ones are on their way, so it is faster
   * over long distances. When the connection breaks, it is resumed with the first chunk that was not answered; the
   * server applies each chunk once. `retries` counts attempts in a row that got no result.
   *
   * Needs a `fetch` that streams request bodies (Node, Deno, Bun). Throws in browsers, which have none: use `update`.
   */
  stream(
    lines: Iterable<Line> | AsyncIterable<Line>,
    options: UpdateOptions = {},
  ): AsyncGenerator<LineOutcome, void, undefined> {
    return new Items(this.#stream(lines, options));
  }

  /**
   * As `stream`, for lines that are NDJSON already, such as a file or the output of a program. Rows are sent unparsed as
   * they arrive, those that arrive together as one chunk; the rows of a group stay together. Yields the result of each
   * row that is not blank.
   */
  streamNdjson(
    content: AsyncIterable<Uint8Array>,
    options: Omit<UpdateOptions, 'chunkLines' | 'state' | 'errorsOnly'> = {},
  ): AsyncGenerator<RowOutcome, void, undefined> {
    return new Items(this.#streamNdjson(content, options));
  }

  /** The outcomes of `update`, chunk by chunk. */
  async *#update(
    lines: Iterable<Line> | AsyncIterable<Line>,
    options: UpdateOptions,
  ): AsyncGenerator<readonly LineOutcome[], void, undefined> {
    const { state, onProgress } = options;
    const end = this.#transport.end(options);
    const call = { ...options, ...(end.signal && { signal: end.signal }) };
    const from = await startOf(state, options.chunkLines ?? CHUNK_LINES_DEFAULT);
    let failed = 0;
    const { chunkLines } = from;
    const groupLines = Math.max(chunkLines, GROUP_LINES_MAX);
    const chunks = chunksOf(lines, { chunkLines, groupLines }, ',');
    try {
      for await (const chunk of readAhead(chunks, bulkRequest(options), end.signal)) {
        const lines = chunk.start + chunk.lines.length;
        if (lines <= from.lines) continue;
        const outcomes = await this.#send(chunk, from, call);
        failed += outcomes.filter(({ isApplied }) => !isApplied).length;
        yield outcomes;
        // After the last of its results was taken: a run that stops before asks for this chunk again.
        await state?.save({ ...from, lines });
        onProgress?.({ lines, failed });
      }
    } finally {
      end.stop();
    }
    await state?.clear?.();
  }

  /** The outcomes of `stream`, as they arrive. */
  async *#stream(
    lines: Iterable<Line> | AsyncIterable<Line>,
    options: UpdateOptions,
  ): AsyncGenerator<readonly LineOutcome[], void, undefined> {
    const { state, errorsOnly = false } = options;
    const from = await startOf(state, options.chunkLines ?? CHUNK_LINES_DEFAULT);
    const { chunkLines } = from;
    const cut = chunksOf(lines, { chunkLines, groupLines: GROUP_LINES_MAX }, '\n');
    const chunks = after(from.lines, readAhead(cut, bulkRequest(options)));
    for await (const answered of this.#streamed(chunks, chunkBytes, options, from)) {
      yield outcomesOf(answered, lineOutcome, errorsOnly);
    }
    await state?.clear?.();
  }

  /** The outcomes of `streamNdjson`, as they arrive. */
  async *#streamNdjson(
    content: AsyncIterable<Uint8Array>,
    options: UpdateOptions,
  ): AsyncGenerator<readonly RowOutcome[], void, undefined> {
    const from = await startOf(undefined, 0);
    const chunks = ndjsonChunks(content);
    for await (const answered of this.#streamed(chunks, rowBytes, options, from)) {
      yield outcomesOf(answered, rowOutcome);
    }
  }

  /** Streams chunks, resuming as often as the options allow. */
  async *#streamed<C extends StreamChunk<unknown>>(
    chunks: AsyncIterator<C>,
    bytesOf: (chunk: C) => Uint8Array,
    options: UpdateOptions,
    from: UpdateState,
  ): AsyncGenerator<StreamResults<C>, void, undefined> {
    this.#transport.checkStreams();
    const end = this.#transport.end(options);
    const { signal } = end;
    const { timeoutMs = TIMEOUT_DEFAULT_MS } = this.#transport.completed(options);
    const request = { ...bulkRequest(options), headers: streamHeaders(options, from.run) };
    const transport = this.#transport;
    const task = { transport, request, chunks, bytesOf, signal, timeoutMs };
    const stream = new ChunkStream<C>(task, from.lines);
    const retries = transport.retries(options, signal);
    let failed = 0;
    try {
      while (!stream.isDone) {
        try {
          for await (const answered of stream.attempt()) {
            retries.reset();
            const { start, chunk, results } = answered;
            for (const { status_code } of results) if (status_code !== 200) failed += 1;
            yield answered;
            const lines = chunk.start + chunk.lines.length;
            if (start + results.length < lines) continue;
            await options.state?.save({ ...from, lines });
            options.onProgress?.({ lines, failed });
          }
        } catch (error) {
          if (!(error instanceof OnhandError)) throw error;
          await retries.waitAfter(error, request);
        }
      }
    } finally {
      end.stop();
      // Not awaited: the source may be waiting for a line.
      chunks.return?.().catch(() => undefined);
    }
  }

  #send(
    chunk: Chunk,
    { run, failuresOnly: isAsked = false }: UpdateState,
    options: UpdateOptions,
  ): Promise<readonly LineOutcome[]> {
    const { errorsOnly = false, dryRun = false } = options;
    const request = bulkRequest(options);
    // Only in a dry run does the result of a success say more: what would change.
    const failuresOnly = errorsOnly || (isAsked && !dryRun);
    return this.#transport.send(
      {
        ...request,
        query: { ...request.query, ...(failuresOnly && { errors_only: true }) },
        headers: {
          ...request.headers,
          'content-type': 'application/json',
          'idempotency-key': dryRun ? undefined : `${run}-${chunk.start}`,
        },
        body: () => `[${chunk.text}]`,
        line: chunk.start,
      },
      options,
      async (response) => {
        const { start } = chunk;
        const given = await jsonOf<readonly LineResult[]>(response);
        const succeeded = Number(response.headers.get('lines-succeeded') ?? NaN);
        const results = failuresOnly ? completed(chunk, given, succeeded) : given;
        if (!isArray(results) || results.length !== chunk.lines.length) {
          throw unexpectedResults(start);
        }
        return outcomesOf({ chunk, start, results }, lineOutcome, errorsOnly);
      },
    );
  }
}

function bulkRequest({ dryRun = false, asOf, ...note }: UpdateOptions): Request {
  return {
    method: 'POST',
    path: BULK_PATH,
    query: dryRun ? { dry_run: true } : {},
    headers: { 'as-of': asOf instanceof Date ? asOf.toISOString() : asOf, ...noteHeaders(note) },
    isRepeatable: true,
  };
}

/** A dry run has the key too: it decides where chunks end, and nothing is stored. */
function streamHeaders(options: UpdateOptions, run: string): NonNullable<Request['headers']> {
  return {
    ...bulkRequest(options).headers,
    'content-type': 'application/x-ndjson',
    'idempotency-key': run,
    // Results are no longer than the lines, which are not compressed either.
    'accept-encoding': 'identity',
  };
}

/** See `StreamTask.bytesOf`. A blank row is a line feed. */
function rowBytes({ lines }: StreamChunk<NdjsonRow>): Uint8Array {
  return joined([...lines.flatMap(({ bytes }) => [bytes, BLANK_ROW]), BLANK_ROW]);
}

/** The outcomes of the lines that were answered, or of those that failed. */
function outcomesOf<T, Outcome extends { readonly isApplied: boolean }>(
  { chunk, start, results }: StreamResults<StreamChunk<T>>,
  outcomeOf: (line: T, result: LineResult, index: number) => Outcome,
  errorsOnly = false,
): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  for (const [place, result] of results.entries()) {
    const line = chunk.lines[start - chunk.start + place];
    if (line === undefined || (errorsOnly && result.status_code === 200)) continue;
    outcomes.push(outcomeOf(line, result, start + place));
  }
  return outcomes;
}

function lineOutcome(line: Line, result: LineResult, index: number): LineOutcome {
  return { ...result, index, line, isApplied: result.status_code === 200 };
}

function rowOutcome({ row, bytes }: NdjsonRow, result: LineResult): RowOutcome {
  // The server counts rows of the connection.
  const message = result.message?.replace(/^Row \d+/, `Row ${row}`);
  const isApplied = result.status_code === 200;
  return { ...result, row, bytes, isApplied, ...(message !== undefined && { message }) };
}

/** Completes the failures that the server named by its count of successes: one result for each line of the chunk. */
function completed(
  { start, lines }: Chunk,
  failures: readonly LineResult[],
  succeeded: number,
): readonly LineResult[] {
  const results = lines.map(() => SUCCESS);
  if (!isArray(failures) || succeeded + failures.length !== lines.length) {
    throw unexpectedResults(start);
  }
  for (const failure of failures) {
    const { index = -1 } = failure;
    if (results[index] !== SUCCESS) throw unexpectedResults(start);
    results[index] = failure;
  }
  return results;
}

/** The chunks that end after the line. */
async function* after(line: number, chunks: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) if (chunk.start + chunk.lines.length > line) yield chunk;
}

/** See `StreamTask.bytesOf`. */
function chunkBytes({ text }: Chunk): Uint8Array {
  return encoder.encode(`${text}\n\n`);
}

/** The headers that carry a batch's reason and reference. */
export function noteHeaders({ reason, reference }: BatchNote): Record<string, string | undefined> {
  return { 'batch-reason': headerText(reason), 'batch-reference': headerText(reference) };
}

async function startOf(
  state: StateStore<UpdateState> | undefined,
  chunkLines: number,
): Promise<UpdateState> {
  const saved = await state?.load();
  if (saved !== undefined) return saved;
  const start = { run: crypto.randomUUID(), chunkLines, lines: 0, failuresOnly: true };
  await state?.save(start);
  return start;
}

/** Does not narrow: the elements keep their type. */
function isArray(value: unknown): boolean {
  return Array.isArray(value);
}
