import { OnhandError } from '../domain/errors.ts';
import type { Batch, BatchOutcome } from '../domain/batches.ts';
import type { Store } from '../store/store.ts';
import { Capacity, type Usage } from './capacity.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import { LineRate } from './line-rate.ts';

export interface IntakeLimits {
  /** Most lines that may wait, for all suppliers together. Beyond it a batch is refused with 503. */
  readonly waitingLinesMax: number;
  /** Most lines of one supplier that may wait. Beyond it a batch is refused with 429. */
  readonly organizationWaitingLinesMax: number;
  /** Most lines of a group; a larger batch is a group of its own. */
  readonly groupLinesMax: number;
  /** If groups are shared, a batch of more lines is a group of its own, and others are written meanwhile. */
  readonly largeBatchLines: number;
}

interface Waiting {
  readonly batch: Batch;
  readonly queuedMs: number;
  readonly resolve: (outcome: BatchOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** When a batch was queued, given to the store, and written or refused, as of `performance.now()`. */
export interface BatchTimes {
  readonly queuedMs: number;
  readonly takenMs: number;
  readonly endedMs: number;
}

/** Called after a batch was written, or refused with an error. */
export type OnBatchEnded = (batch: Batch, times: BatchTimes, error: unknown) => void;

const OVERLOADED_RETRY_SECONDS = 1;
/** The lines of a small request, of which the reserve of quiet suppliers is a multiple. */
const RESERVE_UNIT_LINES = 1000;

/**
 * Queues batches for the store, one queue per supplier. Batches that wait while a group is written share
 * the next transaction (group commit): those of all suppliers if the store writes one group at a time
 * (SQLite), those of one supplier if it writes several groups in parallel (PostgreSQL).
 *
 * Suppliers take turns, so that a batch of one delays another by at most one write; a large batch delays only its own
 * supplier's, and other large ones. A supplier's batches keep their order.
 */
export class Intake {
  readonly #store: Pick<Store, 'apply' | 'grouping'>;
  readonly #limits: IntakeLimits;
  readonly #mutex: KeyedMutex;
  /** Suppliers with waiting batches, in the order in which they are served. */
  readonly #queues = new Map<number, Waiting[]>();
  /** Batches of `submitWhenRoom` that are not queued yet. */
  readonly #waitingForRoom = new Map<number, Waiting[]>();
  readonly #waitingLines: Capacity;
  /** Without a large batch. */
  #groupsAtStore = 0;
  #linesAtStore = 0;
  #isLargeBatchAtStore = false;
  /** Suppliers that have work at the store of which no other work of theirs may be part, and what waits for its end. */
  readonly #suppliersAtStore = new Map<number, (() => void)[]>();
  #dispatchScheduled = false;
  readonly #onEnded: OnBatchEnded;
  readonly #rate = new LineRate();

  constructor(
    store: Pick<Store, 'apply' | 'grouping'>,
    limits: IntakeLimits,
    mutex: KeyedMutex = new KeyedMutex(),
    onEnded: OnBatchEnded = () => undefined,
  ) {
    this.#onEnded = onEnded;
    this.#store = store;
    this.#limits = limits;
    this.#waitingLines = new Capacity({
      limit: limits.waitingLinesMax,
      organizationLimit: limits.organizationWaitingLinesMax,
      unit: RESERVE_UNIT_LINES,
    });
    this.#mutex = mutex;
  }

  /** How many lines wait or are being written. */
  get waitingLines(): number {
    return this.#waitingLines.used;
  }

  /** How much of the limits is used. */
  usage(): Usage {
    return this.#waitingLines.usage;
  }

  /** How many lines per second the store processed in the last minute. */
  get linesPerSecond(): number {
    return this.#rate.perSecond();
  }

  /**
   * Throws `organization_budget_exceeded` or `overloaded` if a batch of the supplier could not be queued now.
   * Call it before reading a request's body, so that an overloaded server does not spend work on it.
   */
  admit(supplierId: number): void {
    const exhausted = this.#waitingLines.exhaustedBy(supplierId, 1);
    if (exhausted === undefined) return;
    const options = { retryAfterSeconds: OVERLOADED_RETRY_SECONDS };
    throw exhausted === 'organization'
      ? new OnhandError(
          'organization_budget_exceeded',
          'Your organization has too many lines waiting (ONHAND_ORGANIZATION_WAITING_LINES_MAX); send this request again later.',
          options,
        )
      : new OnhandError(
          'overloaded',
          'The server has too many lines waiting (ONHAND_WAITING_LINES_MAX); send this request again later.',
          options,
        );
  }

  /**
   * Applies a batch durably. If another batch with its idempotency key is in progress, it waits for that
   * one. Rejects with `overloaded`, `store_unavailable`, `request_in_progress` or the store's reason to
   * refuse the batch; then nothing was applied.
   */
  submit(batch: Batch): Promise<BatchOutcome> {
    const key = batch.options?.idempotency?.key;
    if (key === undefined) return this.#enqueue(batch);
    return this.#mutex.run(`${batch.supplierId} ${key}`, () => this.#enqueue(batch));
  }

  /**
   * Like `submit`, but waits in order until there is room instead of rejecting with `overloaded`. For
   * requests whose response has begun.
   */
  submitWhenRoom(batch: Batch): Promise<BatchOutcome> {
    return new Promise((resolve, reject) => {
      const waiting = { batch, queuedMs: performance.now(), resolve, reject };
      const others = this.#waitingForRoom.get(batch.supplierId);
      if (others === undefined) this.#waitingForRoom.set(batch.supplierId, [waiting]);
      else others.push(waiting);
      this.#admitWaiting();
    });
  }

  /** Does a supplier's work at the store that its batches must wait for, such as an undo. */
  async runAlone<T>(supplierId: number, work: () => Promise<T>): Promise<T> {
    for (let waiting; (waiting = this.#suppliersAtStore.get(supplierId)) !== undefined;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      await promise;
    }
    this.#suppliersAtStore.set(supplierId, []);
    try {
      return await work();
    } finally {
      this.#release(supplierId);
      this.#scheduleDispatch();
    }
  }

  #release(supplierId: number): void {
    const waiting = this.#suppliersAtStore.get(supplierId) ?? [];
    this.#suppliersAtStore.delete(supplierId);
    for (const resolve of waiting) resolve();
  }

  #enqueue(batch: Batch): Promise<BatchOutcome> {
    this.admit(batch.supplierId);
    const queuedMs = performance.now();
    return new Promise((resolve, reject) => this.#queue({ batch, queuedMs, resolve, reject }));
  }

  /** Queues what waits for room, one batch of each supplier after another. */
  #admitWaiting(): void {
    for (let isAdmitted = true; isAdmitted;) {
      isAdmitted = false;
      for (const [supplierId, waiting] of this.#waitingForRoom) {
        if (this.#waitingLines.exhaustedBy(supplierId, 1) !== undefined) continue;
        const next = waiting.shift();
        if (waiting.length === 0) this.#waitingForRoom.delete(supplierId);
        if (next === undefined) continue;
        this.#queue(next);
        isAdmitted = true;
      }
    }
  }

  #queue(waiting: Waiting): void {
    const { batch } = waiting;
    const queue = this.#queues.get(batch.supplierId);
    if (queue === undefined) this.#queues.set(batch.supplierId, [waiting]);
    else queue.push(waiting);
    this.#waitingLines.add(batch.supplierId, batch.lines.count);
    this.#scheduleDispatch();
  }

  /** Waits one turn of the event loop, so that requests that are being read can join the group. */
  #scheduleDispatch(): void {
    if (this.#dispatchScheduled || this.#next() === undefined) return;
    this.#dispatchScheduled = true;
    setImmediate(() => {
      this.#dispatchScheduled = false;
      while (this.#next() !== undefined) void this.#dispatch();
    });
  }

  /** The supplier whose turn it is; undefined if none waits or can be served now. */
  #next(): number | undefined {
    for (const [supplierId, [first]] of this.#queues) {
      if (this.#suppliersAtStore.has(supplierId) || first === undefined) continue;
      if (this.#isLarge(first.batch) ? !this.#isLargeBatchAtStore : !this.#isStoreBusy)
        return supplierId;
    }
    return undefined;
  }

  /**
   * If groups are shared, nothing is sent while a group of more than the most lines is at the store: batches that arrive
   * in the meantime should be able to join the next group.
   */
  get #isStoreBusy(): boolean {
    const { isShared, groupsMax } = this.#store.grouping;
    const isFull = isShared && this.#linesAtStore > this.#limits.groupLinesMax;
    return isFull || this.#groupsAtStore >= groupsMax;
  }

  /** Whether the store writes a batch while it writes other groups. */
  #isLarge({ lines }: Batch): boolean {
    return this.#store.grouping.isShared && lines.count > this.#limits.largeBatchLines;
  }

  async #dispatch(): Promise<void> {
    const group = this.#takeGroup();
    const lines = group.reduce((sum, { batch }) => sum + batch.lines.count, 0);
    const isLarge = group.some(({ batch }) => this.#isLarge(batch));
    const suppliers = new Set(group.map(({ batch }) => batch.supplierId));
    const takenMs = performance.now();
    const isAlone = isLarge || !this.#store.grouping.isShared;
    this.#countAtStore(isLarge, 1, lines);
    if (isAlone) for (const supplierId of suppliers) this.#suppliersAtStore.set(supplierId, []);
    const errors = group.map((): unknown => undefined);
    try {
      const outcomes = await this.#store.apply(group.map((waiting) => waiting.batch));
      this.#rate.add(lines);
      for (const [i, waiting] of group.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined)
          waiting.reject(new Error('the store returned no outcome for a batch'));
        else if (outcome instanceof OnhandError) waiting.reject(outcome);
        else waiting.resolve(outcome);
        if (outcome instanceof OnhandError) errors[i] = outcome;
      }
    } catch (error) {
      errors.fill(error);
      for (const waiting of group) waiting.reject(error);
    } finally {
      this.#countAtStore(isLarge, -1, -lines);
      for (const supplierId of suppliers) {
        if (isAlone) this.#release(supplierId);
        this.#moveToEnd(supplierId);
      }
      this.#scheduleDispatch();
    }
    // Last, so that a failure of it changes nothing for those who wait.
    const endedMs = performance.now();
    for (const [i, { batch, queuedMs }] of group.entries()) {
      this.#onEnded(batch, { queuedMs, takenMs, endedMs }, errors[i]);
    }
  }

  #countAtStore(isLarge: boolean, groups: 1 | -1, lines: number): void {
    if (isLarge) {
      this.#isLargeBatchAtStore = groups === 1;
      return;
    }
    this.#groupsAtStore += groups;
    this.#linesAtStore += lines;
  }

  /** Puts a supplier that was just served behind the others. */
  #moveToEnd(supplierId: number): void {
    const queue = this.#queues.get(supplierId);
    if (queue === undefined) return;
    this.#queues.delete(supplierId);
    this.#queues.set(supplierId, queue);
  }

  /** Takes one batch of each supplier in turn, or all of one supplier, until the group is full. */
  #takeGroup(): readonly Waiting[] {
    const group: Waiting[] = [];
    let lines = 0;
    for (
      let supplierId = this.#next();
      supplierId !== undefined;
      supplierId = this.#store.grouping.isShared ? this.#next() : supplierId
    ) {
      const queue = this.#queues.get(supplierId);
      const next = queue?.[0];
      if (queue === undefined || next === undefined) break;
      if (group.length > 0 && this.#isLarge(next.batch)) break;
      if (group.length > 0 && lines + next.batch.lines.count > this.#limits.groupLinesMax) break;
      queue.shift();
      this.#queues.delete(supplierId);
      if (queue.length > 0) this.#queues.set(supplierId, queue);
      group.push(next);
      lines += next.batch.lines.count;
      if (this.#isLarge(next.batch)) lines = Infinity;
      this.#waitingLines.add(supplierId, -next.batch.lines.count);
    }
    this.#admitWaiting();
    return group;
  }
}
