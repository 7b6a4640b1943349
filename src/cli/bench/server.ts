import { Pool } from 'undici';
import {
  problemText,
  RemoteRefusal,
  tokenOf,
  unreachable,
  type RemoteOptions,
} from '../remote/client.ts';

const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const SINGLE_PATH = '/timp/products/skus/inventory/';
const SKUS_PATH = '/timp/products/skus/';
const CREATED = 201;
const OK = 200;

interface Reply {
  readonly status: number;
  readonly text: () => string;
  readonly linesFailed: number;
}

/** A server that is measured, over a fixed number of connections that are kept open. */
export class BenchServer {
  readonly #pool: Pool;
  readonly #url: string;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** Throws `parameter_invalid` where there is no token. */
  constructor(options: RemoteOptions, connections: number) {
    const { origin, pathname } = new URL(options.url);
    this.#url = options.url;
    this.#path = pathname.replace(/\/+$/, '');
    this.#headers = {
      authorization: `Token ${tokenOf(options)}`,
      'content-type': 'application/json',
    };
    this.#pool = new Pool(origin, { connections, pipelining: 1 });
  }

  /** Sends one line, or an array of lines; rejects with `RemoteRefusal` unless each was applied. */
  async update(body: string): Promise<void> {
    const { status, text, linesFailed } = await this.#post(
      body.startsWith('[') ? BULK_PATH : SINGLE_PATH,
      body,
    );
    if (status !== OK) throw refusal(status, text());
    if (linesFailed > 0) throw new RemoteRefusal(status, `${linesFailed} lines failed: ${text()}`);
  }

  /** Sends an array of lines; gives the places of those that name no SKU. */
  async updateThoseThere(body: string): Promise<readonly number[]> {
    const { status, text, linesFailed } = await this.#post(`${BULK_PATH}?errors_only=true`, body);
    if (status !== OK) throw refusal(status, text());
    if (linesFailed === 0) return [];
    const failures: unknown = JSON.parse(text());
    if (!Array.isArray(failures)) throw refusal(status, text());
    return failures.map((failure: unknown) => {
      const index = memberOf(failure, 'index');
      if (memberOf(failure, 'status_code') === 404 && typeof index === 'number') return index;
      throw new RemoteRefusal(OK, String(memberOf(failure, 'message')));
    });
  }

  async createSku(skuId: string): Promise<void> {
    const { status, text } = await this.#post(SKUS_PATH, JSON.stringify({ sku_id: skuId }));
    if (status !== CREATED) throw refusal(status, text());
  }

  /** Costs two thirds of what `request` does, which makes a stream of each reply. */
  #post(path: string, body: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let status = 0;
      let linesFailed = 0;
      const headers = this.#headers;
      this.#pool.dispatch(
        { method: 'POST', path: this.#path + path, headers, body },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_controller, statusCode, answered) => {
            status = statusCode;
            linesFailed = Number(answered['lines-failed'] ?? 0);
          },
          onResponseData: (_controller, chunk) => {
            chunks.push(chunk);
          },
          onResponseEnd: () => {
            resolve({ status, linesFailed, text: () => Buffer.concat(chunks).toString() });
          },
          onResponseError: (_controller, error) => reject(unreachable(this.#url, error)),
        },
      );
    });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

function refusal(status: number, text: string): RemoteRefusal {
  return new RemoteRefusal(
    status,
    problemText(parsed(text)) ?? 'it is no onhand, or not all well.',
  );
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
