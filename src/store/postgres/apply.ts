import type { OnhandError } from '../../domain/errors.ts';
import type {
  Batch,
  BatchOutcome,
  CatalogueBatch,
  CatalogueOutcome,
  RevertOutcome,
  RevertRequest,
} from '../store.ts';
import type { ConnectionPool } from './connection.ts';

/** Applies batches: see `Store.apply`, `Store.applyCatalogue`, `BatchStore.revert`. */
export class PostgresApplier {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  apply(group: readonly Batch[]): Promise<readonly (BatchOutcome | OnhandError)[]> {
    return this.#missing(group);
  }

  applyCatalogue(batch: CatalogueBatch): Promise<CatalogueOutcome> {
    return this.#missing(batch);
  }

  revert(request: RevertRequest): Promise<RevertOutcome | undefined> {
    return this.#missing(request);
  }

  #missing(what: unknown): Promise<never> {
    return Promise.reject(new Error(`${this.#pool.begin}: ${String(what)}`));
  }
}
