import { Worker } from 'node:worker_threads';
import { OnhandError } from '../domain/errors.ts';
import { asError, asFailure, callByName, type FromWorker, type ToWorker } from './protocol.ts';
import type { Task, Tasks } from './serve.ts';

/** A worker thread ended, perhaps because of an earlier task's leftovers: the task may succeed in another one. */
export class WorkerEnded extends Error {
  override readonly name = 'WorkerEnded';
}

/** What tasks may take; each is a setting of `config.ts`. */
export interface WorkerBudget {
  /** How long a task may work without progress, in ms, while it waits for nothing. */
  readonly workerStallMs: number;
  /** The heap of a worker, in MiB. */
  readonly workerHeapMib: number;
}

interface PoolOptions {
  /** The program of the workers. */
  readonly program: URL;
  /** Most tasks that run at the same time. */
  readonly size: number;
  readonly budget: WorkerBudget;
}

interface RunOptions<Host> {
  /** For whom: organizations take turns. */
  readonly organizationId: number;
  /** Answers the calls of the task. */
  readonly host: Host;
  /** Stops the task, also while it waits for its turn. */
  readonly signal?: AbortSignal;
  /** Whether a task that was stopped still has a result, and takes as long as it needs for it. */
  readonly endsItself?: boolean;
  readonly buffers?: readonly ArrayBuffer[];
}

type ArgumentOf<T> = T extends Task<infer Argument> ? Argument : never;
type HostOf<T> = T extends (argument: never, host: infer Host, context: never) => unknown
  ? Host
  : never;
type ResultOf<T> = T extends (...given: never) => Promise<infer Result> ? Result : never;

interface Turn {
  readonly organizationId: number;
  readonly begin: () => void;
}

/**
 * A pool of worker threads, each of which runs one task at a time. A task that exceeds its budget of time or
 * memory is ended together with its thread, and rejects with `too_costly`; other tasks and the main thread
 * are not affected.
 */
export class WorkerPool<T extends Tasks<T>> {
  readonly #options: PoolOptions;
  readonly #closing = new AbortController();
  readonly #waiting: Turn[] = [];
  /** By organization, with the number of its tasks that run. */
  readonly #running = new Map<number, number>();
  #runningCount = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /**
   * Runs a task when it is its turn. Rejects with the task's error, with `too_costly` if it exceeds its
   * budget, with `server_stopping` if the pool is closed, with the signal's reason if it is aborted, and with
   * `WorkerEnded` if its thread ends.
   */
  async run<Name extends keyof T & string>(
    name: Name,
    argument: ArgumentOf<T[Name]>,
    {
      organizationId,
      host,
      signal,
      endsItself = false,
      buffers = [],
    }: RunOptions<HostOf<T[Name]> & object>,
  ): Promise<ResultOf<T[Name]>> {
    const closing = this.#closing.signal;
    const stop = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    await this.#turn(organizationId, stop);
    try {
      const { program, budget } = this.#options;
      const worker = takeWorker(program, budget.workerHeapMib);
      const run = new Run<ResultOf<T[Name]>>({ worker, host, budget, stop, endsItself });
      return await run.run({ kind: 'run', name, argument }, [...buffers]);
    } finally {
      this.#release(organizationId);
    }
  }

  /** How many tasks run, of how many that may run at the same time. */
  usage(): { readonly used: number; readonly limit: number } {
    return { used: this.#runningCount, limit: this.#options.size };
  }

  /** Stops all tasks, and rejects every further one. */
  close(): void {
    this.#closing.abort(
      new OnhandError('server_stopping', 'The server is shutting down; send the request again.'),
    );
  }

  /** Resolves when the organization may run one more task. */
  async #turn(organizationId: number, stop: AbortSignal): Promise<void> {
    stop.throwIfAborted();
    if (this.#waiting.length === 0 && this.#mayRun(organizationId))
      return this.#occupy(organizationId);
    await new Promise<void>((resolve, reject) => {
      const abandon = (): void => {
        const place = this.#waiting.indexOf(turn);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(stop.reason);
      };
      const turn: Turn = {
        organizationId,
        begin: () => {
          stop.removeEventListener('abort', abandon);
          resolve();
        },
      };
      stop.addEventListener('abort', abandon, { once: true });
      this.#waiting.push(turn);
      this.#beginNext();
    });
  }

  /** One worker is reserved for the others: no organization can take all of them. */
  #mayRun(organizationId: number): boolean {
    const { size } = this.#options;
    const own = this.#running.get(organizationId) ?? 0;
    return this.#runningCount < size && own < Math.max(1, size - 1);
  }

  #occupy(organizationId: number): void {
    this.#runningCount += 1;
    this.#running.set(organizationId, (this.#running.get(organizationId) ?? 0) + 1);
  }

  #release(organizationId: number): void {
    this.#runningCount -= 1;
    const left = (this.#running.get(organizationId) ?? 0) - 1;
    if (left > 0) this.#running.set(organizationId, left);
    else this.#running.delete(organizationId);
    this.#beginNext();
  }

  /** Gives free workers to the organizations that have the fewest, the longest waiting first. */
  #beginNext(): void {
    for (;;) {
      let next: Turn | undefined;
      let fewest = Number.POSITIVE_INFINITY;
      for (const turn of this.#waiting) {
        const own = this.#running.get(turn.organizationId) ?? 0;
        if (own < fewest && this.#mayRun(turn.organizationId)) [next, fewest] = [turn, own];
      }
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#occupy(next.organizationId);
      next.begin();
    }
  }
}

/** How long a stopped task may take to release what it holds. */
const ABORT_WITHIN_MS = 500;

/** Node's code for a worker that reached its heap limit. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';

interface RunParts {
  readonly worker: ReusableWorker;
  readonly host: object;
  readonly budget: WorkerBudget;
  readonly stop: AbortSignal;
  readonly endsItself: boolean;
}

/** One task in one worker. */
class Run<Result> {
  readonly #parts: RunParts;
  readonly #result = Promise.withResolvers<Result>();
  #callsOpen = 0;
  #isEnded = false;
  #stalled: NodeJS.Timeout | undefined;
  #killing: NodeJS.Timeout | undefined;

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  async run(request: ToWorker<unknown>, buffers: ArrayBuffer[]): Promise<Result> {
    const { worker, stop, budget, endsItself } = this.#parts;
    const { thread } = worker;
    this.#stalled = setTimeout(() => this.#onStall(), budget.workerStallMs).unref();
    thread.on('message', this.#onMessage);
    thread.on('error', this.#onError);
    thread.on('exit', this.#onExit);
    try {
      // Messages wait in the thread until its program is loaded.
      thread.postMessage(request, buffers);
      if (stop.aborted) this.#onAbort();
      else stop.addEventListener('abort', this.#onAbort, { once: true });
      const result = await this.#result.promise;
      if (!endsItself) stop.throwIfAborted();
      return result;
    } catch (error) {
      throw stop.aborted && !endsItself ? stop.reason : error;
    } finally {
      this.#isEnded = true;
      clearTimeout(this.#stalled);
      clearTimeout(this.#killing);
      stop.removeEventListener('abort', this.#onAbort);
      thread.off('message', this.#onMessage);
      thread.off('error', this.#onError);
      thread.off('exit', this.#onExit);
      worker.release();
    }
  }

  readonly #onMessage = (message: FromWorker<never>): void => {
    this.#stalled?.refresh();
    this.#take(message);
  };

  readonly #onError = (error: unknown): void => this.#fail(this.#deathOf(error));

  readonly #onExit = (): void => this.#fail(new WorkerEnded('a worker thread ended'));

  readonly #onAbort = (): void => {
    const { worker, stop, endsItself } = this.#parts;
    worker.thread.postMessage({ kind: 'abort' } satisfies ToWorker<never>);
    if (endsItself) return;
    this.#killing = setTimeout(() => this.#fail(stop.reason), ABORT_WITHIN_MS);
  };

  #take(message: FromWorker<never>): void {
    switch (message.kind) {
      case 'call':
        void this.#answer(message);
        return;
      case 'done':
        this.#result.resolve(message.value);
        return;
      case 'failed':
        this.#result.reject(asError(message.failure));
        return;
      case 'ready':
      case 'progress':
    }
  }

  async #answer({ call, name, argument }: FromWorker<never> & { kind: 'call' }): Promise<void> {
    this.#callsOpen += 1;
    let reply: ToWorker<unknown>;
    try {
      reply = { kind: 'reply', call, value: await callByName(this.#parts.host, name, [argument]) };
    } catch (error) {
      reply = { kind: 'refusal', call, failure: asFailure(error) };
    }
    this.#callsOpen -= 1;
    if (this.#isEnded) return;
    this.#stalled?.refresh();
    this.#parts.worker.thread.postMessage(reply);
  }

  #onStall(): void {
    const { worker, budget } = this.#parts;
    if (this.#callsOpen > 0 || !worker.isLoaded) {
      this.#stalled?.refresh();
      return;
    }
    const { workerStallMs } = budget;
    this.#fail(
      new OnhandError(
        'too_costly',
        `This takes the server more than ${workerStallMs} ms of work without getting on (ONHAND_WORKER_STALL_MS). Send it in smaller parts, or in a simpler form.`,
      ),
    );
  }

  /** A worker that failed is not used again. */
  #fail(error: unknown): void {
    this.#parts.worker.discard();
    this.#result.reject(error);
  }

  #deathOf(error: unknown): unknown {
    const isOutOfMemory = error instanceof Error && 'code' in error && error.code === OUT_OF_MEMORY;
    if (!isOutOfMemory) return new WorkerEnded('a worker thread failed', { cause: error });
    return new OnhandError(
      'too_costly',
      `This needs more memory than ${this.#parts.budget.workerHeapMib} MiB (ONHAND_WORKER_HEAP_MIB). Send it in smaller parts, or in a simpler form.`,
      { cause: error },
    );
  }
}

/**
 * The young generation of a worker's heap. With the runtime's default, a worker holds 100 MiB of garbage and
 * is no faster.
 */
const YOUNG_GENERATION_MIB = 24;

/** Most threads without a task that are kept for the next one, since loading one takes a tenth of a second. */
const IDLE_MAX = 2;

/** Threads without a task, by program and heap. */
const idleWorkers = new Map<string, ReusableWorker[]>();

function takeWorker(program: URL, heapMib: number): ReusableWorker {
  const key = `${program.href} ${heapMib}`;
  const worker = idleWorkers.get(key)?.pop() ?? new ReusableWorker(program, heapMib, key);
  worker.thread.ref();
  return worker;
}

/** A thread and whether it can be used again. */
class ReusableWorker {
  readonly thread: Worker;
  readonly #key: string;
  isLoaded = false;
  #isDiscarded = false;

  constructor(program: URL, heapMib: number, key: string) {
    this.#key = key;
    this.thread = new Worker(program, {
      resourceLimits: {
        maxOldGenerationSizeMb: heapMib,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB,
      },
    });
    this.thread.once('message', () => {
      this.isLoaded = true;
    });
    // A thread that fails without a task is simply gone.
    this.thread.on('error', () => this.discard());
    this.thread.on('exit', () => this.discard());
  }

  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    const idle = idleWorkers.get(this.#key) ?? [];
    idleWorkers.set(
      this.#key,
      idle.filter((other) => other !== this),
    );
    void this.thread.terminate();
  }

  /** Keeps the thread for the next task, or ends it. */
  release(): void {
    if (this.#isDiscarded) return;
    const idle = idleWorkers.get(this.#key) ?? [];
    if (idle.length >= IDLE_MAX) {
      this.discard();
      return;
    }
    this.thread.unref();
    idleWorkers.set(this.#key, [...idle, this]);
  }
}
