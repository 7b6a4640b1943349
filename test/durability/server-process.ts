import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestDatabase } from '../store/fixtures.ts';

const BIN = fileURLToPath(new URL('../../bin/onhand.js', import.meta.url));

/** Linux counts in these, on every architecture that Node supports. */
const CLOCK_TICKS_PER_SECOND = 100;

/** A server in a process of its own, so that it can be killed. */
export class ServerProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Starts `onhand serve`, silent unless told otherwise; resolves when it has printed its address. */
  static async start(
    database: TestDatabase,
    environment: Record<string, string> = {},
  ): Promise<ServerProcess> {
    const child = spawn(
      process.execPath,
      [BIN, 'serve', '--port', '0', '--database', database.url],
      {
        env: { ...process.env, ONHAND_LOG_LEVEL: 'silent', ...environment },
        stdio: ['ignore', 'inherit', 'pipe'],
      },
    );
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const url = /at (http:\S+)/.exec(line)?.[1];
      if (url !== undefined) return new ServerProcess(child, url);
    }
    throw new Error(`the server did not start: ${said.join('\n')}`);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Its peak resident memory so far, or since `resetPeak`, in MiB. */
  residentMib(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(status)?.[1]) / 1024;
  }

  /** The processor time that it has used, with all threads, in ms. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    // The second field is the name of the program, in parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * (1000 / CLOCK_TICKS_PER_SECOND);
  }

  /** Makes the peak count from now on. */
  resetPeak(): void {
    writeFileSync(`/proc/${this.#child.pid}/clear_refs`, '5');
  }

  /** `kill -9`: no handler runs, and nothing is flushed. */
  async kill(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null)
      throw new Error(`the server had ended by itself: ${signalCode ?? exitCode}`);
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  /** Stops it with SIGTERM; returns its exit code. */
  async stop(): Promise<number | null> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
    return this.#child.exitCode;
  }
}
