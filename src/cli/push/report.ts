/** What `onhand push` prints: its progress and the outcome of each file. */
import { Presets, SingleBar } from 'cli-progress';
import { RULE_NAMES } from '../../domain/reading-rules.ts';
import type { CommandContext } from '../context.ts';
import { formatTable } from '../output.ts';
import { optionOf } from './reading-options.ts';
import type { Difference, FailingRow } from './results.ts';
import { PUSH_EXIT, STDIN_PATH } from './options.ts';

export type StatusCounts = Readonly<Record<string, number>>;

export function failedOf(counts: StatusCounts): number {
  return Object.entries(counts).reduce(
    (sum, [status, count]) => (status === '200' ? sum : sum + count),
    0,
  );
}

/** How to answer the questions of a held file. */
export interface PossibleAnswer {
  /** The URL to POST to. */
  readonly confirm: string;
  /** The command line that sends the file again with the answer. */
  readonly command: string;
}

/** The outcome of one file or stream. */
export interface Pushed {
  /** As named on the command line. */
  readonly path: string;
  /** Null if the server rejected the file, and for a stream. */
  readonly uuid: string | null;
  /** The state of the file job: done, refused, failed, canceled or held. */
  readonly state: string;
  readonly isDryRun: boolean;
  readonly statusCounts: StatusCounts;
  /** From the first byte sent to the last result received. */
  readonly seconds: number;
  readonly problem: string | null;
  /** The possible answers to the questions that a held file asks. */
  readonly answers?: readonly PossibleAnswer[];
  /** What to know about how the file was read. */
  readonly notes?: readonly string[];
  /** The columns of the file that were not read. */
  readonly unusedColumns?: readonly string[];
  readonly failures: readonly FailingRow[];
  /** For a dry run only. */
  readonly difference: Difference | null;
  /** Where the results were written; null if nowhere. */
  readonly resultsPath: string | null;
}

/** The exit code of a push: that of the file with the worst outcome. */
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
  '400': 'invalid',
  '404': 'no such SKU',
  '412': 'older than the stored inventory, or not as expected',
  '422': 'ambiguous SKU, or not possible',
  '424': 'not applied because other rows failed',
};

const STATE_TEXTS: Readonly<Record<string, string>> = {
  done: 'done',
  refused: 'rejected, nothing was applied',
  failed: 'failed partway',
  canceled: 'canceled',
  held: 'held back, nothing was applied',
};

/** Prints the outcome of a file as text. */
export function printPushed(context: CommandContext, pushed: Pushed): void {
  const { path, state, isDryRun, statusCounts, problem, resultsPath } = pushed;
  const head = isDryRun ? 'dry run, nothing was applied' : (STATE_TEXTS[state] ?? state);
  context.print(
    `${path === STDIN_PATH ? 'stdin' : path}: ${isDryRun && state !== 'done' ? `dry run, ${state}` : head}`,
  );
  if (problem !== null) context.print(`  ${oneLine(problem)}`);
  printAnswers(context, pushed);
  for (const [status, count] of Object.entries(statusCounts)) {
    const text = isDryRun && status === '200' ? 'would be applied' : (STATUS_TEXTS[status] ?? '');
    context.print(`  ${count.toLocaleString('en').padStart(10)}  ${status} ${text}`.trimEnd());
  }
  printReading(context, pushed);
  printDifference(context, pushed);
  printFailures(context, pushed);
  if (resultsPath !== null) context.print(`  results: ${resultsPath}`);
  context.print(`  ${rateText(pushed)}`);
}

function printAnswers(context: CommandContext, { answers = [] }: Pushed): void {
  if (answers.length === 0) return;
  context.print('  Answer for this file with one of:');
  for (const { confirm } of answers) context.print(`    POST ${confirm}`);
  context.print('  or send it again with the answer; the held file then stays unapplied:');
  for (const { command } of answers) context.print(`    ${command}`);
}

const COLUMNS_SHOWN_MAX = 20;

/** How the file was read, where that is not obvious. */
function printReading(
  context: CommandContext,
  { unusedColumns = [], notes = [], answers = [], problem }: Pushed,
): void {
  if (unusedColumns.length > 0) {
    const shown = unusedColumns.slice(0, COLUMNS_SHOWN_MAX).join(', ');
    const more = unusedColumns.length - COLUMNS_SHOWN_MAX;
    context.print(`  columns not used: ${oneLine(shown)}${more > 0 ? ` and ${more} more` : ''}`);
  }
  for (const note of notes) context.print(`  note: ${oneLine(note)}`);
  if (answers.length > 0) return;
  const told = ` ${[problem ?? '', ...notes].join(' ')}`;
  for (const rule of RULE_NAMES) {
    if (told.includes(` ${rule}=`))
      context.print(`  In this command, ${rule}= is the option ${optionOf(rule)}.`);
  }
}

function printDifference(context: CommandContext, { difference }: Pushed): void {
  if (difference === null) return;
  context.print(`  ${rowsText(difference.changed)} would change inventory`);
  for (const { row, message } of difference.examples)
    context.print(`    ${row}  ${oneLine(message)}`);
}

function printFailures(
  context: CommandContext,
  { failures, statusCounts, resultsPath }: Pushed,
): void {
  if (failures.length === 0) return;
  const count = failedOf(statusCounts);
  const where = resultsPath === null ? 'the results' : resultsPath;
  const first = count > failures.length ? `the first of ${count.toLocaleString('en')}` : `all`;
  context.print(`  failed rows, ${first}, by row number in ${where}:`);
  const table = formatTable(
    ['row', 'status', 'message'],
    failures.map(({ row, status, message }) => ({ row, status, message: oneLine(message) })),
  );
  for (const line of table.split('\n').slice(1)) context.print(`    ${line}`);
}

/** Replaces control characters and line breaks, which could manipulate a terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}

/** A number of rows, such as `1 row`. */
export function rowsText(rows: number): string {
  return `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`;
}

function rateText({ statusCounts, seconds }: Pushed): string {
  const rows = rowsOf(statusCounts);
  const rate = seconds > 0 ? Math.round(rows / seconds) : rows;
  return `${rowsText(rows)} in ${seconds.toFixed(1)} s, ${rate.toLocaleString('en')} rows/s`;
}

function rowsOf(counts: StatusCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The outcome of all files as JSON. */
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
      ...((file.answers ?? []).length > 0 && { answers: file.answers }),
      unused_columns: file.unusedColumns ?? [],
      notes: file.notes ?? [],
      failures: file.failures,
      ...(file.difference !== null && { would_change: file.difference }),
      results: file.resultsPath,
    })),
  };
}

/** The progress of a push. */
export type Progress =
  | { readonly phase: 'sending'; readonly bytes: number; readonly bytesTotal: number }
  | { readonly phase: 'waiting' }
  | {
      readonly phase: 'applying';
      readonly rows: number;
      readonly rowsTotal: number | null;
      readonly failed: number;
    };

const MIB = 1024 * 1024;
/** The interval of progress lines if stderr is not a terminal. */
const NOTE_INTERVAL_MS = 10_000;
/** A rate over a shorter time is not meaningful. */
const RATE_FROM_SECONDS = 0.5;

/**
 * Shows the progress of a push on stderr: on a terminal a bar or a line that is overwritten, elsewhere a
 * line every ten seconds.
 */
export class PushProgress {
  readonly #context: CommandContext;
  readonly #name: string;
  readonly #isQuiet: boolean;
  #phase: Progress['phase'] | undefined;
  #phaseSinceMs = performance.now();
  /** How much was done when the phase started; not 0 if the push was resumed. */
  #phaseFrom = 0;
  #notedAtMs = performance.now();
  #bar: SingleBar | undefined;

  constructor(context: CommandContext, name: string, isQuiet: boolean) {
    this.#context = context;
    this.#name = name;
    this.#isQuiet = isQuiet;
  }

  show(progress: Progress): void {
    if (this.#isQuiet) return;
    if (progress.phase !== this.#phase) this.#begin(progress);
    if (this.#isTerminal) this.#draw(progress);
    else this.#note(progress);
  }

  /** Stops drawing and leaves the bar as it is, so that other lines can follow. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    if (this.#phase !== undefined && this.#isTerminal) this.#clearLine();
    this.#phase = undefined;
  }

  get #isTerminal(): boolean {
    return this.#context.stderr.isTTY === true;
  }

  #clearLine(): void {
    this.#context.stderr.write('\r\u001B[K');
  }

  #begin(progress: Progress): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#phase = progress.phase;
    this.#phaseSinceMs = performance.now();
    [this.#phaseFrom] = shareOf(progress);
  }

  #draw(progress: Progress): void {
    const text = `${this.#name}: ${this.#textOf(progress)}`;
    const [value, total] = shareOf(progress);
    if (total === null) {
      this.#clearLine();
      this.#context.stderr.write(text);
      return;
    }
    if (this.#bar === undefined) {
      const format = '{bar} {percentage} %  {text}  {eta_formatted} left';
      this.#bar = new SingleBar(
        { format, gracefulExit: false, stream: this.#context.stderr },
        Presets.shades_classic,
      );
      this.#bar.start(total, value, { text });
    }
    this.#bar.setTotal(total);
    this.#bar.update(value, { text });
  }

  #note(progress: Progress): void {
    if (performance.now() - this.#notedAtMs < NOTE_INTERVAL_MS) return;
    this.#notedAtMs = performance.now();
    this.#context.note(`${this.#name}: ${this.#textOf(progress)}`);
  }

  #textOf(progress: Progress): string {
    switch (progress.phase) {
      case 'sending': {
        const rate = this.#rateOf(progress.bytes, (bytes) => `${mib(bytes)} MiB/s`);
        return `${mib(progress.bytes)} of ${mib(progress.bytesTotal)} MiB sent${rate}`;
      }
      case 'waiting':
        return 'sent; waiting in the queue';
      case 'applying': {
        const rate = this.#rateOf(progress.rows, (rows) => `${whole(rows)} rows/s`);
        const failed = progress.failed === 0 ? 'none' : whole(progress.failed);
        return `${whole(progress.rows)} rows${rate}, ${failed} failed`;
      }
    }
  }

  /** The rate in this phase, once it is meaningful. */
  #rateOf(done: number, print: (perSecond: number) => string): string {
    const seconds = (performance.now() - this.#phaseSinceMs) / 1000;
    return seconds < RATE_FROM_SECONDS ? '' : `, ${print((done - this.#phaseFrom) / seconds)}`;
  }
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** What is done, and the total if it is known. */
function shareOf(progress: Progress): readonly [number, number | null] {
  if (progress.phase === 'sending') return [progress.bytes, progress.bytesTotal];
  if (progress.phase === 'applying') return [progress.rows, progress.rowsTotal];
  return [0, null];
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
