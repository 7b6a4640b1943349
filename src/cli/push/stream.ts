import { closeSync, openSync, writeSync } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import { OnhandError as RemoteError, type RowOutcome } from '../../../client/src/index.ts';
import { failureText, type Remote } from '../remote/client.ts';
import { failedOf, rowsText, type PushProgress, type Pushed } from './report.ts';
import {
  addChange,
  changeText,
  FAILURES_SHOWN_MAX,
  type Difference,
  type FailingRow,
} from './results.ts';
import type { PushParameters } from './resume-state.ts';

const RESULT_COLUMNS = ['row', 'line', 'status_code', 'message'];

export interface StreamPush {
  readonly path: string;
  readonly remote: Remote;
  readonly parameters: Omit<PushParameters, 'terms'>;
  readonly isDryRun: boolean;
  readonly progress: PushProgress;
  readonly resultsPath: string | null;
}

/** The rows of a stream that have a result. */
export interface AnsweredRows {
  /** The number of the last one, from 1 with blank rows. */
  last: number;
}

/** Sends rows as they arrive and reads the result of each. Each is applied once, also if connections break. */
export async function pushStream(
  push: StreamPush,
  content: AsyncIterable<Uint8Array>,
  answered: AnsweredRows,
): Promise<Pushed> {
  const startedMs = performance.now();
  const results = new StreamResults(push.resultsPath);
  let problem: string | null = null;
  try {
    await sendAll(push, content, results, answered);
  } catch (error) {
    if (!(error instanceof RemoteError) || answered.last === 0) throw error;
    problem = `${failureText(error, push.remote.url)} ${rowsText(answered.last)} ${answered.last === 1 ? 'has' : 'have'} a result.`;
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
    problem,
    failures: results.failures,
    difference: push.isDryRun ? results.difference : null,
    resultsPath: push.resultsPath,
  };
}

async function sendAll(
  { remote, parameters, isDryRun, progress }: StreamPush,
  content: AsyncIterable<Uint8Array>,
  results: StreamResults,
  answered: AnsweredRows,
): Promise<void> {
  const onProgress = (): void => {
    results.write();
    const failed = failedOf(results.statusCounts);
    progress.show({ phase: 'applying', rows: answered.last, rowsTotal: null, failed });
  };
  const options = { ...parameters, dryRun: isDryRun, onProgress };
  for await (const outcome of remote.onhand.inventory.streamNdjson(content, options)) {
    results.add(outcome);
    answered.last = outcome.row;
  }
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

  add(outcome: RowOutcome): void {
    const { row, bytes, isApplied, message } = outcome;
    const status = String(outcome.status_code);
    this.statusCounts[status] = (this.statusCounts[status] ?? 0) + 1;
    if (this.#file !== undefined) this.#pending.push([row, textOf(bytes), status, message]);
    if (isApplied) this.#compare(outcome);
    else if (this.failures.length < FAILURES_SHOWN_MAX)
      this.failures.push({ row, status, message });
  }

  #compare(outcome: RowOutcome): void {
    if (outcome.before === undefined) return;
    const change = changeText(textOf(outcome.bytes), outcome);
    if (change !== undefined) addChange(this.difference, outcome.row, change);
  }

  /** Appends the new results to the file. */
  write(): void {
    if (this.#file === undefined || this.#pending.length === 0) return;
    writeSync(this.#file, stringify(this.#pending, { escape_formulas: true }));
    this.#pending = [];
  }

  close(): void {
    this.write();
    if (this.#file !== undefined) closeSync(this.#file);
  }
}

function textOf(row: Uint8Array): string {
  return new TextDecoder().decode(row).trimEnd();
}
