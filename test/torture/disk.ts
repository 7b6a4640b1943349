/** The disk that loses power (`disk.c`): compiles it, loads it into this process, and controls it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';

/** What remains of unsynced writes after a power cut. `process`: the power stays on; only the processes end. */
export const RESTARTS = [
  'process',
  'nothing',
  'everything',
  'writes',
  'sectors',
  'earliest',
  'latest',
  'garbage',
] as const;
export type Restart = (typeof RESTARTS)[number];

export const FAULTS = ['read', 'write', 'full', 'sync', 'slow'] as const;
export type Fault = (typeof FAULTS)[number];

/** There is no C compiler, or SQLite's header file is missing. */
export class NoCompilerError extends Error {}

const SOURCE = fileURLToPath(new URL('disk.c', import.meta.url));
const HEADERS = fileURLToPath(
  new URL('../../node_modules/better-sqlite3/deps/sqlite3', import.meta.url),
);

/** Returns the path of the extension, which it compiles unless that was done earlier. Throws `NoCompilerError`. */
export function compileDisk(): string {
  const hash = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 16);
  const library = join(tmpdir(), `disk-${hash}`, 'disk.so');
  if (existsSync(library)) return library;
  mkdirSync(dirname(library), { recursive: true });
  const made = `${library}.${process.pid}`;
  const options = ['-O2', '-shared', '-fPIC', `-I${HEADERS}`, '-o', made, SOURCE];
  try {
    execFileSync('cc', options, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    throw new NoCompilerError(
      `The torture needs a C compiler named cc, such as gcc or clang. It is missing, or it failed. ${because}`,
    );
  }
  renameSync(made, library);
  return library;
}

/** Controls the disk of this process. Once it exists, every SQLite connection of the process uses that disk. */
export class Disk {
  readonly #control: Sqlite.Database;

  constructor(library: string) {
    this.#control = new Sqlite(':memory:');
    // The name of a library begins with that of its entry point.
    this.#control.loadExtension(library);
  }

  #call(call: string, ...values: readonly (number | string)[]): number {
    const marks = values.map(() => '?').join(', ');
    return (
      this.#control
        .prepare<unknown[], [number]>(`SELECT disk_${call}(${marks})`)
        .raw()
        .get(...values)?.[0] ?? 0
    );
  }

  /** Empties the disk. */
  reset(seed: number): void {
    this.#call('reset', seed);
  }

  /** Connections that are opened from now on belong to this process, from 1. */
  actAs(process: number): void {
    this.#call('process', process);
  }

  /** Schedules a power cut at the n-th write, sync, truncation or deletion from now; 0 is never. */
  cutAfter(operations: number): void {
    this.#call('cut', operations);
  }

  /** Ends a process at the n-th such operation of its own; 0 is now, and -1 is before its next sync. */
  killAfter(process: number, operations: number): void {
    this.#call('kill', process, operations);
  }

  fault(kind: Fault, after: number, times: number): void {
    this.#call('fault', kind, after, times);
  }

  /** Cancels failing operations, but no power cut or kill. */
  heal(): void {
    this.#call('heal');
  }

  /** Cancels failing operations, power cuts and kills. */
  calm(): void {
    this.#call('calm');
  }

  restart(mode: Restart): void {
    this.#call('restart', RESTARTS.indexOf(mode));
  }

  get hasPower(): boolean {
    return this.#call('state', 'power') === 1;
  }

  isDead(process: number): boolean {
    return this.#call('dead', process) === 1;
  }

  get operations(): number {
    return this.#call('state', 'operations');
  }
}
