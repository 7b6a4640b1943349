import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('oracle.py', import.meta.url));

/** Python as a second opinion. It is started when it is first asked; without Python, every answer is null. */
export class Python {
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined;
  #reader: Interface | undefined;
  #rows: AsyncIterator<string> | undefined;
  #isMissing = false;

  /** One answer per question; null where Python has none. */
  async ask(about: string, questions: readonly unknown[]): Promise<readonly unknown[]> {
    this.#start();
    const nothing = questions.map(() => null);
    if (this.#child === undefined || this.#rows === undefined || this.#isMissing) return nothing;
    this.#child.stdin.write(`${JSON.stringify({ about, questions })}\n`);
    const row = await this.#rows.next();
    if (row.done === true) {
      if (!this.#isMissing) throw new Error('the Python process has ended');
      return nothing;
    }
    const answers: unknown = JSON.parse(row.value);
    if (!Array.isArray(answers)) throw new Error('the answers are no array');
    return Array.from<unknown>(answers);
  }

  #start(): void {
    if (this.#child !== undefined) return;
    this.#child = spawn('python3', [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', () => (this.#isMissing = true));
    this.#child.stdin.on('error', () => undefined);
    this.#reader = createInterface(this.#child.stdout);
    this.#rows = this.#reader[Symbol.asyncIterator]();
  }

  close(): Promise<void> {
    this.#child?.stdin.end();
    this.#reader?.close();
    return Promise.resolve();
  }
}
