import { fstatSync } from 'node:fs';

const STDIN = 0;
const LINE_FEED = 0x0a;
/** A first row that is longer is none. */
const HEAD_BYTES_MAX = 64 * 1024;

/** What comes from stdin: its beginning, which was looked at, and then all of it. */
export interface Stdin {
  /** Whether it is rows of NDJSON that come from another program, with no end in sight. */
  readonly isStream: boolean;
  readonly content: AsyncIterable<Uint8Array>;
}

/** Looks at what comes from stdin. Resolves when the first row has come. */
export async function openStdin(): Promise<Stdin> {
  const input: AsyncIterator<Uint8Array, undefined> = process.stdin[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { value, done } = await input.next();
    if (done === true) break;
    chunks.push(value);
    bytes += value.length;
    if (value.includes(LINE_FEED) || bytes > HEAD_BYTES_MAX) break;
  }
  const isStream = isPipe() && isRow(Buffer.concat(chunks).toString());
  return { isStream, content: all(chunks, input) };
}

async function* all(
  chunks: readonly Uint8Array[],
  input: AsyncIterator<Uint8Array, undefined>,
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  yield* { [Symbol.asyncIterator]: () => input };
}

function isPipe(): boolean {
  const stdin = fstatSync(STDIN);
  return stdin.isFIFO() || stdin.isSocket();
}

function isRow(head: string): boolean {
  const [row = ''] = head.split('\n', 1);
  if (!row.trimStart().startsWith('{')) return false;
  try {
    JSON.parse(row);
    return true;
  } catch {
    return false;
  }
}
