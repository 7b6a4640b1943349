import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('socket_holder.py', import.meta.url));
const BIN = fileURLToPath(new URL('../../bin/onhand.js', import.meta.url));

/** Listens on a port, and passes the socket to one `onhand serve` after another. */
export class SocketHolder {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, port: number) {
    this.#child = child;
    this.#lines = lines;
    this.port = port;
  }

  static async listen(
    database: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<SocketHolder> {
    const serve = [process.execPath, BIN, 'serve', '--database', database];
    const child = spawn('python3', [PROGRAM, ...serve], {
      env: { ...process.env, ONHAND_LOG_LEVEL: 'silent', ...environment },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value } = await lines.next();
    return new SocketHolder(child, lines, Number(value));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the next server. Connections wait until it accepts them. */
  start(): void {
    this.#child.stdin?.write('start\n');
  }

  /** Sends SIGTERM to the server, and returns its exit code when it has ended. */
  async stop(): Promise<number> {
    this.#child.stdin?.write('stop\n');
    const ended = await this.#lines.next();
    return Number(/^ended (-?\d+)$/.exec(String(ended.value))?.[1]);
  }

  /** Closes the socket. A server that still runs is killed. */
  close(): void {
    this.#child.stdin?.end();
  }
}
