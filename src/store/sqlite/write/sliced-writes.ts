/**
 * Writes large batches in slices, so that other suppliers' batches are committed in between.
 *
 * A batch is decided outside a transaction. Its changes are then appended beyond the supplier's last sequence, where
 * nothing reads them, in a transaction per slice. A last, short transaction writes the batch's row and moves the
 * supplier's last sequence: that commits the batch. A crash before leaves changes that the supplier's next batch removes.
 */
import type { Database } from 'better-sqlite3';
import type { Confirmation } from '../../../domain/batches.ts';
import type { Steps } from '../../../domain/steps.ts';
import { isFailedSync } from '../connection.ts';
import type { WriterInventory } from '../recent/writer-inventory.ts';
import {
  previewOf,
  type Applier,
  type Confirm,
  type PreparedBatch,
  type Preparing,
} from './apply.ts';
import { StagedChanges } from './staged-changes.ts';

export interface SlicedWriteParts {
  readonly db: Database;
  readonly inventory: WriterInventory;
  readonly transaction: <T>(work: () => T) => T;
  /** How often other processes have written. */
  readonly foreignWrites: () => number;
  /** Changes that are appended in one transaction. */
  readonly sliceChanges: number;
}

export interface LargeBatch<T> {
  readonly supplierId: number;
  readonly isDryRun: boolean;
  /** Its state is the batch's own. */
  readonly applier: Applier;
  readonly prepare: (nowMs: number, confirm: Confirm) => Preparing<T>;
}

/** The supplier was written to by another process or changed otherwise: the batch must be decided anew. */
export const MOVED = Symbol('moved');

export class SlicedWrites {
  readonly #parts: SlicedWriteParts;
  readonly #staged: StagedChanges;

  constructor(parts: SlicedWriteParts) {
    this.#parts = parts;
    this.#staged = new StagedChanges(parts.db);
  }

  /** Applies a batch. The caller keeps all other batches of the supplier waiting. Has no effect if it throws. */
  *write<T>(batch: LargeBatch<T>): Steps<T | typeof MOVED> {
    yield* this.#discarding(batch.supplierId);
    try {
      const outcome = yield* this.#writing(batch);
      if (outcome === MOVED) yield* this.#discarding(batch.supplierId);
      return outcome;
    } catch (error) {
      if (!isFailedSync(error)) yield* this.#discardingIfPossible(batch.supplierId);
      throw error;
    }
  }

  *#writing<T>(batch: LargeBatch<T>): Steps<T | typeof MOVED> {
    const { supplierId, isDryRun, applier, prepare } = batch;
    const { inventory } = this.#parts;
    applier.begin();
    const isUnmoved = this.#watch(supplierId);
    const nowMs = Date.now();
    const confirmations: Confirmation[] = [];
    const preparing = prepare(nowMs, (_, confirmation) => confirmations.push(confirmation));
    let step = preparing.next();
    while (step.done !== true) {
      yield;
      // Another transaction may have been rolled back.
      inventory.begin();
      step = preparing.next();
    }
    const prepared = step.value;
    if (isDryRun || 'done' in prepared) {
      const outcome = previewOf(prepared);
      return this.#transaction(() => (isUnmoved(0) ? outcome : MOVED));
    }
    if (!(yield* this.#staging(prepared, applier, isUnmoved))) return MOVED;
    const staged = prepared.changes.length;
    const outcome = this.#parts.transaction(() => {
      inventory.begin();
      if (!isUnmoved(prepared.changes.at(-1)?.sequence ?? 0)) return MOVED;
      for (const confirmation of confirmations) applier.confirm(supplierId, confirmation, nowMs);
      this.#staged.setLast(supplierId, 0);
      const written = prepared.write();
      applier.flush(nowMs, { staged });
      return written;
    });
    if (outcome !== MOVED) applier.remember(nowMs);
    return outcome;
  }

  /** Appends the changes of a batch, slice by slice. Returns whether the supplier stayed as it was. */
  *#staging(
    prepared: PreparedBatch<unknown>,
    applier: Applier,
    isUnmoved: (staged: number) => boolean,
  ): Steps<boolean> {
    const { supplierId, changes } = prepared;
    const { sliceChanges, inventory } = this.#parts;
    let staged = 0;
    for (let from = 0; from < changes.length; from += sliceChanges) {
      const slice = changes.slice(from, from + sliceChanges);
      const isStaged = this.#transaction(() => {
        if (!isUnmoved(staged)) return false;
        applier.appendChanges(prepared, slice);
        staged = slice.at(-1)?.sequence ?? 0;
        this.#staged.setLast(supplierId, staged);
        inventory.pay(slice.length);
        return true;
      });
      if (!isStaged) return false;
      yield;
    }
    return true;
  }

  /** Returns a function that says whether a supplier is as it is now, but for its last staged change. */
  #watch(supplierId: number): (staged: number) => boolean {
    const foreignWrites = this.#parts.foreignWrites();
    const state = this.#staged.stateOf(supplierId);
    return (staged) =>
      this.#parts.foreignWrites() === foreignWrites &&
      this.#staged.stateOf(supplierId) === state &&
      this.#staged.lastOf(supplierId) === staged;
  }

  /** Removes what an interrupted batch has staged. */
  *#discarding(supplierId: number): Steps<void> {
    if (this.#staged.lastOf(supplierId) === 0) return;
    const removeSome = (): boolean =>
      this.#transaction(() => this.#staged.remove(supplierId, this.#parts.sliceChanges));
    while (removeSome()) yield;
  }

  *#discardingIfPossible(supplierId: number): Steps<void> {
    try {
      yield* this.#discarding(supplierId);
    } catch (error) {
      if (isFailedSync(error)) throw error;
      // The supplier's next batch removes them.
    }
  }

  /** A transaction that changes no inventory. */
  #transaction<T>(work: () => T): T {
    const { inventory, transaction } = this.#parts;
    const outcome = transaction(() => {
      inventory.begin();
      return work();
    });
    inventory.committed(new Map(), [], 0);
    return outcome;
  }
}
