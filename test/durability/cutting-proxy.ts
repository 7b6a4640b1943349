import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** When a connection is cut: before the server gets the request, or before the client gets the answer. */
export type CutAt = 'request' | 'answer';

/** The commit message of PostgreSQL. The NUL excludes `BEGIN ISOLATION LEVEL READ COMMITTED`. */
export const COMMIT = 'COMMIT\0';

interface Plan {
  serverPort: number;
  cut: { readonly word: string; readonly at: CutAt } | undefined;
}

/** A proxy between clients and a server that can cut connections when a client sends a given word. */
export class CuttingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #plan: Plan;

  private constructor(server: Server, sockets: Set<Socket>, plan: Plan) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.port = address.port;
    this.#server = server;
    this.#sockets = sockets;
    this.#plan = plan;
  }

  static async start(serverPort: number): Promise<CuttingProxy> {
    const sockets = new Set<Socket>();
    const plan: Plan = { serverPort, cut: undefined };
    const server = createServer((client) => {
      const upstream = connect(plan.serverPort, '127.0.0.1');
      const both = [client, upstream];
      for (const socket of both) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          sockets.delete(socket);
          for (const other of both) other.destroy();
        });
      }
      let isAnswerDropped = false;
      client.on('data', (chunk) => {
        const { cut } = plan;
        if (cut !== undefined && chunk.includes(cut.word)) {
          plan.cut = undefined;
          if (cut.at === 'request') {
            client.destroy();
            return;
          }
          isAnswerDropped = true;
        }
        upstream.write(chunk);
      });
      upstream.on('data', (chunk) => {
        if (isAnswerDropped) client.destroy();
        else client.write(chunk);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttingProxy(server, sockets, plan);
  }

  /** Cuts the next connection whose client sends `word`, once. */
  cutNext(word: string, at: CutAt): void {
    this.#plan.cut = { word, at };
  }

  /** Directs new connections to another server. */
  pointTo(serverPort: number): void {
    this.#plan.serverPort = serverPort;
  }

  /** Cuts every open connection. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
