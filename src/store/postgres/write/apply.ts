import type { PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import type { Batch, BatchOutcome, RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome } from '../../../domain/catalogue.ts';
import { OutcomeUnknownError, classifyDatabaseError } from '../connection/errors.ts';
import { inTransaction, type ConnectionPool } from '../connection/pool.ts';
import { applyBatches, isDryRun } from './apply-lines.ts';
import { applyEntries } from './catalogue.ts';
import { revertBatch } from './revert.ts';
import { wasCommitted, type PreparedCommit } from './transaction.ts';
import { setImmediate } from 'node:timers/promises';

/** Thrown by a dry run to roll back its transaction. */
class RollbackSignal extends Error {}

type Work<R> = (client: PoolClient) => Promise<PreparedCommit<R>>;

/** Applies batches: see `Store.apply`, `Store.applyCatalogue` and `BatchStore.revert`. */
export class PostgresApplier {
  readonly #pool: ConnectionPool;
  readonly #queue: SupplierQueue<BatchOutcome | Error>;

  /** @param groupLinesMax maximum lines that share a transaction; a larger batch gets its own */
  constructor(pool: ConnectionPool, groupLinesMax: number) {
    this.#pool = pool;
    this.#queue = new SupplierQueue(groupLinesMax, (supplierId, batches) =>
      this.#applyAll(supplierId, batches),
    );
  }

  /** Applies each supplier's batches in order, and those of several suppliers concurrently. */
  async apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]> {
    const outcomes: (BatchOutcome | Error | undefined)[] = group.map(() => undefined);
    const bySupplier = Map.groupBy(group.entries(), ([, { supplierId }]) => supplierId);
    await Promise.all(
      [...bySupplier].map(async ([supplierId, indexed]) => {
        const written = indexed.filter(([, batch]) => !isDryRun(batch));
        const results = await this.#queue.apply(
          supplierId,
          written.map(([, batch]) => batch),
        );
        for (const [n, [index]] of written.entries()) outcomes[index] = results[n];
        for (const [index, batch] of indexed) {
          if (isDryRun(batch)) outcomes[index] = await this.#dryRun(batch);
        }
      }),
    );
    return outcomes.map((outcome) => {
      if (outcome === undefined) throw new Error('a batch of the group has no outcome');
      if (outcome instanceof Error && !(outcome instanceof OnhandError)) throw outcome;
      return outcome;
    });
  }

  /** Gives each snapshot its own transaction, because it reads what it omits from the database. */
  async #applyAll(
    supplierId: number,
    batches: readonly Batch[],
  ): Promise<readonly (BatchOutcome | Error)[]> {
    const outcomes: (BatchOutcome | Error)[] = [];
    for (const group of splitAtSnapshots(batches)) {
      outcomes.push(...(await this.#applyGroup(supplierId, group)));
    }
    return outcomes;
  }

  /** If one batch may be the cause of a failed transaction, retries each batch alone, once. */
  async #applyGroup(
    supplierId: number,
    batches: readonly Batch[],
  ): Promise<readonly (BatchOutcome | Error)[]> {
    try {
      return await this.#commit(supplierId, (client) => applyBatches(client, supplierId, batches));
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      if (batches.length === 1 || !mayBeCausedByOneBatch(failure)) {
        return batches.map(() => failure);
      }
      const outcomes: (BatchOutcome | Error)[] = [];
      for (const batch of batches) outcomes.push(...(await this.#applyGroup(supplierId, [batch])));
      return outcomes;
    }
  }

  async #dryRun(batch: Batch): Promise<BatchOutcome | Error> {
    const { supplierId } = batch;
    const [outcome] = await this.#queue.run(supplierId, () =>
      this.#rollBack((client) => applyBatches(client, supplierId, [batch])),
    );
    if (outcome === undefined) throw new Error('the dry run has no outcome');
    return outcome;
  }

  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome> {
    const { supplierId } = batch;
    const work = (client: PoolClient) => applyEntries(client, batch);
    return this.#queue.run(supplierId, async () =>
      batch.dryRun === true
        ? { ...(await this.#rollBack(work)), batchUuid: null }
        : this.#commit(supplierId, work),
    );
  }

  revert(request: RevertRequest): Promise<RevertOutcome | undefined> {
    const { supplierId, dryRun } = request;
    const work = (client: PoolClient) => revertBatch(client, request);
    return this.#queue.run(supplierId, () =>
      dryRun ? this.#rollBack(work) : this.#commit(supplierId, work),
    );
  }

  /** Resolves when everything that was queued is done. */
  drain(): Promise<void> {
    return this.#queue.drain();
  }

  /** Runs work and commits it. After a lost commit, checks in the database whether it was applied. */
  async #commit<R>(supplierId: number, work: Work<R>): Promise<R> {
    let last: PreparedCommit<R> | undefined;
    const remember: Work<R> = async (client) => {
      last = undefined;
      last = await work(client);
      return last;
    };
    const { result } = await inTransaction(this.#pool, remember, {
      finalStatement: ({ statement }) => statement,
      resolveOutcome: async (client) => {
        if (last?.lastBatch === undefined) return last;
        return (await wasCommitted(client, supplierId, last.lastBatch)) ? last : undefined;
      },
    });
    return result;
  }

  /** Runs work and rolls it back. */
  async #rollBack<R>(work: Work<R>): Promise<R> {
    let prepared: PreparedCommit<R> | undefined;
    try {
      await inTransaction(this.#pool, async (client) => {
        prepared = await work(client);
        throw new RollbackSignal();
      });
    } catch (error) {
      if (!(error instanceof RollbackSignal)) throw error;
    }
    if (prepared === undefined) throw new Error('the dry run has no result');
    return prepared.result;
  }
}

function isSnapshot({ options }: Batch): boolean {
  return options?.snapshot !== undefined;
}

/** Splits batches into groups in which each snapshot is alone. */
function splitAtSnapshots(batches: readonly Batch[]): readonly (readonly Batch[])[] {
  const groups: Batch[][] = [];
  let group: Batch[] | undefined;
  for (const batch of batches) {
    if (group === undefined || isSnapshot(batch)) groups.push((group = []));
    group.push(batch);
    if (isSnapshot(batch)) group = undefined;
  }
  return groups;
}

/** False if the database was unavailable or busy, or the outcome is unknown: a retry of each batch is no use. */
function mayBeCausedByOneBatch(error: Error): boolean {
  if (error instanceof OutcomeUnknownError) return false;
  const failure = classifyDatabaseError(error.cause);
  return failure === undefined || !(failure.isConnectionLost || failure.isTransient);
}

/** A queued call: `apply` calls can share a transaction, `run` calls cannot. */
type QueueItem<O> =
  | {
      readonly batches: readonly Batch[];
      readonly lineCount: number;
      readonly resolve: (outcomes: readonly O[]) => void;
    }
  | { readonly run: () => Promise<void> };

/** Applies the batches of one supplier in one transaction; returns one outcome per batch. Must not reject. */
type ApplyGroup<O> = (supplierId: number, batches: readonly Batch[]) => Promise<readonly O[]>;

/**
 * One queue per supplier, run one item at a time. Two concurrent transactions of one supplier would gain
 * nothing: the second would hold a connection and wait for the first one's row lock. Batches that wait
 * share the next transaction (group commit).
 */
class SupplierQueue<O> {
  readonly #applyGroup: ApplyGroup<O>;
  readonly #groupLinesMax: number;
  readonly #queues = new Map<number, QueueItem<O>[]>();
  readonly #running = new Map<number, Promise<void>>();

  /** @param groupLinesMax maximum lines that share a transaction; a larger call gets its own */
  constructor(groupLinesMax: number, applyGroup: ApplyGroup<O>) {
    this.#groupLinesMax = groupLinesMax;
    this.#applyGroup = applyGroup;
  }

  /** Applies batches in order, possibly in one transaction with those of neighbouring calls. */
  apply(supplierId: number, batches: readonly Batch[]): Promise<readonly O[]> {
    if (batches.length === 0) return Promise.resolve([]);
    const lineCount = batches.reduce((count, { lines }) => count + lines.count, 0);
    return new Promise((resolve) => {
      this.#enqueue(supplierId, { batches, lineCount, resolve });
    });
  }

  /** Runs a function while no other item of the supplier runs. */
  run<T>(supplierId: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#enqueue(supplierId, { run: () => work().then(resolve, reject) });
    });
  }

  /** Resolves when all queues are empty. */
  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #enqueue(supplierId: number, item: QueueItem<O>): void {
    const existing = this.#queues.get(supplierId);
    if (existing !== undefined) {
      existing.push(item);
      return;
    }
    const queue = [item];
    this.#queues.set(supplierId, queue);
    this.#running.set(supplierId, this.#process(supplierId, queue));
  }

  async #process(supplierId: number, queue: QueueItem<O>[]): Promise<void> {
    for (;;) {
      // Lets requests that are being parsed right now join the group.
      await setImmediate();
      const item = queue.shift();
      if (item === undefined) break;
      if ('run' in item) {
        await item.run();
        continue;
      }
      const group = [item];
      let { lineCount } = item;
      for (let next = queue[0]; next !== undefined && 'batches' in next; next = queue[0]) {
        lineCount += next.lineCount;
        if (lineCount > this.#groupLinesMax) break;
        group.push(next);
        queue.shift();
      }
      const outcomes = await this.#applyGroup(
        supplierId,
        group.flatMap(({ batches }) => batches),
      );
      let from = 0;
      for (const { batches, resolve } of group) {
        resolve(outcomes.slice(from, from + batches.length));
        from += batches.length;
      }
    }
    this.#queues.delete(supplierId);
    this.#running.delete(supplierId);
  }
}
