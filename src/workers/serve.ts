import { parentPort } from 'node:worker_threads';
import { asError, asFailure, callByName, type FromWorker, type ToWorker } from './protocol.ts';

/** What a task can ask of the main thread beside its host. */
export interface TaskContext {
  /** Aborted when the task is to stop. A task that does not stop soon is ended with its thread. */
  readonly signal: AbortSignal;
  /** Says that the task gets on. Without progress and without calls, it is stopped after a while. */
  readonly progress: () => void;
}

/** The buffers to move with a message, instead of copying them. */
const moved = new WeakMap<object, ArrayBuffer[]>();

/** Marks the buffers of a call's argument, or of a result, that are moved to the main thread. */
export function move<Value extends object>(value: Value, buffers: ArrayBuffer[]): Value {
  moved.set(value, buffers);
  return value;
}

function buffersOf(value: unknown): ArrayBuffer[] {
  return typeof value === 'object' && value !== null ? (moved.get(value) ?? []) : [];
}

/**
 * A task: it runs in a worker thread, calls its host on the main thread, and waits for the replies. Waiting
 * is its back-pressure: what it sends is a call, and the main thread replies when it wants more.
 */
export type Task<Argument = never, Host = never, Result = unknown> = (
  argument: Argument,
  host: Host,
  context: TaskContext,
) => Promise<Result>;

export type Tasks<T> = { readonly [Name in keyof T]: Task };

/** How often progress is reported at most. */
const PROGRESS_EVERY_MS = 500;

/** The worker's side: runs one task after another. */
export function serveTasks<T extends Tasks<T>>(tasks: T): void {
  const port = parentPort;
  if (port === null) throw new Error('to be run as a thread');
  const send = (message: FromWorker<unknown>, buffers: ArrayBuffer[] = []): void =>
    port.postMessage(message, buffers);
  /** The calls that wait for a reply. Their numbers are never used twice. */
  const pending = new Map<number, PromiseWithResolvers<never>>();
  let lastCall = 0;
  let abort = new AbortController();

  const call = (name: string, argument: unknown): Promise<never> => {
    lastCall += 1;
    const reply = Promise.withResolvers<never>();
    pending.set(lastCall, reply);
    send({ kind: 'call', call: lastCall, name, argument }, buffersOf(argument));
    return reply.promise;
  };
  const host = new Proxy(
    {},
    { get: (_, name) => (argument: unknown) => call(String(name), argument) },
  );

  const run = async (name: string, argument: unknown): Promise<void> => {
    abort = new AbortController();
    let reportedMs = performance.now();
    const progress = (): void => {
      const nowMs = performance.now();
      if (nowMs - reportedMs < PROGRESS_EVERY_MS) return;
      reportedMs = nowMs;
      send({ kind: 'progress' });
    };
    const context: TaskContext = { signal: abort.signal, progress };
    try {
      const value: unknown = await callByName(tasks, name, [argument, host, context]);
      send({ kind: 'done', value }, buffersOf(value));
    } catch (error) {
      send({ kind: 'failed', failure: asFailure(error) });
    } finally {
      // The main thread does not reply to a task that has ended.
      pending.clear();
    }
  };

  const settle = (number: number): PromiseWithResolvers<never> | undefined => {
    const reply = pending.get(number);
    pending.delete(number);
    return reply;
  };

  port.on('message', (message: ToWorker<never>) => {
    switch (message.kind) {
      case 'run':
        void run(message.name, message.argument);
        return;
      case 'reply':
        settle(message.call)?.resolve(message.value);
        return;
      case 'refusal':
        settle(message.call)?.reject(asError(message.failure));
        return;
      case 'abort':
        abort.abort();
    }
  });
  send({ kind: 'ready' });
}
