import { closeSync, openSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { stringify } from 'csv-stringify/sync';
import { OnhandError } from '../../domain/errors.ts';
import { ResponseObject } from '../remote/response.ts';
import type { RetryPolicy } from '../remote/retry-policy.ts';
import {
  addChange,
  changeText,
  FAILURES_SHOWN_MAX,
  type Difference,
  type FailingRow,
} from './excerpt.ts';
import type { PushProgress } from './progress.ts';
import type { Pushed } from './report.ts';
import { failedOf, type PushTerms } from './upload.ts';
import { RemoteRefusal, RemoteSilence, unreachable, type Remote } from '../remote/client.ts';
import type { StreamRows } from './stream-rows.ts';

const BULK_PATH = '/timp/products/skus/inventory/bulk/';
/** The answer that most rows get. */
const SUCCESS = '{"status_code":200,"message":"success"}';
/** A member that adds to what is there: a row that has it must not be sent twice. */
const ADDS = '"quantity_in_stock_change"';
const RESULT_COLUMNS = ['row', 'line', 'status_code', 'message'];

export interface StreamPush {
  readonly path: string;
  readonly remote: Remote;
  readonly patience: RetryPolicy;
  readonly terms: PushTerms;
  readonly isDryRun: boolean;
  readonly progress: PushProgress;
  readonly resultsPath: string | null;
}

/**
 * Sends rows as they come, and reads what became of each. A connection that breaks is opened again, from
 * the first row that was not answered on.
 */
export async function pushStream(push: StreamPush, rows: StreamRows): Promise<Pushed> {
  const startedMs = performance.now();
  const verdicts = new Verdicts(push.resultsPath);
  let problem: OnhandError | null = null;
  try {
    await sendAll(push, rows, verdicts);
  } catch (error) {
    if (!(error instanceof OnhandError) || rows.answered === 0) throw error;
    problem = error;
  } finally {
    push.progress.stop();
    verdicts.close();
  }
  return {
    path: push.path,
    uuid: null,
    state: problem === null ? 'done' : 'failed',
    isDryRun: push.isDryRun,
    statusCounts: verdicts.statusCounts,
    seconds: (performance.now() - startedMs) / 1000,
    problem: problem === null ? null : `${problem.message} ${rows.answered} rows were answered.`,
    failures: verdicts.failures,
    difference: push.isDryRun ? verdicts.difference : null,
    resultsPath: push.resultsPath,
  };
}

async function sendAll(push: StreamPush, rows: StreamRows, verdicts: Verdicts): Promise<void> {
  const { remote, patience, terms } = push;
  const query = new URLSearchParams(terms.query).toString();
  while (!rows.isDone) {
    const before = rows.answered;
    try {
      const response = await remote.open({
        method: 'POST',
        path: query === '' ? BULK_PATH : `${BULK_PATH}?${query}`,
        headers: { ...terms.headers, 'content-type': 'application/x-ndjson' },
        body: rows.outgoing(),
      });
      await readVerdicts(push, response, rows, verdicts);
      if (!rows.isDone) throw unreachable(remote.url, new Error('the reply ended too early'));
    } catch (error) {
      if (rows.failure !== undefined) throw rows.failure;
      if (rows.answered > before) patience.restore();
      if (isBroken(error) && rows.someUnanswered(ADDS)) throw mayHaveAdded(rows, error);
      await patience.after(error);
    }
  }
}

function isBroken(error: unknown): error is Error {
  return error instanceof RemoteSilence || error instanceof RemoteRefusal;
}

function mayHaveAdded(rows: StreamRows, cause: Error): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    `${cause.message} Of the rows from ${rows.answered + 1} on some may have been applied, and some add to what is in stock: look before they are sent again.`,
    { cause },
  );
}

async function readVerdicts(
  { remote, progress }: StreamPush,
  response: IncomingMessage,
  rows: StreamRows,
  verdicts: Verdicts,
): Promise<void> {
  response.setEncoding('utf8');
  let begun = '';
  try {
    for await (const chunk of response) {
      const lines = (begun + String(chunk)).split('\n');
      begun = lines.pop() ?? '';
      for (const line of lines) {
        if (line === SUCCESS) verdicts.succeed(rows.take());
        else judge(line, rows, verdicts);
      }
      rows.makeRoom();
      verdicts.write();
      const failed = failedOf(verdicts.statusCounts);
      progress.show({ phase: 'applying', rows: rows.answered, rowsTotal: null, failed });
    }
  } catch (error) {
    throw error instanceof OnhandError ? error : unreachable(remote.url, error);
  } finally {
    rows.makeRoom();
    verdicts.write();
  }
}

/** Takes a verdict; throws `RemoteRefusal` where it is the problem that the stream ends with. */
function judge(line: string, rows: StreamRows, verdicts: Verdicts): void {
  const verdict = new ResponseObject(JSON.parse(line));
  const status = verdict.number('status_code');
  if (verdict.scalar('type') !== null) {
    const retryAfter = verdict.scalar('retry_after');
    throw new RemoteRefusal(
      status,
      String(verdict.scalar('detail')),
      typeof retryAfter === 'number' ? retryAfter : undefined,
    );
  }
  verdicts.add(rows.take(), verdict);
}

/** What became of the rows of a stream, counted and written down as it comes. */
class Verdicts {
  readonly statusCounts: Record<string, number> = {};
  readonly failures: FailingRow[] = [];
  readonly difference: Difference = { changed: 0, examples: [] };
  readonly #file: number | undefined;
  #written: (readonly [number, string, string, string])[] = [];

  constructor(resultsPath: string | null) {
    if (resultsPath === null) return;
    this.#file = openSync(resultsPath, 'w');
    writeSync(this.#file, stringify([RESULT_COLUMNS]));
  }

  succeed(row: SentRow): void {
    this.#count('200');
    this.#note(row, '200', 'success');
  }

  add(row: SentRow, verdict: ResponseObject): void {
    const status = String(verdict.number('status_code'));
    const message = String(verdict.scalar('message') ?? '');
    this.#count(status);
    this.#note(row, status, message);
    if (status === '200') this.#compare(row, verdict);
    else if (this.failures.length < FAILURES_SHOWN_MAX) {
      this.failures.push({ row: row.number, status, message });
    }
  }

  #compare(row: SentRow, verdict: ResponseObject): void {
    const change = changeText(textOf(row), verdict);
    if (change !== undefined) addChange(this.difference, row.number, change);
  }

  #count(status: string): void {
    this.statusCounts[status] = (this.statusCounts[status] ?? 0) + 1;
  }

  #note(row: SentRow, status: string, message: string): void {
    if (this.#file !== undefined) this.#written.push([row.number, textOf(row), status, message]);
  }

  /** Writes down what came. */
  write(): void {
    if (this.#file === undefined || this.#written.length === 0) return;
    writeSync(this.#file, stringify(this.#written, { escape_formulas: true }));
    this.#written = [];
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

type SentRow = ReturnType<StreamRows['take']>;

function textOf({ text }: SentRow): string {
  return Buffer.from(text, 'latin1').toString().trimEnd();
}
