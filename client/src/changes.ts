import type { ChangePage, operations } from './api-types.ts';
import type { StateStore } from './inventory.ts';
import { eventsOf } from './sse.ts';
import {
  type CallOptions,
  delay,
  failureOf,
  type Request,
  retryDelayMs,
  TIMEOUT_DEFAULT_MS,
  type Transport,
} from './transport.ts';
import { Watchdog } from './watchdog.ts';

const CHANGES_PATH = '/timp/products/skus/inventory/changes/';
const REQUEST: Request = { method: 'GET', path: CHANGES_PATH };
const WAIT_SECONDS = 30;

/** A record of the change feed: a change, or a supplier that entered or left. */
export type ChangeRecord = ChangePage['records'][number];

/** Which changes are read; see `changes.read`. */
export type ChangeQuery = Partial<operations['readChanges']['parameters']['query']>;

export interface FollowOptions extends CallOptions {
  /** Resume here: a cursor of this feed. */
  readonly cursor?: string;
  /** Where to start without a cursor: at the next change (default), or at the oldest that is stored. */
  readonly from?: 'now' | 'start';
  readonly supplierUuids?: readonly string[];
  /** How changes are waited for: by long polls (default) or server-sent events. */
  readonly via?: 'polling' | 'events';
  /** How many changes are asked for at once; 1,000 by default. */
  readonly limit?: number;
}

/** A record and the cursor from which to resume once it has been processed. */
export interface FollowedRecord {
  readonly record: ChangeRecord;
  /** Records that arrived together with this one may come again after it; recognize them by supplier and sequence. */
  readonly cursor: string;
}

interface FollowedPage {
  readonly records: readonly ChangeRecord[];
  /** After the records. */
  readonly cursor: string;
}

/** Reads the change feed. */
export class ChangesClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One page of changes. */
  async read(query: ChangeQuery = {}, options: CallOptions = {}): Promise<ChangePage> {
    return this.#transport.json<ChangePage>(
      { method: 'GET', path: CHANGES_PATH, query, waitMs: (query.wait ?? 0) * 1000 },
      options,
    );
  }

  /**
   * Every change, in order for each supplier, for ever: reconnects after errors that may pass. Ends without an error
   * when `signal` is aborted or the deadline is over. Throws `CursorExpired` if the cursor is older than the stored
   * changes: read the list of SKUs again. `retries` limits how often in a row nothing is reached; without it there is
   * no limit.
   */
  async *follow(options: FollowOptions = {}): AsyncGenerator<FollowedRecord, void, undefined> {
    for await (const { records, cursor, before } of this.#pages(options)) {
      for (const [place, record] of records.entries()) {
        yield { record, cursor: place === records.length - 1 ? cursor : before };
      }
    }
  }

  /**
   * Gives every change to `handler`, and stores the cursor after the handler succeeded: after a crash, the changes
   * that were not stored are given again. Ends as `follow` does; rejects if the handler does.
   *
   * @param handler receives one or more records at once
   */
  async consume(
    handler: (records: readonly ChangeRecord[]) => Promise<void> | void,
    store: StateStore<string>,
    options: Omit<FollowOptions, 'cursor'> = {},
  ): Promise<void> {
    let cursor = await store.load();
    for await (const page of this.#pages({ ...options, ...(cursor !== undefined && { cursor }) })) {
      if (page.records.length > 0) await handler(page.records);
      // Also the first one, before any change: a restart must not start at a later "now".
      if (page.cursor !== cursor) await store.save(page.cursor);
      ({ cursor } = page);
    }
  }

  /** Pages and the cursor before each. The first may be empty: it has the cursor from which the feed starts. */
  async *#pages(
    options: FollowOptions,
  ): AsyncGenerator<FollowedPage & { readonly before: string }, void, undefined> {
    const end = this.#transport.end(options);
    try {
      yield* this.#pagesUntil(end.signal, options);
    } finally {
      end.stop();
    }
  }

  async *#pagesUntil(
    signal: AbortSignal | undefined,
    options: FollowOptions,
  ): AsyncGenerator<FollowedPage & { readonly before: string }, void, undefined> {
    const isEnded = (): boolean => signal?.aborted === true;
    const { retries: limit = Infinity, retryForMs } = options;
    const retries = this.#transport.retries({ retries: limit, retryForMs }, signal);
    let { cursor } = options;
    for (;;) {
      try {
        const pages =
          options.via === 'events' && cursor !== undefined
            ? this.#events({ ...options, cursor }, signal)
            : this.#poll(options, cursor, signal);
        for await (const page of pages) {
          retries.reset();
          const before = cursor ?? page.cursor;
          cursor = page.cursor;
          yield { ...page, before };
          if (isEnded()) return;
        }
        // The server ended the stream, perhaps because it restarts.
        if (options.via === 'events') await delay(retryDelayMs(1), signal, REQUEST);
      } catch (error) {
        if (isEnded()) return;
        try {
          await retries.waitAfter(failureOf(error, REQUEST), REQUEST);
        } catch (failure) {
          if (isEnded()) return;
          throw failure;
        }
      }
    }
  }

  /** One page; waits for a change unless it is the first. */
  async *#poll(
    { from = 'now', supplierUuids, limit, timeoutMs }: FollowOptions,
    cursor: string | undefined,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<FollowedPage> {
    const query: ChangeQuery = {
      ...(cursor === undefined ? { from } : { after: cursor, wait: WAIT_SECONDS }),
      ...(supplierUuids !== undefined && { supplier_uuids: supplierUuids }),
      ...(limit !== undefined && { limit }),
    };
    yield await this.read(query, {
      retries: 0,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(signal !== undefined && { signal }),
    });
  }

  /** Server-sent events until the connection ends. Events that share a cursor are one page. */
  async *#events(
    {
      cursor,
      supplierUuids,
      timeoutMs = TIMEOUT_DEFAULT_MS,
    }: FollowOptions & { readonly cursor: string },
    signal: AbortSignal | undefined,
  ): AsyncGenerator<FollowedPage> {
    const silence = new Watchdog(timeoutMs);
    const request: Request = {
      method: 'GET',
      path: CHANGES_PATH,
      query: {
        after: cursor,
        ...(supplierUuids !== undefined && { supplier_uuids: supplierUuids }),
      },
      headers: { accept: 'text/event-stream' },
    };
    try {
      const both =
        signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]);
      const { body } = await this.#transport.open(request, both);
      if (body === null) return;
      let records: ChangeRecord[] = [];
      let last = cursor;
      for await (const { id, data } of eventsOf(body, () => silence.reset())) {
        records.push(JSON.parse(data));
        if (id === undefined || id === last) continue;
        last = id;
        yield { records, cursor: id };
        records = [];
      }
    } finally {
      silence.stop();
    }
  }
}
