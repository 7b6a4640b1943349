import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A TCP connection for sending raw bytes. */
export class RawConnection {
  readonly #socket: Socket;
  #received = '';
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#received += text;
    });
    // A reset by the peer counts as a close.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
    });
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Resolves when the kernel has the bytes. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Resolves to all received text as soon as it matches. Rejects if the connection closes before that. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.#closed) throw new Error(`closed after: ${this.#received}`);
      await Promise.race([once(this.#socket, 'data'), once(this.#socket, 'close')]);
    }
    return this.#received;
  }

  /** Resolves to all received text when the peer has closed the connection. */
  async rest(): Promise<string> {
    if (!this.#closed) await new Promise((resolve) => this.#socket.once('close', resolve));
    return this.#received;
  }

  /** Disconnects at once; with a reset if there is unread data. */
  async destroy(): Promise<void> {
    if (this.#closed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.destroy();
    await closed;
  }
}

/** Sends raw bytes and returns the answer, read until the server closes the connection. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const connection = await RawConnection.open(url);
  await connection.send(bytes);
  return parseAnswer(await connection.rest());
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

/** Parses an HTTP/1.1 response whose body is not chunked. */
export function parseAnswer(received: string): RawAnswer {
  const [head = '', ...body] = received.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const text = body.join('\r\n\r\n');
  const json: unknown = text === '' ? undefined : JSON.parse(text);
  return { status: Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(statusLine)?.[1]), headers, text, json };
}
