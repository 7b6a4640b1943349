import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { BULK } from '../harness.ts';

interface Opening {
  readonly token: string;
  /** With its question mark: `?dry_run=true`. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client that sends rows and reads results one by one. */
export class StreamClient {
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;
  readonly #rows: AsyncGenerator<unknown, undefined, undefined>;

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.response = response;
    this.#rows = rowsOf(response);
    response.on('error', () => undefined);
  }

  /** Resolves when the headers of the reply have arrived, before any row is sent. */
  static async open(url: string, { token, query = '', headers }: Opening): Promise<StreamClient> {
    const sent = request(url + BULK + query, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Token ${token}`,
        'content-type': 'application/x-ndjson',
        ...headers,
      },
    });
    // The reply shows that a stream was aborted.
    sent.on('error', () => undefined);
    sent.flushHeaders();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
    });
    const client = new StreamClient(sent, response);
    // Starts reading.
    await client.#rows.next();
    return client;
  }

  /** Sends bytes, or one row per line. Resolves when the kernel has them. */
  send(rows: string | Uint8Array | readonly object[]): Promise<void> {
    const bytes = Array.isArray(rows)
      ? rows.map((row) => `${JSON.stringify(row)}\n`).join('')
      : rows;
    return new Promise((resolve) => {
      this.#request.write(bytes, () => resolve());
    });
  }

  /** Ends the request body. */
  end(): void {
    this.#request.end();
  }

  /** The next row of the reply. Rejects if the reply has ended. */
  async row(): Promise<unknown> {
    const { value, done } = await this.#rows.next();
    if (done === true) throw new Error('the reply has ended');
    return value;
  }

  async rows(count: number): Promise<readonly unknown[]> {
    const rows: unknown[] = [];
    while (rows.length < count) rows.push(await this.row());
    return rows;
  }

  /** The remaining rows, and whether the reply was complete. */
  async rest(): Promise<{ readonly rows: readonly unknown[]; readonly isWhole: boolean }> {
    const rows: unknown[] = [];
    for (;;) {
      const { value, done } = await this.#rows.next();
      if (done === true) break;
      rows.push(value);
    }
    return { rows, isWhole: this.response.complete };
  }

  /** Disconnects at once. */
  async destroy(): Promise<void> {
    const closed = new Promise((resolve) => this.response.once('close', resolve));
    this.#request.destroy();
    await closed;
  }
}

/** Reads eagerly, because data that is unread when a reply is cut off is lost. */
async function* rowsOf(response: IncomingMessage): AsyncGenerator<unknown, undefined, undefined> {
  const body = response.headers['content-encoding'] === 'gzip' ? inflated(response) : response;
  let received = '';
  let isOver = false;
  let wake: (() => void) | undefined;
  body.setEncoding('utf8');
  body.on('data', (text: string) => {
    received += text;
    wake?.();
  });
  body.once('close', () => {
    isOver = true;
    wake?.();
  });
  yield undefined;
  for (;;) {
    const rows = received.split('\n');
    received = rows.pop() ?? '';
    for (const row of rows) yield JSON.parse(row);
    if (rows.length > 0) continue;
    if (isOver) break;
    await new Promise<void>((resolve) => (wake = resolve));
  }
  if (received !== '' && response.complete) throw new Error(`half a row came: ${received}`);
  return undefined;
}

/** Decompresses a response; ends when the response ends, even if it is cut off. */
function inflated(response: IncomingMessage): Readable {
  const gunzip = createGunzip();
  response.once('close', () => gunzip.end());
  return response.pipe(gunzip, { end: false });
}
