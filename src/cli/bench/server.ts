import type { Pool } from 'undici';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { readToken, serverUrl, type RemoteOptions } from '../remote/options.ts';

const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const SINGLE_PATH = '/timp/products/skus/inventory/';
const SKUS_PATH = '/timp/products/skus/';
const CREATED = 201;
const OK = 200;

interface BenchResponse {
  readonly status: number;
  readonly text: () => string;
  readonly linesFailed: number;
}

/**
 * The server to measure, with a fixed number of persistent connections. The client of `client/` would distort the
 * measurement: `fetch` costs several times as much per request, and does not limit the connections.
 */
export class BenchServer {
  readonly #pool: Pool;
  readonly #url: string;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(url: string, token: string, pool: Pool) {
    this.#url = url;
    this.#path = new URL(url).pathname.replace(/\/+$/, '');
    this.#headers = { authorization: `Token ${token}`, 'content-type': 'application/json' };
    this.#pool = pool;
  }

  /** Rejects with `parameter_invalid` if there is no token. */
  static async open(
    context: CommandContext,
    options: RemoteOptions,
    connections: number,
  ): Promise<BenchServer> {
    const token = await readToken(context, options);
    const { Pool } = await import('undici');
    const url = serverUrl(context, options);
    const { origin } = new URL(url);
    return new BenchServer(url, token, new Pool(origin, { connections, pipelining: 1 }));
  }

  /** Sends one line or an array of lines; rejects with `parameter_invalid` unless all were applied. */
  async update(body: string): Promise<void> {
    const { status, text, linesFailed } = await this.#post(
      body.startsWith('[') ? BULK_PATH : SINGLE_PATH,
      body,
    );
    if (status !== OK) throw refused(status, text());
    if (linesFailed > 0) throw refused(status, `${linesFailed} lines failed: ${text()}`);
  }

  /** Sends an array of lines; returns the indexes of those whose SKU does not exist. */
  async updateExisting(body: string): Promise<readonly number[]> {
    const { status, text, linesFailed } = await this.#post(`${BULK_PATH}?errors_only=true`, body);
    if (status !== OK) throw refused(status, text());
    if (linesFailed === 0) return [];
    const failures: unknown = JSON.parse(text());
    if (!Array.isArray(failures)) throw refused(status, text());
    return failures.map((failure: unknown) => {
      const index = memberOf(failure, 'index');
      if (memberOf(failure, 'status_code') === 404 && typeof index === 'number') return index;
      throw refused(OK, String(memberOf(failure, 'message')));
    });
  }

  async createSku(skuId: string): Promise<void> {
    const { status, text } = await this.#post(SKUS_PATH, JSON.stringify({ sku_id: skuId }));
    if (status !== CREATED) throw refused(status, text());
  }

  /** `dispatch` costs two thirds of `request`, which creates a stream for each response. */
  #post(path: string, body: string): Promise<BenchResponse> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let status = 0;
      let linesFailed = 0;
      const headers = this.#headers;
      this.#pool.dispatch(
        { method: 'POST', path: this.#path + path, headers, body },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, statusCode, responseHeaders) => {
            status = statusCode;
            linesFailed = Number(responseHeaders['lines-failed'] ?? 0);
          },
          onResponseData: (_controller, chunk) => {
            chunks.push(chunk);
          },
          onResponseEnd: () => {
            resolve({ status, linesFailed, text: () => Buffer.concat(chunks).toString() });
          },
          onResponseError: (_controller, { message }) => {
            reject(failed(`No server responds at ${this.#url}: ${message}. Check --url.`));
          },
        },
      );
    });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** The text of a problem document is its detail; any other is quoted. */
function refused(status: number, text: string): OnhandError {
  const detail = memberOf(parsed(text), 'detail');
  return failed(`The server answered ${status}: ${typeof detail === 'string' ? detail : text}`);
}

function failed(message: string): OnhandError {
  return new OnhandError('parameter_invalid', message);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The prefix of the `sku_id` of every SKU that the bench creates, which makes them recognizable. */
export const BENCH_PREFIX = 'onhand-bench-';

const NUMBER_DIGITS = 7;
const CHUNK_LINES = 1000;
const CONCURRENT_CREATIONS = 8;

export function benchSkuId(number: number): string {
  return BENCH_PREFIX + String(number).padStart(NUMBER_DIGITS, '0');
}

/** Called with the number of SKUs that are ready; first before any is created. */
type OnDone = (count: number) => void;

/**
 * Makes sure that `count` SKUs exist, in stock and without restrictions. Reuses those of an earlier bench.
 * Stops early once `isStopped` returns true.
 */
export async function prepareSkus(
  server: BenchServer,
  count: number,
  { onDone, isStopped }: { readonly onDone: OnDone; readonly isStopped: () => boolean },
): Promise<void> {
  for (let first = 0; first < count && !isStopped(); first += CHUNK_LINES) {
    const numbers = numbersFrom(first, count);
    const missing = await server.updateExisting(linesOf(numbers, 1, null));
    onDone(first);
    const toCreate = missing.map((index) => benchSkuId(first + index));
    await Promise.all(
      Array.from({ length: CONCURRENT_CREATIONS }, async () => {
        for (let skuId = toCreate.pop(); skuId !== undefined; skuId = toCreate.pop()) {
          await server.createSku(skuId);
        }
      }),
    );
    onDone(first + numbers.length);
  }
}

/** Sets the SKUs to zero and discontinues them; skips those that were never created. */
export async function discontinueSkus(server: BenchServer, count: number): Promise<void> {
  for (let first = 0; first < count; first += CHUNK_LINES) {
    await server.updateExisting(linesOf(numbersFrom(first, count), 0, 'discontd'));
  }
}

function numbersFrom(first: number, count: number): readonly number[] {
  return Array.from({ length: Math.min(CHUNK_LINES, count - first) }, (_, i) => first + i);
}

function linesOf(numbers: readonly number[], quantity: number, restrictions: string | null) {
  return JSON.stringify(
    numbers.map((number) => {
      return { sku_id: benchSkuId(number), quantity_in_stock: quantity, restrictions };
    }),
  );
}
