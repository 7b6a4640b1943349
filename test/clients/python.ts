import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { at, textAt } from '../http/answers.ts';
import { ROOT } from '../house/sources.ts';

/** The oldest Python that the client supports. */
const VERSION_CHECK = 'import sys; sys.exit(sys.version_info < (3, 9))';

/** Whether there is a Python that runs the client. `ONHAND_TEST_PYTHON` names another than `python3`. */
export const PYTHON = process.env['ONHAND_TEST_PYTHON'] ?? 'python3';
export const PYTHON_CLIENT = join(ROOT, 'clients', 'python');
export const PYTHON_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  PYTHONPATH: PYTHON_CLIENT,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONIOENCODING: 'utf-8',
};

export function isPythonUsable(): boolean {
  try {
    execFileSync(PYTHON, ['-c', VERSION_CHECK], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A Python process that runs the programs of `programs.py`, one after another. */
export class PythonPrograms {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #rows: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor() {
    this.#process = spawn(PYTHON, ['-W', 'error', join(ROOT, 'test', 'clients', 'programs.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: PYTHON_ENVIRONMENT,
    });
    this.#reader = createInterface(this.#process.stdout);
    this.#rows = this.#reader[Symbol.asyncIterator]();
  }

  /** Returns what the program returns; rejects with its traceback if it raises. */
  async run(program: string, input: object = {}, isAsync = false): Promise<unknown> {
    const order = { program, input, is_async: isAsync };
    this.#process.stdin.write(`${JSON.stringify(order)}\n`);
    const row = await this.#rows.next();
    if (row.done === true) throw new Error('the Python process has ended');
    const answer: unknown = JSON.parse(row.value);
    const output = at(answer, 'output');
    if (output === undefined) throw new Error(textAt(answer, 'error'));
    return output;
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exited;
  }
}
