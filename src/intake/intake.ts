import { OnhandError } from '../domain/errors.ts';
import type { Batch, BatchOutcome } from '../domain/batches.ts';
import type { Store } from '../store/store.ts';
import { KeyedMutex } from './keyed-mutex.ts';

export interface IntakeLimits {
  /** Lines that may wait to be applied, all suppliers together. Beyond it a batch is refused with 503. */
  readonly waitingLinesMax: number;
  /** Lines that share one transaction at most; a larger batch is a group of its own. */
  readonly groupLinesMax: number;
}

interface Waiting {
  readonly batch: Batch;
  readonly resolve: (outcome: BatchOutcome) => void;
  readonly reject: (error: unknown) => void;
}

const OVERLOADED_RETRY_SECONDS = 1;

/**
 * The way in: batches wait here for the store, a queue a supplier. Those that wait while a group is
 * being written share the next transaction (group commit): of all suppliers where the store writes one
 * group after another, of one where it writes those of several beside each other. Suppliers take turns, so that
 * a giant of one delays another by at most one write. A supplier's own batches keep their order.
 */
export class Intake {
  readonly #store: Pick<Store, 'apply' | 'grouping'>;
  readonly #limits: IntakeLimits;
  readonly #sameKey: KeyedMutex;
  /** Suppliers with waiting batches, the next to be served first. */
  readonly #queues = new Map<number, Waiting[]>();
  /** Batches that wait for room among those that wait. */
  readonly #outside: Waiting[] = [];
  #waitingLines = 0;
  #groupsAtStore = 0;
  #linesAtStore = 0;
  /** Suppliers with a group of their own at the store. */
  readonly #suppliersAtStore = new Set<number>();
  #dispatchScheduled = false;

  constructor(
    store: Pick<Store, 'apply' | 'grouping'>,
    limits: IntakeLimits,
    sameKey: KeyedMutex = new KeyedMutex(),
  ) {
    this.#store = store;
    this.#limits = limits;
    this.#sameKey = sameKey;
  }

  /**
   * Refuses with `overloaded` what could not be queued now. To be asked before a body is read, so that
   * an overloaded server spends nothing on it.
   */
  admit(): void {
    if (this.#waitingLines >= this.#limits.waitingLinesMax) {
      throw new OnhandError(
        'overloaded',
        'The server has more lines waiting than it takes on; send this request again later.',
        {
          retryAfterSeconds: OVERLOADED_RETRY_SECONDS,
        },
      );
    }
  }

  /**
   * Applies a batch durably; one with the idempotency key of another that is under way waits for that.
   * Rejects with `overloaded`, `store_unavailable`, `request_in_progress` or why the store refuses it
   * whole, nothing then done.
   */
  submit(batch: Batch): Promise<BatchOutcome> {
    const key = batch.options?.idempotency?.key;
    if (key === undefined) return this.#enqueue(batch);
    return this.#sameKey.inTurn(`${batch.supplierId} ${key}`, () => this.#enqueue(batch));
  }

  /**
   * As `submit`, for who has begun to be answered and cannot be refused any more: where there is no room it
   * waits for some, behind those that wait already. Never rejects with `overloaded`.
   */
  submitWhenRoom(batch: Batch): Promise<BatchOutcome> {
    return new Promise((resolve, reject) => {
      this.#outside.push({ batch, resolve, reject });
      this.#letIn();
    });
  }

  #enqueue(batch: Batch): Promise<BatchOutcome> {
    this.admit();
    return new Promise((resolve, reject) => this.#queue({ batch, resolve, reject }));
  }

  #letIn(): void {
    while (this.#waitingLines < this.#limits.waitingLinesMax) {
      const next = this.#outside.shift();
      if (next === undefined) return;
      this.#queue(next);
    }
  }

  #queue(waiting: Waiting): void {
    const { batch } = waiting;
    const queue = this.#queues.get(batch.supplierId);
    if (queue === undefined) this.#queues.set(batch.supplierId, [waiting]);
    else queue.push(waiting);
    this.#waitingLines += batch.lines.count;
    this.#scheduleDispatch();
  }

  /** Lets the requests that are being read right now join the group. */
  #scheduleDispatch(): void {
    if (this.#dispatchScheduled || this.#next() === undefined) return;
    this.#dispatchScheduled = true;
    setImmediate(() => {
      this.#dispatchScheduled = false;
      while (this.#next() !== undefined) void this.#dispatch();
    });
  }

  /** The supplier whose turn it is; undefined where nobody waits, or whoever does has to wait on. */
  #next(): number | undefined {
    if (this.#isStoreBusy) return undefined;
    for (const supplierId of this.#queues.keys())
      if (!this.#suppliersAtStore.has(supplierId)) return supplierId;
    return undefined;
  }

  /** Behind a giant nothing is sent ahead where all share their groups: whoever comes meanwhile may be the next. */
  get #isStoreBusy(): boolean {
    const { isShared, groupsMax } = this.#store.grouping;
    const isGiantThere = isShared && this.#linesAtStore > this.#limits.groupLinesMax;
    return isGiantThere || this.#groupsAtStore >= groupsMax;
  }

  async #dispatch(): Promise<void> {
    const group = this.#takeGroup();
    const lines = group.reduce((sum, { batch }) => sum + batch.lines.count, 0);
    const suppliers = new Set(group.map(({ batch }) => batch.supplierId));
    this.#groupsAtStore += 1;
    this.#linesAtStore += lines;
    if (!this.#store.grouping.isShared)
      for (const supplierId of suppliers) this.#suppliersAtStore.add(supplierId);
    try {
      const outcomes = await this.#store.apply(group.map((waiting) => waiting.batch));
      for (const [i, waiting] of group.entries()) {
        const outcome = outcomes[i];
        if (outcome === undefined) waiting.reject(new Error('the store left a batch unanswered'));
        else if (outcome instanceof OnhandError) waiting.reject(outcome);
        else waiting.resolve(outcome);
      }
    } catch (error) {
      for (const waiting of group) waiting.reject(error);
    } finally {
      this.#groupsAtStore -= 1;
      this.#linesAtStore -= lines;
      for (const supplierId of suppliers) {
        this.#suppliersAtStore.delete(supplierId);
        this.#goLast(supplierId);
      }
      this.#scheduleDispatch();
    }
  }

  /** Who has just been served comes after those who came meanwhile. */
  #goLast(supplierId: number): void {
    const queue = this.#queues.get(supplierId);
    if (queue === undefined) return;
    this.#queues.delete(supplierId);
    this.#queues.set(supplierId, queue);
  }

  /** One batch of each supplier in turn, or all of one, until the group is full or nothing waits. */
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
      if (group.length > 0 && lines + next.batch.lines.count > this.#limits.groupLinesMax) break;
      queue.shift();
      this.#queues.delete(supplierId);
      if (queue.length > 0) this.#queues.set(supplierId, queue);
      group.push(next);
      lines += next.batch.lines.count;
    }
    this.#waitingLines -= lines;
    this.#letIn();
    return group;
  }
}
