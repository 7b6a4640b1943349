import type { History, operations, Sku, SkuChange, SkuCreation, SkuPage } from './api-types.ts';
import type { BatchNote } from './inventory.ts';
import { noteHeaders } from './inventory.ts';
import type { CallOptions, Query, Transport } from './transport.ts';

const SKUS_PATH = '/timp/products/skus/';
const PAGE_LIMIT = 500;

type SkuQuery = NonNullable<operations['listSkus']['parameters']['query']>;

/** Which SKUs are listed; all conditions hold together. */
export type SkuFilter = Partial<Omit<SkuQuery, 'cursor' | 'start' | 'limit' | 'item_verbosity'>>;

/** The identifiers that find a SKU. */
export type SkuIdentifiers = Pick<SkuFilter, 'sku_id' | 'upca' | 'ean13' | 'gtin14' | 'isbn'>;

/** Reads, creates and changes SKUs. */
export class SkusClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page, with `pagination.total_count`. */
  async page(query: Partial<SkuQuery> = {}, options: CallOptions = {}): Promise<SkuPage> {
    return this.#transport.json<SkuPage>(
      { method: 'GET', path: SKUS_PATH, query: { ...query } },
      options,
    );
  }

  /** Every SKU that matches. SKUs that are created meanwhile neither shift the list nor come twice. */
  async *list(
    filter: SkuFilter = {},
    options: CallOptions = {},
  ): AsyncGenerator<Sku, void, undefined> {
    for await (const page of this.#pages(filter, options)) yield* page.skus;
  }

  /** The SKUs with these identifiers, any form of a GTIN: usually one; several if suppliers or SKUs share a GTIN. */
  async find(identifiers: SkuIdentifiers, options: CallOptions = {}): Promise<readonly Sku[]> {
    const skus: Sku[] = [];
    for await (const sku of this.list(identifiers, options)) skus.push(sku);
    return skus;
  }

  /**
   * Every SKU, and the cursor from which `changes.follow` misses nothing that happens meanwhile: the two together keep
   * a copy of the inventory.
   */
  async export(
    filter: SkuFilter = {},
    options: CallOptions = {},
  ): Promise<{
    readonly changesCursor: string;
    readonly skus: AsyncGenerator<Sku, void, undefined>;
  }> {
    const pages = this.#pages(filter, options);
    const first = await pages.next();
    const page = first.done === true ? undefined : first.value;
    const rest = async function* (): AsyncGenerator<Sku, void, undefined> {
      yield* page?.skus ?? [];
      for await (const { skus } of pages) yield* skus;
    };
    return { changesCursor: page?.pagination.changes_cursor ?? '', skus: rest() };
  }

  /** One SKU by its UUID; with `asOf`, its inventory at that time. */
  async get(
    uuid: string,
    options: CallOptions & { readonly asOf?: Date | string } = {},
  ): Promise<Sku> {
    const { asOf } = options;
    const query: Query = { as_of: asOf instanceof Date ? asOf.toISOString() : asOf };
    return this.#transport.json<Sku>({ method: 'GET', path: skuPath(uuid), query }, options);
  }

  /** Creates a SKU. Throws `AlreadyExists` if the supplier has one with this `sku_id`. */
  async create(sku: SkuCreation, options: CallOptions & BatchNote = {}): Promise<Sku> {
    return this.#transport.json<Sku>(
      {
        method: 'POST',
        path: SKUS_PATH,
        headers: { 'content-type': 'application/json', ...noteHeaders(options) },
        body: () => JSON.stringify(sku),
      },
      options,
    );
  }

  /** Changes a SKU's identifiers, title, condition, bundle or item. Throws `SkuNotFound` if it is not the supplier's. */
  async update(
    uuid: string,
    change: SkuChange,
    options: CallOptions & BatchNote = {},
  ): Promise<Sku> {
    return this.#transport.json<Sku>(
      {
        method: 'PATCH',
        path: skuPath(uuid),
        headers: { 'content-type': 'application/json', ...noteHeaders(options) },
        body: () => JSON.stringify(change),
      },
      options,
    );
  }

  /** Retires a SKU: it is found no more until it is created again. Throws `SkuNotFound` if it is not the supplier's. */
  async retire(uuid: string, options: CallOptions & BatchNote = {}): Promise<void> {
    const headers = noteHeaders(options);
    await this.#transport.none({ method: 'DELETE', path: skuPath(uuid), headers }, options);
  }

  /** The changes of one SKU, latest first. */
  async *history(
    uuid: string,
    query: { readonly from?: string; readonly to?: string } = {},
    options: CallOptions = {},
  ): AsyncGenerator<History['history'][number], void, undefined> {
    const call = this.#transport.begin(options);
    for (let before: number | null | undefined; before !== null;) {
      const page: History = await this.#transport.json<History>(
        {
          method: 'GET',
          path: `${skuPath(uuid)}history/`,
          query: { ...query, limit: PAGE_LIMIT, before: before ?? undefined },
        },
        call,
      );
      yield* page.history;
      before = page.next_before;
    }
  }

  async *#pages(filter: SkuFilter, options: CallOptions): AsyncGenerator<SkuPage, void, undefined> {
    const call = this.#transport.begin(options);
    for (let cursor: string | null | undefined = ''; typeof cursor === 'string';) {
      const page: SkuPage = await this.page({ ...filter, cursor, limit: PAGE_LIMIT }, call);
      yield page;
      cursor = page.pagination.next_cursor;
    }
  }
}

function skuPath(uuid: string): string {
  return `${SKUS_PATH}${encodeURIComponent(uuid)}/`;
}
