import type { CatalogueOutcome } from '../domain/catalogue.ts';
import type { FileRecord } from '../domain/files.ts';
import type { BatchStore, Store } from '../store/store.ts';

type CatalogueStore = Pick<Store, 'files'> & {
  readonly batches: Pick<BatchStore, 'list' | 'isOfFile'>;
};

const PAGE = 1000;
const BATCHES_PAGE = 100;

/** Records the batches of a catalogue beside its file, so that the file can be undone. */
export class CatalogueBatches {
  readonly #store: CatalogueStore;
  readonly #job: FileRecord;
  readonly #nodeId: string;
  #chunks = 0;
  #rowCount = 0;

  constructor(store: CatalogueStore, job: FileRecord, nodeId: string) {
    this.#store = store;
    this.#job = job;
    this.#nodeId = nodeId;
  }

  /** Continues after what an earlier run recorded. To be called before the first `add`. */
  async begin(): Promise<void> {
    for (;;) {
      const page = await this.#store.files.pieces(this.#job, this.#chunks, PAGE);
      this.#chunks += page.length;
      if (page.length < PAGE) break;
    }
    const uuid = await this.#findUnrecorded();
    if (uuid !== undefined) await this.#record(uuid, 0);
  }

  /**
   * The batch that an earlier run applied and could not record. Files of a supplier run one after another, so it is
   * the supplier's last batch of a file. The clocks of nodes differ: a batch of the file before, which has recorded
   * it, may seem to be later than the start of this one.
   */
  async #findUnrecorded(): Promise<string | undefined> {
    const { supplierId, startedAtMs } = this.#job;
    if (startedAtMs === null) return undefined;
    for (let start = 0; ; start += BATCHES_PAGE) {
      const page = await this.#store.batches.list(supplierId, { start, limit: BATCHES_PAGE });
      for (const { source, appliedAtMs, uuid } of page.batches) {
        if (appliedAtMs < startedAtMs) return undefined;
        if (source !== 'file') continue;
        return (await this.#store.batches.isOfFile(supplierId, uuid)) ? undefined : uuid;
      }
      if (!page.hasMore) return undefined;
    }
  }

  /** Records the batch of an outcome, if there is one. */
  async add({ batchUuid, entries }: CatalogueOutcome): Promise<void> {
    if (batchUuid !== null) await this.#record(batchUuid, entries.length);
  }

  async #record(batchUuid: string, rowCount: number): Promise<void> {
    this.#rowCount += rowCount;
    const chunk = { piece: this.#chunks, rowCount, batchUuid, failures: [] };
    this.#chunks += 1;
    await this.#store.files.record(this.#job, this.#nodeId, chunk, {
      rowCount: this.#rowCount,
      statusCounts: {},
      rowsExpected: null,
    });
  }
}
