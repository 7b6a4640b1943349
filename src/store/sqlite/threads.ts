/** Calls to worker threads. SQLite blocks its caller, so it runs in threads of its own. */
import { Worker, parentPort, type MessagePort } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';
import { OnhandError, type ErrorCode } from '../../domain/errors.ts';
import { isFailedSync, unavailable } from './connection.ts';

type Calls<C> = { readonly [K in keyof C]: (argument: never) => unknown };

/** An error serialized between threads, since an `Error` would lose its class. */
export interface Failure {
  readonly failure: string;
  /** The code of an `OnhandError`, `duplicate` if a unique key exists already, `orphan` if a row that it refers to does not, or `bug`. */
  readonly kind: ErrorCode | 'duplicate' | 'orphan' | 'bug';
  readonly retryAfterSeconds?: number;
  readonly stack?: string;
}

/** `A` is the type of the argument; the sender leaves it unknown. */
interface Request<A> {
  readonly id: number;
  /** `start`, `close`, or one of the thread's own calls. */
  readonly name: string;
  readonly argument: A;
}

/** `V` is the type of the result; the sender leaves it unknown. */
type Reply<V> =
  | { readonly id: number; readonly value: V }
  | { readonly id: number; readonly error: Failure }
  | { readonly fatal: string };

/** A unique key exists already. */
export class DuplicateError extends Error {
  override readonly name = 'DuplicateError';
}

/** A row that the statement refers to does not exist. */
export class OrphanError extends Error {
  override readonly name = 'OrphanError';
}

interface Served<C> {
  readonly calls: C;
  readonly close: () => void | Promise<void>;
}

/** The worker's side: handles calls one after another. Others may come before the promise of a call resolves. */
export function serveThread<S, C extends Calls<C>>(start: (settings: S) => Served<C>): void {
  const port = parentPort;
  if (port === null) throw new Error('to be run as a thread');
  const reply = (message: Reply<unknown>): void => port.postMessage(message);
  let served: Served<C> | undefined;
  const handle = (name: string, argument: never): unknown => {
    if (name === 'start') {
      served = start(argument);
      return undefined;
    }
    if (served === undefined) throw new Error('not started');
    if (name !== 'close') return callByName(served.calls, name, argument);
    const { close } = served;
    served = undefined;
    return close();
  };
  port.on('message', ({ id, name, argument }: Request<never>) => {
    const fail = (error: unknown): void => {
      if (isFailedSync(error)) reply({ fatal: 'a sync of the database to the disk failed' });
      reply({ id, error: asFailure(error) });
    };
    try {
      const value = handle(name, argument);
      if (value instanceof Promise) value.then((later) => reply({ id, value: later }), fail);
      else reply({ id, value });
    } catch (error) {
      fail(error);
    }
  });
}

function callByName<C extends Calls<C>>(calls: C, name: string, argument: unknown): unknown {
  const call: unknown = Reflect.get(calls, name);
  if (typeof call !== 'function') throw new Error(`there is no call ${name}`);
  return Reflect.apply(call, calls, [argument]);
}

export function asFailure(error: unknown): Failure {
  const known = error instanceof OnhandError ? error : unavailable(error);
  if (known !== undefined) {
    return {
      failure: known.message,
      kind: known.code,
      ...(known.retryAfterSeconds === undefined
        ? {}
        : { retryAfterSeconds: known.retryAfterSeconds }),
    };
  }
  return {
    failure: error instanceof Error ? error.message : String(error),
    kind: kindOf(error),
    ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
  };
}

function kindOf(error: unknown): 'duplicate' | 'orphan' | 'bug' {
  if (!(error instanceof Sqlite.SqliteError)) return 'bug';
  if (error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return 'orphan';
  return /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(error.code) ? 'duplicate' : 'bug';
}

export function asError({ kind, failure, retryAfterSeconds, stack }: Failure): Error {
  if (kind === 'duplicate') return new DuplicateError(failure);
  if (kind === 'orphan') return new OrphanError(failure);
  if (kind !== 'bug') {
    return new OnhandError(
      kind,
      failure,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
  const error = new Error(failure);
  if (stack !== undefined) error.stack = stack;
  return error;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The young generation of each worker's heap. With the runtime's default, each worker held 100 MiB of
 * garbage and was no faster.
 */
const YOUNG_GENERATION_MIB = 24;

/**
 * Threads whose store is closed, by the file that they run. The next store that this process opens takes them
 * over, because loading a thread takes ten times as long as opening a database in it. An idle thread has closed
 * its database and dropped its caches, and does not keep the process alive.
 */
const idleWorkers = new Map<string, Worker[]>();

function keepIdle(file: string, worker: Worker): void {
  removeListeners(worker);
  const idle = idleWorkers.get(file) ?? [];
  idleWorkers.set(file, idle);
  idle.push(worker);
  worker.unref();
  // A thread that ends while it is idle harms no store.
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
  });
}

function takeIdle(file: string): Worker | undefined {
  const worker = idleWorkers.get(file)?.pop();
  if (worker !== undefined) removeListeners(worker);
  return worker;
}

function removeListeners(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}

/** The caller's side of a worker thread. */
export class Thread<C extends Calls<C>> {
  readonly #worker: Worker;
  readonly #file: string;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #isStarted = false;
  #closing: Promise<void> | undefined;
  #gone: Error | undefined;

  private constructor(file: string, onFatal: (reason: string) => void) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB };
    const worker = takeIdle(file) ?? new Worker(new URL(file), { resourceLimits });
    worker.ref();
    this.#worker = worker;
    this.#file = file;
    worker.on('message', (reply: Reply<never>) => {
      if ('fatal' in reply) onFatal(reply.fatal);
      else this.#settle(reply);
    });
    worker.on('error', (error) => {
      this.#rejectAll(error instanceof Error ? error : new Error(String(error)));
      onFatal(`a database thread failed: ${String(error)}`);
    });
    worker.on('exit', () => this.#rejectAll(closedError()));
  }

  /**
   * Loads a worker thread, which does nothing before `start`.
   *
   * @param url of the worker's file without its extension, which differs between source and build
   * @param onFatal called after a failure that no caller can handle
   */
  static load<C extends Calls<C>>(url: URL, onFatal: (reason: string) => void): Thread<C> {
    const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    return new Thread<C>(`${url.href}${ending}`, onFatal);
  }

  /**
   * Resolves when the thread accepts calls. Close it even if it fails to start.
   *
   * @param ports that the settings contain and the thread takes over
   */
  async start(settings: object, ports: readonly MessagePort[] = []): Promise<void> {
    await this.#send('start', settings, ports);
    this.#isStarted = true;
  }

  /** Calls run one after another, in order. */
  call<K extends keyof C & string>(
    name: K,
    argument: Parameters<C[K]>[0],
  ): Promise<Awaited<ReturnType<C[K]>>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    return this.#send(name, argument);
  }

  /** How long the thread has worked, in ms; also for stores that it served before. */
  get activeMs(): number {
    return this.#worker.performance.eventLoopUtilization().active;
  }

  /** Finishes pending calls, then ends the thread; a thread that has not started ends immediately. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#gone !== undefined) return;
    if (!this.#isStarted) {
      await this.#worker.terminate();
      return;
    }
    const closed = this.#send('close', undefined);
    this.#gone = closedError();
    try {
      await closed;
    } catch (error) {
      // Its state is unknown: it must not serve another store, or keep the process alive.
      await this.#worker.terminate();
      throw error;
    }
    keepIdle(this.#file, this.#worker);
  }

  #send<T>(name: string, argument: unknown, ports: readonly MessagePort[] = []): Promise<T> {
    this.#lastId += 1;
    const request: Request<unknown> = { id: this.#lastId, name, argument };
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      this.#worker.postMessage(request, ports);
    });
  }

  #settle(reply: Exclude<Reply<never>, { fatal: string }>): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(asError(reply.error));
    else pending?.resolve(reply.value);
  }

  #rejectAll(error: Error): void {
    this.#gone ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** A thread that is started when it is needed first. */
export class LazyThread<C extends Calls<C>> {
  readonly #start: () => Promise<Thread<C>>;
  #started: Promise<Thread<C>> | undefined;
  #thread: Thread<C> | undefined;
  #isClosed = false;

  /** @param start called again if it failed; it closes a thread that fails to start */
  constructor(start: () => Promise<Thread<C>>) {
    this.#start = start;
  }

  /** Rejects with `store_unavailable` once it is closed. */
  async started(): Promise<Thread<C>> {
    if (this.#isClosed) throw closedError();
    const started = (this.#started ??= this.#start());
    try {
      this.#thread = await started;
      return this.#thread;
    } catch (error) {
      if (this.#started === started) this.#started = undefined;
      throw error;
    }
  }

  /** How long it has worked, in ms; 0 before it is started. */
  get activeMs(): number {
    return this.#thread?.activeMs ?? 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const thread = await this.#started?.catch(() => undefined);
    await thread?.close();
  }
}

function closedError(): OnhandError {
  return new OnhandError('store_unavailable', 'The database is closed.');
}
