import { ChunkBuilder, joined, type StreamChunk } from './chunks.ts';
import { within } from './watchdog.ts';

/** A row of NDJSON as it is sent. */
export interface NdjsonRow {
  /** Its number in the input, counted from 1 with blank rows. */
  readonly row: number;
  /** Without its line feed. */
  readonly bytes: Uint8Array;
}

const ROWS_MAX = 10_000;
const BYTES_MAX = 1024 * 1024;
/** The server refuses smaller groups, and far shorter rows. */
const HELD_BYTES_MAX = 32 * 1024 * 1024;
/** Rows that arrive within this time of each other are sent together. */
const LINGER_MS = 2;
const LINE_FEED = 0x0a;
/** A group's name must be read only from rows with this; an escape can hide it. */
const MAY_HAVE_GROUP = /"group"|\\u/;

/** Cuts NDJSON into chunks as it arrives. The rows of a group are not separated. Blank rows are left out. */
export async function* ndjsonChunks(
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamChunk<NdjsonRow>> {
  const input = content[Symbol.asyncIterator]();
  const rows = new Rows();
  try {
    for (let next: ReturnType<typeof input.next> | undefined; ;) {
      next ??= input.next();
      const { ready } = rows.chunk;
      const result = ready > 0 ? await within(next, LINGER_MS) : await next;
      if (result === undefined) {
        yield rows.chunk.cut(ready);
        continue;
      }
      next = undefined;
      for (const row of result.done === true ? rows.last() : rows.split(result.value)) {
        const full = rows.add(row);
        if (full !== undefined) yield full;
      }
      if (result.done !== true) continue;
      if (!rows.chunk.isEmpty) yield rows.chunk.cut();
      return;
    }
  } finally {
    await input.return?.();
  }
}

interface ReadRow extends NdjsonRow {
  /** The name of its group; undefined outside groups. */
  readonly group: string | undefined;
}

/** The rows of the next chunk. */
class Rows {
  readonly chunk = new ChunkBuilder<NdjsonRow>({ lines: ROWS_MAX, size: BYTES_MAX });
  /** Rows read so far. */
  #row = 0;
  /** A row that has not ended. */
  #partial: Uint8Array[] = [];
  #partialBytes = 0;

  /** Returns the chunk that had to end before the row, or before its group. */
  add({ group, ...row }: ReadRow): StreamChunk<NdjsonRow> | undefined {
    const full = this.chunk.add(row, row.bytes.length, group);
    this.#checkHeld();
    return full;
  }

  /** The rows that end within the bytes. */
  *split(bytes: Uint8Array): Generator<ReadRow> {
    const mayHaveGroups = MAY_HAVE_GROUP.test(new TextDecoder().decode(bytes));
    let begin = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, begin)) {
      yield* this.#ended(bytes.subarray(begin, end), mayHaveGroups);
      begin = end + 1;
    }
    if (begin === bytes.length) return;
    this.#partial.push(bytes.subarray(begin));
    this.#partialBytes += bytes.length - begin;
    this.#checkHeld();
  }

  /** The last row, if it has no line feed. */
  *last(): Generator<ReadRow> {
    if (this.#partialBytes > 0) yield* this.#ended(new Uint8Array(), true);
  }

  *#ended(rest: Uint8Array, mayHaveGroup: boolean): Generator<ReadRow> {
    const isWhole = this.#partialBytes === 0;
    const bytes = isWhole ? rest : joined([...this.#partial, rest]);
    [this.#partial, this.#partialBytes] = [[], 0];
    this.#row += 1;
    if (bytes.every(isBlank)) {
      this.chunk.endGroup();
      return;
    }
    yield { row: this.#row, bytes, group: mayHaveGroup || !isWhole ? groupOf(bytes) : undefined };
  }

  #checkHeld(): void {
    if (this.chunk.size + this.#partialBytes <= HELD_BYTES_MAX) return;
    throw new RangeError(
      `Row ${this.#row + 1}, or the group before it, is longer than ${HELD_BYTES_MAX} bytes. A stream is NDJSON: one JSON object per row.`,
    );
  }
}

function groupOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes);
  if (!MAY_HAVE_GROUP.test(text)) return undefined;
  try {
    const line: unknown = JSON.parse(text);
    // The server refuses other values line by line.
    const isNamed = typeof line === 'object' && line !== null && 'group' in line;
    return isNamed && typeof line.group === 'string' ? line.group : undefined;
  } catch {
    return undefined;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
