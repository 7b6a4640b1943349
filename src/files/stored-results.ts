/** The results that are stored of a file's rows: of those that failed, have a warning, or would change their SKU. */
import type { FileRecord } from '../domain/files.ts';
import type { LineFormatter } from './job-file.ts';
import { RowNumberList } from './row-numbers.ts';
import { ResultMessages, type ResultsHost, type RowResult } from './row-results.ts';

export type StoredResult = Omit<RowResult, 'cells'>;

/** How many rows a chunk has, and the results that are stored of some. */
export interface StoredChunk {
  readonly rowCount: number;
  readonly results: readonly StoredResult[];
}

/**
 * The stored results of all rows of a file; undefined if the file has to be read again to number them. They have no
 * warnings that only the rows themselves tell (`FileFindings.hasWarnings`).
 */
export function storedChunks(
  formatter: LineFormatter,
  job: FileRecord,
  host: ResultsHost,
): AsyncGenerator<StoredChunk> | undefined {
  const { found, state, rowCount } = job;
  if (state !== 'done' || found?.kind !== 'inventory' || found.rowRuns === undefined)
    return undefined;
  const numbers = new RowNumberList(found.rowRuns);
  if (numbers.count !== rowCount) return undefined;
  return readChunks(new ResultMessages(formatter, job, found.rowUnit), numbers, host);
}

async function* readChunks(
  messages: ResultMessages,
  numbers: RowNumberList,
  host: ResultsHost,
): AsyncGenerator<StoredChunk> {
  let first = 0;
  for (let number = 0; ; number += 1) {
    const chunk = await host.chunk(number);
    if (chunk === undefined) return;
    const { rowCount, failed } = chunk;
    const start = first;
    const numberOf = (index: number): number => numbers.at(start + index);
    const inOrder = failed.toSorted((a, b) => a.index - b.index);
    const results = inOrder.map((stored) => ({
      row: numberOf(stored.index),
      statusCode: stored.status,
      message: messages.of(stored, numberOf),
      skuId: stored.skuId,
      stored,
    }));
    yield { rowCount, results };
    first += rowCount;
  }
}

/** The headers of a file's columns, for comparing them with texts in messages. */
export function headersOf({ found }: FileRecord): readonly string[] {
  if (found === null) return [];
  return [...found.columns.map(({ header }) => header), ...found.unknownColumns];
}
