import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../random.ts';
import { at, textAt } from '../../http/answers.ts';
import type { StockInput, StockOperation, StockOutput } from './stock.ts';

/** A SKU whose history is recorded. */
export interface RecordedSku {
  readonly skuId: string;
  readonly uuid: string;
  readonly initial: number;
  readonly history: StockOperation[];
}

const SKUS = '/timp/products/skus/';
const SINGLE = '/timp/products/skus/inventory/';
/** Small numbers, so that compare-and-set often finds what it expects. */
const STOCK_MAX = 6;
const RETRY_MS = 40;
const THINKING_MS_MAX = 12;

/** The server is unavailable, or the connection was cut: the request may have been applied or not. */
const UNKNOWN: unique symbol = Symbol('unknown');

/** Clients that read and write the same few SKUs through all nodes. */
export class StockClients {
  /** The number of operations that were answered. */
  answered = 0;
  readonly #urls: readonly string[];
  readonly #token: string;
  readonly #random: Random;
  readonly #prefix: string;
  #skus: readonly RecordedSku[] = [];
  #keys = 0;
  #isOver = false;
  #clients: Promise<unknown> = Promise.resolve();

  /** @param prefix of idempotency keys and SKUs; different for each run on a database */
  constructor(urls: readonly string[], token: string, random: Random, prefix: string) {
    this.#urls = urls;
    this.#token = token;
    this.#random = random;
    this.#prefix = prefix;
  }

  get skus(): readonly RecordedSku[] {
    return this.#skus;
  }

  /** Creates new SKUs, so that no late write of an earlier round reaches them; then starts the clients. */
  async start(skuCount: number, clientCount: number): Promise<void> {
    const skus: RecordedSku[] = [];
    for (let i = 0; i < skuCount; i += 1) {
      const skuId = `${this.#prefix}-${i}`;
      const response = await fetch(this.#url(0) + SKUS, {
        method: 'POST',
        headers: this.#headers(),
        body: JSON.stringify({ sku_id: skuId, quantity_in_stock: 3 }),
      });
      const sku: unknown = await response.json();
      if (response.status !== 201) throw new Error(JSON.stringify(sku));
      skus.push({ skuId, uuid: textAt(sku, 'uuid'), initial: 3, history: [] });
    }
    this.#skus = skus;
    this.#clients = Promise.all(Array.from({ length: clientCount }, (_, i) => this.#run(i)));
  }

  /** Resolves when every client has ended its operation. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#clients;
  }

  async #run(client: number): Promise<void> {
    // After an operation without an answer, the client counts as another one: the operation may still take effect.
    let life = 0;
    while (!this.#isOver) {
      const sku = this.#random.pick(this.#skus);
      const input = this.#input();
      // Half of the writes have a key, and are repeated on any node until they are answered.
      const key = this.#random.chance(0.5) ? `${this.#prefix}-${(this.#keys += 1)}` : undefined;
      const calledAt = performance.now();
      const output = await this.#perform(sku, input, key, client);
      const returnedAt = output === undefined ? Infinity : performance.now();
      if (output !== undefined) this.answered += 1;
      // A read without an answer constrains nothing.
      if (output !== undefined || input.kind !== 'read')
        sku.history.push({
          client: `client ${client}.${life}`,
          input,
          output,
          calledAt,
          returnedAt,
        });
      if (output === undefined) {
        life += 1;
        await delay(RETRY_MS);
      }
      await delay(this.#random.below(THINKING_MS_MAX));
    }
  }

  #input(): StockInput {
    const stock = (): number => this.#random.below(STOCK_MAX);
    switch (this.#random.below(4)) {
      case 0:
        return { kind: 'set', to: stock() };
      case 1:
        return { kind: 'compareAndSet', expected: stock(), to: stock() };
      case 2:
        return { kind: 'change', by: this.#random.pick([-2, -1, 1, 2]) };
      default:
        return { kind: 'read' };
    }
  }

  /** Undefined if the outcome is unknown. */
  async #perform(
    sku: RecordedSku,
    input: StockInput,
    key: string | undefined,
    client: number,
  ): Promise<StockOutput | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      const url = this.#url(client + attempt);
      const output =
        input.kind === 'read'
          ? await this.#read(url, sku)
          : await this.#write(url, bodyOf(sku.skuId, input), key);
      if (output !== UNKNOWN) return output;
      if (key === undefined || input.kind === 'read') return undefined;
      await delay(RETRY_MS);
    }
  }

  async #read(url: string, { uuid }: RecordedSku): Promise<StockOutput | typeof UNKNOWN> {
    const answer = await this.#ask(`${url}${SKUS}${uuid}/`, { headers: this.#headers() });
    if (answer === UNKNOWN) return UNKNOWN;
    if (answer.status !== 200) throw new Error(JSON.stringify(answer));
    return { kind: 'read', stock: Number(at(answer.body, 'quantity_in_stock')) };
  }

  async #write(
    url: string,
    body: object,
    key: string | undefined,
  ): Promise<StockOutput | typeof UNKNOWN> {
    const answer = await this.#ask(url + SINGLE, {
      method: 'POST',
      headers: {
        ...this.#headers(),
        prefer: 'return=representation',
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
    if (answer === UNKNOWN || answer.status === 409) return UNKNOWN;
    if (answer.status === 200) {
      const stockOf = (when: string): number =>
        Number(at(at(answer.body, when), 'quantity_in_stock'));
      return { kind: 'applied', before: stockOf('before'), after: stockOf('after') };
    }
    const found = /^quantity_in_stock is ([0-9]+)/.exec(textAt(answer.body, 'detail'))?.[1];
    if (found === undefined) throw new Error(JSON.stringify(answer));
    return { kind: 'refused', stock: Number(found) };
  }

  async #ask(
    url: string,
    init: RequestInit,
  ): Promise<{ readonly status: number; readonly body: unknown } | typeof UNKNOWN> {
    try {
      const response = await fetch(url, init);
      const body: unknown = await response.json();
      return response.status === 503 ? UNKNOWN : { status: response.status, body };
    } catch (error) {
      // The connection ended, perhaps in the middle of the response.
      if (error instanceof TypeError || error instanceof SyntaxError) return UNKNOWN;
      throw error;
    }
  }

  #headers(): Record<string, string> {
    return { authorization: `Token ${this.#token}`, 'content-type': 'application/json' };
  }

  #url(i: number): string {
    const url = this.#urls[i % this.#urls.length];
    if (url === undefined) throw new Error('missing node');
    return url;
  }
}

function bodyOf(skuId: string, input: StockInput): object {
  switch (input.kind) {
    case 'set':
      return { sku_id: skuId, quantity_in_stock: input.to };
    case 'compareAndSet':
      return {
        sku_id: skuId,
        quantity_in_stock: input.to,
        expected_quantity_in_stock: input.expected,
      };
    case 'change':
      return { sku_id: skuId, quantity_in_stock_change: input.by };
    case 'read':
      throw new Error('a read has no body');
  }
}
