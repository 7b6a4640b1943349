import { formatTable, printLine } from '../output.ts';
import type { Difference, FailingRow } from './excerpt.ts';
import { STDIN_PATH } from './source.ts';
import { failedOf, type StatusCounts } from './upload.ts';

/** How a push ends, for the jobs that run it; docs/push.md explains them. */
export const PUSH_EXIT = {
  allApplied: 0,
  notDone: 1,
  usage: 2,
  someFailed: 3,
  refused: 4,
  brokeOff: 5,
} as const;

/** What became of one file, or of one stream. */
export interface Pushed {
  /** As it was named on the command line. */
  readonly path: string;
  /** Null where the server did not take it, and of a stream. */
  readonly uuid: string | null;
  /** As the server says it: done, refused, failed, canceled or held. */
  readonly state: string;
  readonly isDryRun: boolean;
  readonly statusCounts: StatusCounts;
  /** From the first byte sent to the last row judged. */
  readonly seconds: number;
  readonly problem: string | null;
  readonly failures: readonly FailingRow[];
  /** Of a dry run. */
  readonly difference: Difference | null;
  /** Where the results were written. */
  readonly resultsPath: string | null;
}

/** The exit code of a push: that of the file that fared worst. */
export function exitCodeOf(pushed: readonly Pushed[]): number {
  const codes = pushed.map(({ state, statusCounts }) => {
    if (state === 'failed' || state === 'canceled') return PUSH_EXIT.brokeOff;
    if (state !== 'done') return PUSH_EXIT.refused;
    return failedOf(statusCounts) > 0 ? PUSH_EXIT.someFailed : PUSH_EXIT.allApplied;
  });
  return Math.max(PUSH_EXIT.allApplied, ...codes);
}

const STATUS_TEXTS: Readonly<Record<string, string>> = {
  '200': 'applied',
  '400': 'not understood',
  '404': 'no such SKU',
  '412': 'older than what is held, or not as expected',
  '422': 'more than one SKU, or not possible',
  '424': 'left out because of others',
};

const STATE_TEXTS: Readonly<Record<string, string>> = {
  done: 'done',
  refused: 'refused, nothing was applied',
  failed: 'broke off midway',
  canceled: 'canceled',
  held: 'held back, nothing was applied',
};

/** Says for people what became of a file. */
export function printPushed(pushed: Pushed): void {
  const { path, state, isDryRun, statusCounts, problem, resultsPath } = pushed;
  const head = isDryRun ? 'dry run, nothing was applied' : (STATE_TEXTS[state] ?? state);
  printLine(
    `${path === STDIN_PATH ? 'stdin' : path}: ${isDryRun && state !== 'done' ? `dry run, ${state}` : head}`,
  );
  if (problem !== null) printLine(`  ${problem}`);
  for (const [status, count] of Object.entries(statusCounts)) {
    const text = isDryRun && status === '200' ? 'would be applied' : (STATUS_TEXTS[status] ?? '');
    printLine(`  ${count.toLocaleString('en').padStart(10)}  ${status} ${text}`.trimEnd());
  }
  printDifference(pushed);
  printFailures(pushed);
  if (resultsPath !== null) printLine(`  results: ${resultsPath}`);
  printLine(`  ${rateText(pushed)}`);
}

function printDifference({ difference }: Pushed): void {
  if (difference === null) return;
  printLine(`  ${difference.changed.toLocaleString('en')} rows would change something`);
  for (const { row, message } of difference.examples) printLine(`    ${row}  ${oneLine(message)}`);
}

function printFailures({ failures, statusCounts, resultsPath }: Pushed): void {
  if (failures.length === 0) return;
  const count = failedOf(statusCounts);
  const where = resultsPath === null ? 'the results' : resultsPath;
  const first = count > failures.length ? `the first of ${count.toLocaleString('en')}` : `all`;
  printLine(`  failing rows, ${first}, by their row in ${where}:`);
  const table = formatTable(
    ['row', 'status', 'message'],
    failures.map(({ row, status, message }) => ({ row, status, message: oneLine(message) })),
  );
  for (const line of table.split('\n').slice(1)) printLine(`    ${line}`);
}

/** What a terminal might take for a command, or break a line at, is not shown. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

function rateText({ statusCounts, seconds }: Pushed): string {
  const rows = rowsOf(statusCounts);
  const rate = seconds > 0 ? Math.round(rows / seconds) : rows;
  return `${rows.toLocaleString('en')} rows in ${seconds.toFixed(1)} s, ${rate.toLocaleString('en')} rows/s`;
}

function rowsOf(counts: StatusCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The same for scripts. */
export function pushedJson(pushed: readonly Pushed[]): unknown {
  return {
    exit_code: exitCodeOf(pushed),
    files: pushed.map((file) => ({
      path: file.path,
      uuid: file.uuid,
      state: file.state,
      dry_run: file.isDryRun,
      rows: rowsOf(file.statusCounts),
      status_counts: file.statusCounts,
      seconds: Math.round(file.seconds * 1000) / 1000,
      problem: file.problem,
      failures: file.failures,
      ...(file.difference !== null && { would_change: file.difference }),
      results: file.resultsPath,
    })),
  };
}
