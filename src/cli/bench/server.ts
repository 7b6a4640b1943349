import type { Pool } from 'undici';
import type { Line, Onhand, UpdateOptions } from '../../../client/src/index.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Remote } from '../remote/client.ts';

const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const SINGLE_PATH = '/timp/products/skus/inventory/';
const OK = 200;

interface BenchResponse {
  readonly status: number;
  readonly text: () => string;
  readonly linesFailed: number;
}

/**
 * The server to measure, with a fixed number of persistent connections. The client of `client/` would distort the
 * measurement of single updates: a request costs it 310 µs of CPU and bare `fetch` 265 µs, this 40 µs.
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

  static async open({ url, token }: Remote, connections: number): Promise<BenchServer> {
    const { Pool } = await import('undici');
    return new BenchServer(
      url,
      token,
      new Pool(new URL(url).origin, { connections, pipelining: 1 }),
    );
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
  const document = parsed(text);
  const isProblem = typeof document === 'object' && document !== null && 'detail' in document;
  return failed(`The server answered ${status}: ${isProblem ? String(document.detail) : text}`);
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

/** The prefix of the `sku_id` of every SKU that the bench creates, which makes them recognizable. */
export const BENCH_PREFIX = 'onhand-bench-';

const NUMBER_DIGITS = 7;
const NOT_FOUND = 404;
const CONCURRENT_CREATIONS = 8;

export function benchSkuId(number: number): string {
  return BENCH_PREFIX + String(number).padStart(NUMBER_DIGITS, '0');
}

/**
 * Makes sure that `count` SKUs exist, in stock and without restrictions. Reuses those of an earlier bench.
 * Stops early once `isStopped` returns true.
 *
 * @param onReady called with the number of SKUs that are ready; first before any is created
 */
export async function prepareSkus(
  onhand: Onhand,
  count: number,
  onReady: (count: number) => void,
  isStopped: () => boolean,
): Promise<void> {
  const known = linesOf(count, 1, null, isStopped);
  const missing = await missingOf(onhand, known, ({ lines, failed }) => onReady(lines - failed));
  await Promise.all(
    Array.from({ length: CONCURRENT_CREATIONS }, async () => {
      for (let id = missing.pop(); id !== undefined && !isStopped(); id = missing.pop()) {
        await onhand.skus.create({ sku_id: id });
        onReady(count - missing.length);
      }
    }),
  );
}

/** Sets the SKUs to zero and discontinues them; skips those that were never created. */
export async function discontinueSkus(onhand: Onhand, count: number): Promise<void> {
  await missingOf(onhand, linesOf(count, 0, 'discontd'));
}

/** Sends lines; returns the `sku_id` of those that do not exist. */
async function missingOf(
  onhand: Onhand,
  sent: Iterable<Line>,
  onProgress: NonNullable<UpdateOptions['onProgress']> = () => undefined,
): Promise<string[]> {
  const missing: string[] = [];
  for await (const failure of onhand.inventory.update(sent, { errorsOnly: true, onProgress })) {
    if (failure.status_code !== NOT_FOUND) throw refused(OK, failure.message);
    missing.push(String(failure.line.sku_id));
  }
  return missing;
}

function* linesOf(
  count: number,
  quantity_in_stock: number,
  restrictions: 'discontd' | null,
  isStopped = (): boolean => false,
): Generator<Line> {
  for (let number = 0; number < count && !isStopped(); number += 1) {
    yield { sku_id: benchSkuId(number), quantity_in_stock, restrictions };
  }
}
