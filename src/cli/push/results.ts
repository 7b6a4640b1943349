import { createReadStream, createWriteStream, renameSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import {
  addChange,
  FAILURES_SHOWN_MAX,
  type Difference,
  type FailureExcerpt,
  type FailingRow,
} from './excerpt.ts';
import { FILES_PATH } from './upload.ts';
import { unreachable, type Remote } from '../remote/client.ts';

interface Asking {
  readonly remote: Remote;
  readonly patience: RetryPolicy;
}

/** Whether a path is written as a workbook. */
export function isWorkbook(path: string): boolean {
  return path.toLowerCase().endsWith('.xlsx');
}

/** Writes the results of a file to a path, whole or not at all: as a workbook, or as CSV. */
export async function writeResults(
  { remote, patience }: Asking,
  uuid: string,
  path: string,
): Promise<void> {
  const beside = `${path}.part`;
  const removeIt = (): void => rmSync(beside, { force: true });
  process.once('exit', removeIt);
  try {
    await patience.keepTrying(async () => {
      const response = await openResults(remote, uuid, isWorkbook(path) ? 'xlsx' : 'csv');
      await pipeline(bytesOf(remote, response), createWriteStream(beside));
    });
    renameSync(beside, path);
  } finally {
    removeIt();
    process.off('exit', removeIt);
  }
}

/**
 * Reads results, as they were written as CSV, else as the server has them: those of a dry run to their
 * end, others until enough failures are found.
 */
export async function readResults(
  { remote, patience }: Asking,
  uuid: string,
  { writtenPath, isDryRun }: { readonly writtenPath: string | null; readonly isDryRun: boolean },
): Promise<FailureExcerpt> {
  if (writtenPath !== null && !isWorkbook(writtenPath)) {
    return excerptOf(createReadStream(writtenPath), isDryRun);
  }
  return patience.keepTrying(async () =>
    excerptOf(bytesOf(remote, await openResults(remote, uuid, 'csv')), isDryRun),
  );
}

function openResults(remote: Remote, uuid: string, kind: 'csv' | 'xlsx'): Promise<IncomingMessage> {
  const path = `${FILES_PATH}${encodeURIComponent(uuid)}/results.${kind}`;
  return remote.open({ method: 'GET', path });
}

/** Rejects with `RemoteSilence` where the reply breaks off. */
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
  // What it fails with, reading the rows fails with.
  pipeline(content, parser).catch(() => undefined);
  const failures: FailingRow[] = [];
  const difference: Difference | null = isDryRun ? { changed: 0, examples: [] } : null;
  let verdictOf: ReturnType<typeof readerOf> | undefined;
  let row = 0;
  const records: AsyncIterable<readonly string[]> = parser;
  for await (const cells of records) {
    row += 1;
    if (verdictOf === undefined) {
      verdictOf = readerOf(cells);
      continue;
    }
    const { isApplied, ...verdict } = verdictOf(cells, row);
    if (!isApplied && failures.length < FAILURES_SHOWN_MAX) failures.push(verdict);
    if (isApplied && difference !== null && CHANGE.test(verdict.message)) {
      addChange(difference, row, verdict.message);
    }
    if (!isDryRun && failures.length === FAILURES_SHOWN_MAX) break;
  }
  return { failures, difference };
}

const APPLIED = '200';
/** How the results of a dry run say that a row would change something. */
const CHANGE = /^Would change (?!nothing)/;

interface Verdict extends FailingRow {
  readonly isApplied: boolean;
}

/** How rows are read, by their header: results end in a verdict; a catalogue has a report. */
function readerOf(header: readonly string[]): (cells: readonly string[], row: number) => Verdict {
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
