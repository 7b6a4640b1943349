import { type Cell, writeXlsx } from '../formats/xlsx/writer.ts';
import type { TaskContext } from '../workers/serve.ts';
import { ownBytes, printRows } from './results-task.ts';

/** A format in which tables are downloaded. */
export type TableFormat = 'csv' | 'xlsx';

export interface TableTarget {
  readonly format: TableFormat;
  readonly header: readonly string[];
}

/** The main thread's part. */
export interface TableHost {
  /** The next rows; undefined after the last. */
  nextRows(): Promise<readonly (readonly Cell[])[] | undefined>;
  /** Replies when the reader has room for more. */
  write(bytes: Uint8Array): Promise<void>;
}

/** Prints a table whose rows the main thread reads, a few at a time. */
export async function printTableTask(
  { format, header }: TableTarget,
  host: TableHost,
  { signal }: TaskContext,
): Promise<void> {
  const rows = rowsOf(header, host);
  const content: AsyncIterable<string | Uint8Array> =
    format === 'csv' ? printRows(rows) : writeXlsx(rows);
  for await (const part of content) {
    signal.throwIfAborted();
    await host.write(ownBytes(part));
  }
}

async function* rowsOf(
  header: readonly string[],
  host: TableHost,
): AsyncGenerator<readonly Cell[]> {
  yield header;
  for (let rows = await host.nextRows(); rows !== undefined; rows = await host.nextRows()) {
    yield* rows;
  }
}
