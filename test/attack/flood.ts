import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

interface Connection {
  readonly socket: Socket;
  /** The status of the first response; undefined until it arrives. */
  status: number | undefined;
}

/** Many connections of an attacker, each of which sends the same. */
export class Flood {
  readonly #connections: readonly Connection[];

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections;
  }

  /** Opens `count` connections and sends `text` on each. */
  static async send(url: string, count: number, text: string): Promise<Flood> {
    const { hostname, port } = new URL(url);
    const connections = await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect({ host: hostname, port: Number(port) });
        socket.pause();
        await once(socket, 'connect');
        // A reset by the server is an end like any other.
        socket.on('error', () => undefined);
        socket.write(text);
        return { socket, status: undefined };
      }),
    );
    return new Flood(connections);
  }

  /** Reads until each connection has a response or is closed; returns how many have which status. */
  async statuses(): Promise<ReadonlyMap<number, number>> {
    await Promise.all(
      this.#connections.map(async (connection) => {
        const { socket } = connection;
        let received = '';
        socket.setEncoding('latin1');
        const closed = socket.closed || once(socket, 'close').then(() => true);
        while (connection.status === undefined) {
          const got: unknown = socket.read();
          if (typeof got === 'string') received += got;
          const status = /^HTTP\/1\.1 ([0-9]{3}) /.exec(received)?.[1];
          if (status !== undefined) connection.status = Number(status);
          else if ((await Promise.race([once(socket, 'readable'), closed])) === true) return;
        }
      }),
    );
    const counts = new Map<number, number>();
    for (const { status = 0 } of this.#connections) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    return counts;
  }

  close(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }
}
