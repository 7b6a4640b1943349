import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { CommandContext } from '../../src/cli/context.ts';
import { runProgram } from '../../src/cli/program.ts';

const BIN = fileURLToPath(new URL('../../bin/onhand.js', import.meta.url));

/** The outcome of a command. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The configuration file in the default place; by default there is none. */
  readonly configurationFile?: string;
}

/** Runs commands in a directory of their own, empty at first. */
export class Workplace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Workplace> {
    // On some systems the temporary directory is a symbolic link, which `process.cwd()` resolves.
    return new Workplace(await realpath(await mkdtemp(join(tmpdir(), 'onhand-cli-'))));
  }

  /** The database that commands use there by default. */
  get database(): { readonly url: string; readonly remove: () => Promise<void> } {
    return { url: `sqlite:${this.path('onhand.db')}`, remove: () => this.remove() };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a command in a process of its own; the caller reads its output. */
  start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const { ONHAND_DATABASE: _database, ...inherited } = process.env;
    return spawn(process.execPath, [BIN, ...args], {
      cwd: this.folder,
      env: { ...inherited, NO_COLOR: '1', XDG_STATE_HOME: this.path('state'), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Runs a command to its end in a process of its own, where the process is what is tested. */
  async runProcess(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const child = this.start(args, options.environment);
    child.stdin?.end(options.stdin ?? '');
    return ended(child);
  }

  /** Runs a command to its end in this process. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const [stdout, stderr] = [new Captured(), new Captured()];
    const stdin = Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)], {
      objectMode: false,
    });
    const environment = { XDG_STATE_HOME: this.path('state'), ...options.environment };
    const file = options.configurationFile ?? this.path('no-configuration.toml');
    const context = new CommandContext({ stdin, stdout, stderr }, environment, file);
    const code = await inDirectory(this.folder, () =>
      runProgram(['node', 'onhand', ...args], context),
    );
    return { code, stdout: stdout.text, stderr: stderr.text };
  }

  /** Runs a command that must succeed; returns its stdout. */
  async succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`onhand ${args.join(' ')} exited ${code}: ${stderr}`);
    return stdout;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

class Captured extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}

let commandsRunning = 0;

/** Changes this process's working directory while commands run; at the same time in one only. */
async function inDirectory<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const home = fileURLToPath(new URL('../..', import.meta.url));
  if (commandsRunning > 0 && process.cwd() !== folder) {
    throw new Error('commands of two workplaces cannot run at the same time');
  }
  process.chdir(folder);
  commandsRunning += 1;
  try {
    return await work();
  } finally {
    commandsRunning -= 1;
    if (commandsRunning === 0) process.chdir(home);
  }
}

/** Waits for a process to end, and reads its output meanwhile. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the process has no output streams');
  const closed = once(child, 'close');
  const [printed, noted] = await Promise.all([text(stdout), text(stderr)]);
  await closed;
  return { code: child.exitCode, stdout: printed, stderr: noted };
}
