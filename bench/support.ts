/** Child processes, statistics and progress output. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Runs a bench module in a child process, so that the load does not share the event loop. */
export function forkModule(moduleUrl: string): ChildProcess {
  return fork(fileURLToPath(moduleUrl), { serialization: 'advanced' });
}

/** Sends a plan to a child process that runs a module with `executePlans`. Resolves with its result. */
export async function runInChild<R>(moduleUrl: string, plan: object): Promise<R> {
  const child = forkModule(moduleUrl);
  child.send(plan);
  const result = await nextMessage<R>(child);
  child.disconnect();
  await once(child, 'exit');
  return result;
}

export function nextMessage<R>(child: ChildProcess): Promise<R> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: R) => resolve(message));
    child.once('exit', (code) => reject(new Error(`the child process exited with ${code}`)));
  });
}

/** In the child process of a module: executes the plan that the parent sends. */
export function executePlans<P>(moduleUrl: string, execute: (plan: P) => Promise<object>): void {
  if (!isChild(moduleUrl)) return;
  process.once('message', (plan: P) => {
    void execute(plan).then((result) => process.send?.(result));
  });
}

/** Whether this process was forked to run the module. */
export function isChild(moduleUrl: string): boolean {
  return process.send !== undefined && process.argv[1] === fileURLToPath(moduleUrl);
}

/** The q-quantile of the values; NaN if there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Replaces the current line of the terminal. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
