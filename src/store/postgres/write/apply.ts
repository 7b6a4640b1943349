import type { PoolClient } from 'pg';
import { OnhandError } from '../../../domain/errors.ts';
import type { Batch, BatchOutcome, RevertOutcome, RevertRequest } from '../../../domain/batches.ts';
import type { CatalogueBatch, CatalogueOutcome } from '../../../domain/catalogue.ts';
import { applyBatches, isDryRun } from './apply-lines.ts';
import { applyEntries } from './catalogue.ts';
import { transact, type ConnectionPool } from '../connection/pool.ts';
import { revertBatch } from './revert.ts';
import { wasApplied, type Decided } from './transaction.ts';
import { OutcomeUnknownError, classifyDatabaseError } from '../connection/errors.ts';
import { SupplierQueue } from './supplier-queue.ts';

/** Thrown so that a transaction is taken back, with what was found in it. */
class TakenBack extends Error {}

/** Applies batches: see `Store.apply`, `Store.applyCatalogue`, `BatchStore.revert`. */
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

  /** Batches of several suppliers are applied beside each other, those of each in their order. */
  async apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]> {
    const outcomes = new Map<number, BatchOutcome | Error>();
    const bySupplier = Map.groupBy(group.entries(), ([, { supplierId }]) => supplierId);
    await Promise.all(
      [...bySupplier].map(async ([supplierId, placed]) => {
        const written = placed.filter(([, batch]) => !isDryRun(batch));
        const told = await this.#queue.apply(
          supplierId,
          written.map(([, batch]) => batch),
        );
        for (const [n, [place]] of written.entries()) set(outcomes, place, told[n]);
        for (const [place, batch] of placed) {
          if (isDryRun(batch)) set(outcomes, place, await this.#tryOut(batch));
        }
      }),
    );
    return group.map((_, place) => {
      const outcome = outcomes.get(place);
      if (outcome === undefined) throw new Error('a batch of the group was left out');
      if (outcome instanceof Error && !(outcome instanceof OnhandError)) throw outcome;
      return outcome;
    });
  }

  /** A snapshot is a transaction of its own: what it does not name is read from the database. */
  async #applyAll(
    supplierId: number,
    batches: readonly Batch[],
  ): Promise<readonly (BatchOutcome | Error)[]> {
    const outcomes: (BatchOutcome | Error)[] = [];
    for (const run of runsOf(batches)) {
      outcomes.push(...(await this.#applyOrRetry(supplierId, run)));
    }
    return outcomes;
  }

  /** Where a transaction is refused for what one of its batches may hold, each is tried alone, once. */
  async #applyOrRetry(
    supplierId: number,
    batches: readonly Batch[],
  ): Promise<readonly (BatchOutcome | Error)[]> {
    try {
      const work = (client: PoolClient) => applyBatches(client, supplierId, batches);
      return (await this.#transact(supplierId, work)).answer;
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      if (batches.length === 1 || !mayBeOfOneBatch(failure)) return batches.map(() => failure);
      const outcomes: (BatchOutcome | Error)[] = [];
      for (const batch of batches)
        outcomes.push(...(await this.#applyOrRetry(supplierId, [batch])));
      return outcomes;
    }
  }

  async #tryOut(batch: Batch): Promise<BatchOutcome | Error> {
    const { supplierId } = batch;
    const [outcome] = await this.#queue.run(supplierId, () =>
      this.#takeBack((client) => applyBatches(client, supplierId, [batch])),
    );
    if (outcome === undefined) throw new Error('a dry run was left out');
    return outcome;
  }

  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome> {
    const { supplierId } = batch;
    return this.#queue.run(supplierId, async () => {
      const done = await this.#transact(supplierId, (client) => applyEntries(client, batch));
      return done.answer;
    });
  }

  revert(request: RevertRequest): Promise<RevertOutcome | undefined> {
    const { supplierId, dryRun } = request;
    const work = (client: PoolClient) => revertBatch(client, request);
    return this.#queue.run(supplierId, async () =>
      dryRun ? this.#takeBack(work) : (await this.#transact(supplierId, work)).answer,
    );
  }

  /** Resolves once all that was accepted is done. */
  finish(): Promise<void> {
    return this.#queue.drain();
  }

  /** Does work of one supplier and commits it; where nobody heard of the commit, looks how it ended. */
  #transact<A>(
    supplierId: number,
    work: (client: PoolClient) => Promise<Decided<A>>,
  ): Promise<Decided<A>> {
    let last: Decided<A> | undefined;
    const remembered = async (client: PoolClient): Promise<Decided<A>> => {
      last = undefined;
      last = await work(client);
      return last;
    };
    return transact(this.#pool, remembered, {
      closing: ({ closing }) => closing,
      findOut: async (client) => {
        if (last?.lastRow === undefined) return last;
        return (await wasApplied(client, supplierId, last.lastRow)) ? last : undefined;
      },
    });
  }

  async #takeBack<A>(work: (client: PoolClient) => Promise<Decided<A>>): Promise<A> {
    let decided: Decided<A> | undefined;
    try {
      await transact(this.#pool, async (client) => {
        decided = await work(client);
        throw new TakenBack();
      });
    } catch (error) {
      if (!(error instanceof TakenBack)) throw error;
    }
    if (decided === undefined) throw new Error('a dry run came to nothing');
    return decided.answer;
  }
}

function set<T>(outcomes: Map<number, T>, place: number, outcome: T | undefined): void {
  if (outcome !== undefined) outcomes.set(place, outcome);
}

function isSnapshot({ options }: Batch): boolean {
  return options?.snapshot !== undefined;
}

/** Snapshots by themselves, and what comes between them together. */
function runsOf(batches: readonly Batch[]): readonly (readonly Batch[])[] {
  const runs: Batch[][] = [];
  let run: Batch[] | undefined;
  for (const batch of batches) {
    if (run === undefined || isSnapshot(batch)) runs.push((run = []));
    run.push(batch);
    if (isSnapshot(batch)) run = undefined;
  }
  return runs;
}

/** Whether a failure may be that of one batch, or the database cannot be asked whichever it is. */
function mayBeOfOneBatch(error: Error): boolean {
  if (error instanceof OutcomeUnknownError) return false;
  const trouble = classifyDatabaseError(error.cause);
  return trouble === undefined || !(trouble.isConnectionLost || trouble.isPassing);
}
