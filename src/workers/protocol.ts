/** The messages between the main thread and a worker thread. One task runs in a worker at a time. */
import { OnhandError, type ErrorCode } from '../domain/errors.ts';

/** An error serialized between threads, since an `Error` would lose its class. */
export interface Failure {
  readonly message: string;
  /** The code of an `OnhandError`; null for any other error. */
  readonly code: ErrorCode | null;
  readonly stack: string | undefined;
}

/** To the worker: run a task, the reply to a call of the task's host, or stop the task. */
export type ToWorker<Argument> =
  | { readonly kind: 'run'; readonly name: string; readonly argument: Argument }
  | { readonly kind: 'reply'; readonly call: number; readonly value: Argument }
  | { readonly kind: 'refusal'; readonly call: number; readonly failure: Failure }
  | { readonly kind: 'abort' };

/** To the main thread. `progress` says that the task gets on while it calls nothing. */
export type FromWorker<Value> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress' }
  | {
      readonly kind: 'call';
      readonly call: number;
      readonly name: string;
      readonly argument: Value;
    }
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'failed'; readonly failure: Failure };

export function asFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), code: null, stack: undefined };
  const code = error instanceof OnhandError ? error.code : null;
  return { message: error.message, code, stack: error.stack };
}

export function asError({ message, code, stack }: Failure): Error {
  if (code !== null) return new OnhandError(code, message);
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Calls a method by its name. Throws if there is none. */
export function callByName(target: object, name: string, given: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(target, name);
  if (typeof method !== 'function') throw new Error(`there is no call ${name}`);
  return Reflect.apply(method, target, given);
}

/** The buffers of typed arrays in a message, which are moved to the other thread instead of copied. */
export function buffersIn(columns: readonly (ArrayBufferView | null)[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const column of columns) {
    if (column !== null && column.buffer instanceof ArrayBuffer) buffers.add(column.buffer);
  }
  return [...buffers];
}
