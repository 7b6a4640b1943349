/** The results of a pushed file: writing them, and the excerpt that is shown. */
import { createReadStream, createWriteStream, renameSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import { unreachable, type Remote } from '../remote/http.ts';
import type { ResponseObject } from '../remote/response.ts';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import { isWorkbook } from './options.ts';
import { removeOnExit } from './source.ts';

export const FILES_PATH = '/timp/organizations/files/';

interface Server {
  readonly remote: Remote;
  readonly retries: RetryPolicy;
}

/** A row that was not applied. */
export interface FailingRow {
  /** In the results file, whose header is row 1; for a catalogue in the file itself; for a stream in the input. */
  readonly row: number;
  /** A status code; for a catalogue the kind of complaint. */
  readonly status: string;
  readonly message: string;
}

/** How many failed rows are shown. */
export const FAILURES_SHOWN_MAX = 5;

/** The part of the results that is shown. */
export interface FailureExcerpt {
  /** The first rows that failed. */
  readonly failures: readonly FailingRow[];
  /** For a dry run only. */
  readonly difference: Difference | null;
}

/** What a dry run would change. */
export interface Difference {
  /** How many rows would change inventory. */
  changed: number;
  /** The first of those rows. */
  readonly examples: Pick<FailingRow, 'row' | 'message'>[];
}

const EXAMPLES_MAX = 5;
const FIELDS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** Counts a row that would change inventory, and keeps the first ones as examples. */
export function addChange(difference: Difference, row: number, message: string): void {
  difference.changed += 1;
  if (difference.examples.length < EXAMPLES_MAX) difference.examples.push({ row, message });
}

/** Describes what a row would change, from the `before` and `after` of its result; undefined if nothing. */
export function changeText(name: string, result: ResponseObject): string | undefined {
  const before = result.object('before');
  const after = result.object('after');
  const changes = FIELDS.filter((field) => before.scalar(field) !== after.scalar(field)).map(
    (field) => `${field} from ${String(before.scalar(field))} to ${String(after.scalar(field))}`,
  );
  return changes.length === 0 ? undefined : `${name}: ${changes.join(', ')}`;
}

/** Writes the results of a file atomically to a path, as a workbook or as CSV. */
export async function writeResults(
  { remote, retries }: Server,
  uuid: string,
  path: string,
): Promise<void> {
  const partPath = `${path}.part`;
  const remove = removeOnExit(partPath);
  try {
    await retries.retry(async () => {
      const response = await openResults(remote, uuid, isWorkbook(path) ? 'xlsx' : 'csv');
      await pipeline(bytesOf(remote, response), createWriteStream(partPath));
    });
    renameSync(partPath, path);
  } finally {
    remove();
  }
}

/**
 * Extracts the part of the results to show, from the written CSV file if there is one, otherwise from the
 * server. Reads a dry run to its end, other results until there are enough failures.
 */
export async function readResults(
  { remote, retries }: Server,
  uuid: string,
  { writtenPath, isDryRun }: { readonly writtenPath: string | null; readonly isDryRun: boolean },
): Promise<FailureExcerpt> {
  if (writtenPath !== null && !isWorkbook(writtenPath)) {
    return excerptOf(createReadStream(writtenPath), isDryRun);
  }
  return retries.retry(async () =>
    excerptOf(bytesOf(remote, await openResults(remote, uuid, 'csv')), isDryRun),
  );
}

function openResults(remote: Remote, uuid: string, kind: 'csv' | 'xlsx'): Promise<IncomingMessage> {
  const path = `${FILES_PATH}${encodeURIComponent(uuid)}/results.${kind}`;
  return remote.open({ method: 'GET', path });
}

/** Rejects with `RemoteSilence` if the connection breaks. */
async function* bytesOf(remote: Remote, response: IncomingMessage): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterable<Uint8Array> = response;
  try {
    yield* chunks;
  } catch (error) {
    throw unreachable(remote.url, error);
  }
}

async function excerptOf(
  content: AsyncIterable<Uint8Array>,
  isDryRun: boolean,
): Promise<FailureExcerpt> {
  const parser = parse({ bom: true, relax_column_count: true });
  // Reading the records below rejects with the same error.
  pipeline(content, parser).catch(() => undefined);
  const failures: FailingRow[] = [];
  const difference: Difference | null = isDryRun ? { changed: 0, examples: [] } : null;
  let readResult: ReturnType<typeof resultReader> | undefined;
  let row = 0;
  const records: AsyncIterable<readonly string[]> = parser;
  for await (const cells of records) {
    row += 1;
    if (readResult === undefined) {
      readResult = resultReader(cells);
      continue;
    }
    const { isApplied, ...result } = readResult(cells, row);
    if (!isApplied && failures.length < FAILURES_SHOWN_MAX) failures.push(result);
    if (isApplied && difference !== null && CHANGE.test(result.message)) {
      addChange(difference, row, result.message);
    }
    if (!isDryRun && failures.length === FAILURES_SHOWN_MAX) break;
  }
  return { failures, difference };
}

const APPLIED = '200';
/** The message in the results of a dry run for a row that would change inventory. */
const CHANGE = /^Would change (?!nothing)/;

interface RowResult extends FailingRow {
  readonly isApplied: boolean;
}

/** Returns the reader for a header: results have a status and message last; a catalogue has a report. */
function resultReader(
  header: readonly string[],
): (cells: readonly string[], row: number) => RowResult {
  if (header.at(-2) !== 'status_code') {
    return ([row = '', column = '', value = '', reason = '', kind = '']) => ({
      row: Number(row),
      status: kind,
      message: `${column} ${JSON.stringify(value)}: ${reason}`,
      isApplied: kind !== 'rejected',
    });
  }
  return (cells, row) => {
    const [status = '', message = ''] = cells.slice(-2);
    return { row, status, message, isApplied: status === APPLIED };
  };
}
