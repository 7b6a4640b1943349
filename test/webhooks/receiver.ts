import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { RECEIVER_CERTIFICATE, RECEIVER_KEY } from './certificate.ts';

/** A received request. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = (response: ServerResponse, request: Received) => void;

/** A webhook receiver on the loopback interface. */
export class Receiver {
  readonly port: number;
  readonly received: Received[];
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>, received: Received[], port: number) {
    this.#server = server;
    this.#sockets = sockets;
    this.received = received;
    this.port = port;
  }

  /** A receiver that reads each request and answers it. */
  static http(answer: Answer): Promise<Receiver> {
    const received: Received[] = [];
    return Receiver.#listen(createServer(recording(received, answer)), received);
  }

  static https(answer: Answer): Promise<Receiver> {
    const received: Received[] = [];
    const options = { key: RECEIVER_KEY, cert: RECEIVER_CERTIFICATE };
    return Receiver.#listen(createTlsServer(options, recording(received, answer)), received);
  }

  /** A receiver that handles raw connections. */
  static tcp(onConnection: (socket: Socket) => void): Promise<Receiver> {
    return Receiver.#listen(createTcpServer(onConnection), []);
  }

  static async #listen(server: Server, received: Received[]): Promise<Receiver> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Receiver(server, sockets, received, portOf(server.address()));
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('there is no port');
  return address.port;
}

function recording(
  received: Received[],
  answer: Answer,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const chunks: string[] = [];
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      );
      const { method = '', url: path = '' } = request;
      const whole = { method, path, headers, body: chunks.join('') };
      received.push(whole);
      answer(response, whole);
    });
  };
}
