import type { Batch, BatchPage, operations, RevertReply } from './api-types.ts';
import { type UndoOptions, undoRequest } from './files.ts';
import type { CallOptions, Transport } from './transport.ts';

const BATCHES_PATH = '/timp/products/skus/inventory/batches/';

/** The lines of a batch that failed, with their index. */
export type FailedLines =
  operations['showBatchResults']['responses'][200]['content']['application/json'];

/** Reads the batches of a supplier, and undoes them. */
export class BatchesClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page, newest first. */
  async page(
    query: { readonly start?: number; readonly limit?: number } = {},
    options: CallOptions = {},
  ): Promise<BatchPage> {
    return this.#transport.json<BatchPage>({ method: 'GET', path: BATCHES_PATH, query }, options);
  }

  /** Every batch, newest first. */
  async *list(options: CallOptions = {}): AsyncGenerator<Batch, void, undefined> {
    const call = this.#transport.begin(options);
    for (let start: number | null = 0; start !== null;) {
      const page: BatchPage = await this.page({ start, limit: 100 }, call);
      yield* page.batches;
      start = page.pagination.next_start_index;
    }
  }

  async get(uuid: string, options: CallOptions = {}): Promise<Batch> {
    return this.#transport.json<Batch>({ method: 'GET', path: batchPath(uuid) }, options);
  }

  /** Its lines that failed. Throws `ResultsExpired` if they are no longer stored. */
  async results(uuid: string, options: CallOptions = {}): Promise<FailedLines> {
    return this.#transport.json<FailedLines>(
      { method: 'GET', path: `${batchPath(uuid)}results/` },
      options,
    );
  }

  /** Restores every SKU that has not changed since. The undo is itself a batch. */
  async undo(uuid: string, options: UndoOptions = {}): Promise<RevertReply> {
    return this.#transport.json<RevertReply>(undoRequest(batchPath(uuid), options), options);
  }
}

function batchPath(uuid: string): string {
  return `${BATCHES_PATH}${encodeURIComponent(uuid)}/`;
}
