/** The row numbers of a file, kept with its job, so that results are known by number without reading the file again. */
import type { FileFindings, RowRun } from '../domain/files.ts';
import type { FileRow } from '../formats/format.ts';

/** Most runs that are kept. A file whose rows have more of them is read again for its results. */
const RUNS_MAX = 1000;

/** Notes the numbers of rows as they are read. */
export class RowNumbers {
  readonly #runs: { first: number; count: number; step: number }[] = [];
  #hasWarnings = false;
  #isFull = false;

  async *of(rows: AsyncIterable<readonly FileRow[]>): AsyncGenerator<readonly FileRow[]> {
    for await (const some of rows) {
      for (const row of some) this.#add(row);
      yield some;
    }
  }

  #add({ row, warnings = [] }: FileRow): void {
    this.#hasWarnings ||= warnings.length > 0;
    if (this.#isFull) return;
    const run = this.#runs.at(-1);
    if (run?.count === 1) run.step = row - run.first;
    if (run !== undefined && row === run.first + run.count * run.step) run.count += 1;
    else if (this.#runs.length < RUNS_MAX) this.#runs.push({ first: row, count: 1, step: 0 });
    else this.#isFull = true;
  }

  /** What was noted of all rows. */
  found(): Pick<FileFindings, 'rowRuns' | 'hasWarnings'> {
    if (this.#isFull) return {};
    const rowRuns = this.#runs.map(({ first, count, step }): RowRun => [first, count, step]);
    return { rowRuns, hasWarnings: this.#hasWarnings };
  }
}

/** The number of each row by its index in the file, from 0. */
export class RowNumberList {
  readonly #runs: readonly RowRun[];
  /** The index of the first row of each run. */
  readonly #starts: readonly number[];
  readonly count: number;

  constructor(runs: readonly RowRun[]) {
    this.#runs = runs;
    const starts: number[] = [];
    let count = 0;
    for (const [, rows] of runs) {
      starts.push(count);
      count += rows;
    }
    this.#starts = starts;
    this.count = count;
  }

  /** 0 if there is no such row. */
  at(index: number): number {
    let [low, high] = [0, this.#runs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    const run = this.#runs[low - 1];
    const start = this.#starts[low - 1] ?? 0;
    return run === undefined || index >= this.count ? 0 : run[0] + (index - start) * run[2];
  }
}
