import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** The address of a server that listens. */
export function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Passes bytes on to a server, and cuts connections: the way to a server that loses requests and answers. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** After how many bytes in either direction the next connections are cut, one after another. */
  readonly #cuts: number[];
  connections = 0;

  private constructor(target: URL, cuts: readonly number[]) {
    this.#cuts = [...cuts];
    this.#server = createServer((client) => this.#pass(client, target));
  }

  /**
   * Starts a proxy on a free port.
   *
   * @param cuts after how many bytes of requests and answers together each connection is cut; later ones are not
   */
  static async start(target: string, cuts: readonly number[]): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(target), cuts);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return urlOf(this.#server);
  }

  /** Whether every cut was made. */
  get isSpent(): boolean {
    return this.#cuts.length === 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket, target: URL): void {
    this.connections += 1;
    const server = connect(Number(target.port), target.hostname);
    let left = this.#cuts.shift() ?? Infinity;
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', cut);
      from.on('close', () => {
        this.#sockets.delete(from);
        cut();
      });
      from.on('data', (bytes) => {
        left -= bytes.length;
        if (left >= 0) to.write(bytes);
        else cut();
      });
    }
  }
}
