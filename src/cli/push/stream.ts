import { closeSync, openSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { stringify } from 'csv-stringify/sync';
import { OnhandError } from '../../domain/errors.ts';
import { RemoteRefusal, RemoteSilence, unreachable, type Remote } from '../remote/http.ts';
import { ResponseObject } from '../remote/response.ts';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import { failedOf, type PushProgress, type Pushed } from './report.ts';
import {
  addChange,
  changeText,
  FAILURES_SHOWN_MAX,
  type Difference,
  type FailingRow,
} from './results.ts';
import type { PushParameters } from './resume-state.ts';
import type { StreamRows } from './stream-rows.ts';

const BULK_PATH = '/timp/products/skus/inventory/bulk/';
/** The result of most rows, recognized without parsing. */
const SUCCESS = '{"status_code":200,"message":"success"}';
/** A member that makes a row relative: such a row must not be sent twice. */
const RELATIVE_MEMBER = '"quantity_in_stock_change"';
const RESULT_COLUMNS = ['row', 'line', 'status_code', 'message'];

export interface StreamPush {
  readonly path: string;
  readonly remote: Remote;
  readonly retries: RetryPolicy;
  readonly parameters: PushParameters;
  readonly isDryRun: boolean;
  readonly progress: PushProgress;
  readonly resultsPath: string | null;
}

/**
 * Sends rows as they arrive and reads the result of each. After a connection breaks, continues on a new one
 * from the first row without a result.
 */
export async function pushStream(push: StreamPush, rows: StreamRows): Promise<Pushed> {
  const startedMs = performance.now();
  const results = new StreamResults(push.resultsPath);
  let problem: OnhandError | null = null;
  try {
    await sendAll(push, rows, results);
  } catch (error) {
    if (!(error instanceof OnhandError) || rows.answered === 0) throw error;
    problem = error;
  } finally {
    push.progress.stop();
    results.close();
  }
  return {
    path: push.path,
    uuid: null,
    state: problem === null ? 'done' : 'failed',
    isDryRun: push.isDryRun,
    statusCounts: results.statusCounts,
    seconds: (performance.now() - startedMs) / 1000,
    problem: problem === null ? null : `${problem.message} ${rows.answered} rows have a result.`,
    failures: results.failures,
    difference: push.isDryRun ? results.difference : null,
    resultsPath: push.resultsPath,
  };
}

async function sendAll(push: StreamPush, rows: StreamRows, results: StreamResults): Promise<void> {
  const { remote, retries, parameters } = push;
  const query = new URLSearchParams(parameters.query).toString();
  while (!rows.isDone) {
    const before = rows.answered;
    try {
      const response = await remote.open({
        method: 'POST',
        path: query === '' ? BULK_PATH : `${BULK_PATH}?${query}`,
        headers: { ...parameters.headers, 'content-type': 'application/x-ndjson' },
        body: rows.outgoing(),
      });
      await readResults(push, response, rows, results);
      if (!rows.isDone) throw unreachable(remote.url, new Error('the response ended early'));
    } catch (error) {
      if (rows.failure !== undefined) throw rows.failure;
      if (rows.answered > before) retries.reset();
      if (isConnectionFailure(error) && rows.someUnanswered(RELATIVE_MEMBER))
        throw possiblyApplied(rows, error);
      await retries.waitAfter(error);
    }
  }
}

function isConnectionFailure(error: unknown): error is Error {
  return error instanceof RemoteSilence || error instanceof RemoteRefusal;
}

function possiblyApplied(rows: StreamRows, cause: Error): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    `${cause.message} Rows from ${rows.answered + 1} on may have been applied, and some of them are relative (quantity_in_stock_change). Check the stock before sending them again.`,
    { cause },
  );
}

async function readResults(
  { remote, progress }: StreamPush,
  response: IncomingMessage,
  rows: StreamRows,
  results: StreamResults,
): Promise<void> {
  response.setEncoding('utf8');
  let partial = '';
  try {
    for await (const chunk of response) {
      const lines = (partial + String(chunk)).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) {
        if (line === SUCCESS) results.succeed(rows.take());
        else addResult(line, rows, results);
      }
      rows.makeRoom();
      results.write();
      const failed = failedOf(results.statusCounts);
      progress.show({ phase: 'applying', rows: rows.answered, rowsTotal: null, failed });
    }
  } catch (error) {
    throw error instanceof OnhandError ? error : unreachable(remote.url, error);
  } finally {
    rows.makeRoom();
    results.write();
  }
}

/** Adds the result of a row; throws `RemoteRefusal` if the line is the problem that ends the stream. */
function addResult(line: string, rows: StreamRows, results: StreamResults): void {
  const result = new ResponseObject(JSON.parse(line));
  const status = result.number('status_code');
  if (result.scalar('type') !== null) {
    const retryAfter = result.scalar('retry_after');
    throw new RemoteRefusal(
      status,
      String(result.scalar('detail')),
      typeof retryAfter === 'number' ? retryAfter : undefined,
    );
  }
  results.add(rows.take(), result);
}

/** The results of a stream, counted and written to the results file as they arrive. */
class StreamResults {
  readonly statusCounts: Record<string, number> = {};
  readonly failures: FailingRow[] = [];
  readonly difference: Difference = { changed: 0, examples: [] };
  readonly #file: number | undefined;
  #pending: (readonly [number, string, string, string])[] = [];

  constructor(resultsPath: string | null) {
    if (resultsPath === null) return;
    this.#file = openSync(resultsPath, 'w');
    writeSync(this.#file, stringify([RESULT_COLUMNS]));
  }

  succeed(row: SentRow): void {
    this.#count('200');
    this.#note(row, '200', 'success');
  }

  add(row: SentRow, result: ResponseObject): void {
    const status = String(result.number('status_code'));
    const message = String(result.scalar('message') ?? '');
    this.#count(status);
    this.#note(row, status, message);
    if (status === '200') this.#compare(row, result);
    else if (this.failures.length < FAILURES_SHOWN_MAX) {
      this.failures.push({ row: row.number, status, message });
    }
  }

  #compare(row: SentRow, result: ResponseObject): void {
    const change = changeText(textOf(row), result);
    if (change !== undefined) addChange(this.difference, row.number, change);
  }

  #count(status: string): void {
    this.statusCounts[status] = (this.statusCounts[status] ?? 0) + 1;
  }

  #note(row: SentRow, status: string, message: string): void {
    if (this.#file !== undefined) this.#pending.push([row.number, textOf(row), status, message]);
  }

  /** Appends the new results to the file. */
  write(): void {
    if (this.#file === undefined || this.#pending.length === 0) return;
    writeSync(this.#file, stringify(this.#pending, { escape_formulas: true }));
    this.#pending = [];
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

type SentRow = ReturnType<StreamRows['take']>;

function textOf({ text }: SentRow): string {
  return Buffer.from(text, 'latin1').toString().trimEnd();
}
