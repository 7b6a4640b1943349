import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, serverUser } from '../durability/postgres-process.ts';
import type { TestDatabase } from '../store/fixtures.ts';

export const isPgbouncerInstalled = spawnSync('pgbouncer', ['--version']).status === 0;

/** So few that clients share connections. */
const SERVER_CONNECTIONS = 4;

/** A pgbouncer in transaction mode in front of all databases of a server. */
export class Pgbouncer {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#child = child;
  }

  /** @param url of any database of the server, with the user and password for all of them */
  static async start(url: string): Promise<Pgbouncer> {
    const { port: serverPort, username, password } = new URL(url);
    const folder = await mkdtemp(join(tmpdir(), 'onhand-bouncer-'));
    const port = await freePort();
    const users = join(folder, 'users');
    const configuration = join(folder, 'pgbouncer.ini');
    await writeFile(users, `"${username}" "${decodeURIComponent(password)}"\n`);
    await writeFile(
      configuration,
      `[databases]
* = host=127.0.0.1 port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS}
max_client_conn = 500
server_login_retry = 1
`,
    );
    // pgbouncer does not run as root, so it runs as the user of the database server.
    const owner = serverUser();
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid);
    const child = spawn('pgbouncer', [configuration], {
      ...owner,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    process.on('exit', () => child.kill('SIGKILL'));
    const bouncer = new Pgbouncer(folder, port, child);
    await bouncer.#ready();
    return bouncer;
  }

  async #ready(): Promise<void> {
    const { stderr } = this.#child;
    if (stderr === null) throw new Error('pgbouncer has no standard error');
    const output: string[] = [];
    return new Promise((resolve, reject) => {
      createInterface({ input: stderr }).on('line', (line) => {
        output.push(line);
        if (line.includes('process up')) resolve();
      });
      this.#child.on('error', reject);
      this.#child.on('close', () => {
        reject(new Error(`pgbouncer does not start: ${output.join('\n')}`));
      });
    });
  }

  /** A database behind this pgbouncer. */
  before(database: TestDatabase): TestDatabase {
    const url = new URL(database.url);
    url.port = String(this.port);
    return { ...database, url: url.href };
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    await rm(this.#folder, { recursive: true, force: true });
  }
}
