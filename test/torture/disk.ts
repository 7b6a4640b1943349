/** The disk that loses power (`disk.c`): compiles it, loads it into this process, and controls it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';

/** What a power cut leaves of the writes that were not synced. `process`: the power stayed, only processes ended. */
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

/** There is no C compiler, or no header of SQLite. */
export class NoCompilerError extends Error {}

const SOURCE = fileURLToPath(new URL('disk.c', import.meta.url));
const HEADERS = fileURLToPath(
  new URL('../../node_modules/better-sqlite3/deps/sqlite3', import.meta.url),
);

/** Compiles the extension unless that was done before; returns its path. Throws `NoCompilerError`. */
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
      `The torture needs a C compiler named cc, such as gcc or clang, which is not here or failed. ${because}`,
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

  /** The power fails at this write, sync, truncation or deletion from now. */
  cutAfter(operations: number): void {
    this.#call('cut', operations);
  }

  /** A process ends at this operation of its own; 0 is now. */
  killAfter(process: number, operations: number): void {
    this.#call('kill', process, operations);
  }

  fault(kind: Fault, after: number, times: number): void {
    this.#call('fault', kind, after, times);
  }

  /** No operation fails any more; the power and processes may. */
  heal(): void {
    this.#call('heal');
  }

  /** Forgets everything that is to go wrong. */
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
