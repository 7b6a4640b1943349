import { expect } from 'vitest';
import { at, skuOf, textAt } from '../answers.ts';
import { BULK, SINGLE, type Answer, type TestServer } from '../harness.ts';

export const BATCHES = '/timp/products/skus/inventory/batches/';
export const SUCCESS = { status_code: 200, message: 'success' };

interface Sending {
  /** With its question mark: `?dry_run=true`. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A supplier's client that writes inventory and reads it back. */
export class SupplierClient {
  readonly #server: TestServer;
  readonly token: string;

  constructor(server: TestServer, token: string) {
    this.#server = server;
    this.token = token;
  }

  bulk(lines: unknown, { query = '', headers = {} }: Sending = {}): Promise<Answer> {
    return this.#server.ask('POST', BULK + query, { token: this.token, headers, body: lines });
  }

  single(line: unknown, { query = '', headers = {} }: Sending = {}): Promise<Answer> {
    return this.#server.ask('POST', SINGLE + query, { token: this.token, headers, body: line });
  }

  /** The status codes of the results, in order. */
  async statuses(lines: unknown, sending: Sending = {}): Promise<readonly unknown[]> {
    const answer = await this.bulk(lines, sending);
    return statusesOf(answer);
  }

  get(path: string): Promise<Answer> {
    return this.#server.ask('GET', path, { token: this.token });
  }

  post(
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: unknown,
  ): Promise<Answer> {
    return this.#server.ask('POST', path, {
      token: this.token,
      headers,
      ...(body !== undefined && { body }),
    });
  }

  /** The `quantity_in_stock` of a SKU. */
  async stockOf(skuId: string): Promise<unknown> {
    return at(await skuOf(this.#server, this.token, skuId), 'quantity_in_stock');
  }

  async batchCount(): Promise<unknown> {
    return at((await this.get(`${BATCHES}?limit=1`)).json, 'pagination', 'total_count');
  }
}

export function statusesOf(answer: Answer): readonly unknown[] {
  expect(answer.status, answer.text).toBe(200);
  if (!Array.isArray(answer.json)) throw new Error(`no array: ${answer.text}`);
  return answer.json.map((result) => at(result, 'status_code'));
}

/** The message of the result at an index. */
export function messageOf(answer: Answer, index: number): string {
  return textAt(answer.json, index, 'message');
}

export function batchIdOf(answer: Answer): string {
  const uuid = answer.headers.get('batch-id');
  if (uuid === null) throw new Error(`no Batch-Id: ${answer.status} ${answer.text}`);
  return uuid;
}

/** An inventory as the API returns it; fields that are not given are null. */
export function inventory(fields: Readonly<Record<string, unknown>>): unknown {
  return {
    quantity_in_stock: null,
    quantity_on_backorder: null,
    restrictions: null,
    backorder_date: null,
    ...fields,
  };
}

/** The time `seconds` from now, in ISO format. */
export function fromNow(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}
