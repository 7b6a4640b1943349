import type { Line } from './api-types.ts';

/** Lines that the server applies together. */
export interface StreamChunk<T> {
  /** The place of its first line among all lines, from 0. */
  readonly start: number;
  readonly lines: readonly T[];
}

/** Lines that are sent as one request. */
export interface Chunk extends StreamChunk<Line> {
  /** The JSON of each line. */
  readonly texts: readonly string[];
}

export interface ChunkLimits {
  /** Lines in a chunk, at most; more than the server's `ONHAND_LINES_MAX` are refused. */
  readonly chunkLines: number;
  /** Characters of JSON in a chunk, at most; a longer line is sent alone. */
  readonly chunkCharacters: number;
}

/** Cuts lines into chunks, reading no further than the chunk that is asked for. */
export async function* chunksOf(
  lines: Iterable<Line> | AsyncIterable<Line>,
  { chunkLines, chunkCharacters }: ChunkLimits,
): AsyncGenerator<Chunk> {
  let start = 0;
  let chunk: Line[] = [];
  let texts: string[] = [];
  let characters = 0;
  const cut = (): Chunk => {
    const whole = { start, lines: chunk, texts };
    start += chunk.length;
    [chunk, texts, characters] = [[], [], 0];
    return whole;
  };
  const add = (line: Line): Chunk | undefined => {
    const text = JSON.stringify(line);
    const isFull = chunk.length === chunkLines || characters + text.length > chunkCharacters;
    const full = isFull && chunk.length > 0 ? cut() : undefined;
    chunk.push(line);
    texts.push(text);
    characters += text.length + 1;
    return full;
  };
  if (Symbol.asyncIterator in lines) {
    for await (const line of lines) {
      const full = add(line);
      if (full !== undefined) yield full;
    }
  } else {
    for (const line of lines) {
      const full = add(line);
      if (full !== undefined) yield full;
    }
  }
  if (chunk.length > 0) yield cut();
}

/** The same items, each asked for while the one before it is being used. */
export async function* readAhead<T>(items: AsyncIterator<T>): AsyncGenerator<T> {
  let next = items.next();
  try {
    for (;;) {
      const result = await next;
      if (result.done === true) return;
      next = items.next();
      // Reported when it is awaited.
      next.catch(() => undefined);
      yield result.value;
    }
  } finally {
    await items.return?.();
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
