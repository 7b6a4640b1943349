import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/onhand.js', import.meta.url));

/** What a command that ended left behind. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where commands are run as a user would: in a folder of their own, empty at first. */
export class Workplace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Workplace> {
    return new Workplace(await mkdtemp(join(tmpdir(), 'onhand-cli-')));
  }

  /** The database that commands find there by default. */
  get database(): { readonly url: string; readonly remove: () => Promise<void> } {
    return { url: `sqlite:${this.path('onhand.db')}`, remove: () => this.remove() };
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a command; its output is to be read by the caller. */
  start(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const { ONHAND_DATABASE: _database, ...inherited } = process.env;
    return spawn(process.execPath, [BIN, ...args], {
      cwd: this.folder,
      env: { ...inherited, NO_COLOR: '1', XDG_STATE_HOME: this.path('state'), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Runs a command to its end. */
  async run(
    args: readonly string[],
    given: {
      readonly stdin?: string;
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Ended> {
    const child = this.start(args, given.environment);
    child.stdin?.end(given.stdin ?? '');
    return ended(child);
  }

  /** Runs a command that is to succeed; gives its stdout. */
  async succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`onhand ${args.join(' ')} exited ${code}: ${stderr}`);
    return stdout;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Waits for a command's end, reading all that it says meanwhile. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('its output is not to be had');
  const closed = once(child, 'close');
  const [said, noted] = await Promise.all([text(stdout), text(stderr)]);
  await closed;
  return { code: child.exitCode, stdout: said, stderr: noted };
}
