import type { Line } from './api-types.ts';
import { failureOf, type Request } from './transport.ts';
import { within } from './watchdog.ts';

/** Characters of JSON in a chunk, at most; the server allows as many bytes in a group. */
const CHUNK_CHARACTERS = 4_194_304;

/** Lines that the server applies together. */
export interface StreamChunk<T> {
  /** The place of its first line among all lines, from 0. */
  readonly start: number;
  readonly lines: readonly T[];
}

/** Lines that are sent as one request, or between two blank rows of a stream. */
export interface Chunk extends StreamChunk<Line> {
  /** The JSON of the lines, separated. One text: kept apart, they would be most of what is allocated for a line. */
  readonly text: string;
}

/** A line as it is sent. */
interface LineText {
  readonly line: Line;
  /** Its JSON. */
  readonly text: string;
}

interface ChunkLimits {
  /** Lines in a chunk, at most. */
  readonly lines: number;
  /** Characters or bytes in a chunk, at most; a longer line is sent alone. */
  readonly size: number;
}

/** Collects lines into chunks. A group, which is a run of lines with one group name, is never split. */
export class ChunkBuilder<T> {
  readonly #limits: ChunkLimits;
  #start = 0;
  #lines: T[] = [];
  #size = 0;
  /** The group of the last line; its lines begin at `#groupStart`, which is the last line itself outside groups. */
  #group: string | undefined;
  #groupStart = 0;
  #groupSize = 0;
  #isGroupEnded = false;

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** The size of all lines. */
  get size(): number {
    return this.#size;
  }

  /** The lines of the last line's group, or the line alone. */
  get group(): { readonly start: number; readonly count: number; readonly size: number } {
    return {
      start: this.#start + this.#groupStart,
      count: this.#lines.length - this.#groupStart,
      size: this.#groupSize,
    };
  }

  /** How many lines may be sent now, whatever follows: those before a group that may go on. */
  get ready(): number {
    const isOpen = this.#group !== undefined && !this.#isGroupEnded;
    return isOpen ? this.#groupStart : this.#lines.length;
  }

  /** Adds a line. Returns the chunk that had to end before it, or before its group. A group alone may exceed the limits. */
  add(line: T, size: number, group: string | undefined): StreamChunk<T> | undefined {
    const isNamesake = group !== undefined && group === this.#group;
    if (!isNamesake || this.#isGroupEnded) {
      this.#groupStart = this.#lines.length;
      this.#groupSize = 0;
    }
    const mustCut =
      this.#lines.length >= this.#limits.lines ||
      this.#size + size > this.#limits.size ||
      // Two groups with one name would become one.
      (isNamesake && this.#isGroupEnded);
    const full = mustCut && this.#groupStart > 0 ? this.cut(this.#groupStart) : undefined;
    this.#lines.push(line);
    this.#size += size;
    this.#groupSize += size;
    this.#group = group;
    this.#isGroupEnded = false;
    return full;
  }

  /** Ends the group: a later line with its name begins another one. */
  endGroup(): void {
    this.#isGroupEnded = true;
  }

  /** Removes the first lines: by default all, or those before the last line's group. */
  cut(count = this.#lines.length): StreamChunk<T> {
    const chunk = { start: this.#start, lines: this.#lines.splice(0, count) };
    this.#start += count;
    this.#groupStart = 0;
    if (this.isEmpty) [this.#group, this.#groupSize, this.#isGroupEnded] = [undefined, 0, false];
    this.#size = this.#groupSize;
    return chunk;
  }
}

/** Cuts lines into chunks, reading no further than the chunk that is asked for and the group after it. */
export async function* chunksOf(
  lines: Iterable<Line> | AsyncIterable<Line>,
  limits: {
    /** Lines in a chunk, at most, unless they are one group. */
    readonly chunkLines: number;
    /** Lines in a group, at most. */
    readonly groupLines: number;
  },
  separator: ',' | '\n',
): AsyncGenerator<Chunk> {
  const builder = new ChunkBuilder<LineText>({ lines: limits.chunkLines, size: CHUNK_CHARACTERS });
  const add = (line: Line): StreamChunk<LineText> | undefined => {
    const text = JSON.stringify(line);
    // The server refuses other values line by line.
    const group = typeof line.group === 'string' ? line.group : undefined;
    const full = builder.add({ line, text }, text.length + 1, group);
    if (group !== undefined) checkGroup(group, builder.group, limits.groupLines);
    return full;
  };
  if (Symbol.asyncIterator in lines) {
    for await (const line of lines) {
      const full = add(line);
      if (full !== undefined) yield printed(full, separator);
    }
  } else {
    for (const line of lines) {
      const full = add(line);
      if (full !== undefined) yield printed(full, separator);
    }
  }
  if (!builder.isEmpty) yield printed(builder.cut(), separator);
}

function printed({ start, lines }: StreamChunk<LineText>, separator: string): Chunk {
  return {
    start,
    lines: lines.map(({ line }) => line),
    text: lines.map(({ text }) => text).join(separator),
  };
}

function checkGroup(
  name: string,
  { start, count, size }: ChunkBuilder<LineText>['group'],
  linesMax: number,
): void {
  if (count <= linesMax && size <= CHUNK_CHARACTERS) return;
  throw new RangeError(
    `The group ${JSON.stringify(name)}, which begins at line ${start}, has more than ${linesMax} lines or ${CHUNK_CHARACTERS} characters. Its lines have to be sent together: use smaller groups, or upload a file with atomic=true.`,
  );
}

/**
 * The same items, each asked for while the one before it is being used.
 *
 * @param request what the items are for; see `failureOf`, as which it rejects
 * @param signal ends the waiting for an item
 */
export async function* readAhead<T>(
  items: AsyncIterator<T>,
  request: Request,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (;;) {
      const result = await within(next, undefined, signal);
      if (result === undefined) throw failureOf(signal?.reason, request, signal);
      if (result.done === true) return;
      next = items.next();
      // Reported when it is awaited.
      next.catch(() => undefined);
      yield result.value;
    }
  } finally {
    // Not awaited: the source may be waiting for a line.
    items.return?.().catch(() => undefined);
  }
}

/** The parts one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, { length }) => bytes + length, 0));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
