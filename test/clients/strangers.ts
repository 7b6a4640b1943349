import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { urlOf } from './cutting-proxy.ts';

/** What answers in place of the server: a proxy, a page of a network, a host that hangs. */
export type Stranger = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers each request with a redirect to the same path of another server. */
export function redirectTo(target: string): Stranger {
  return (request, response) => {
    response.writeHead(307, { location: new URL(request.url ?? '', target).href }).end();
  };
}

/** Answers one request after another; the last answer is that of all later requests too. */
export function answering(...answers: readonly ((response: ServerResponse) => void)[]): Stranger {
  let count = 0;
  return (_request, response) => {
    answers[Math.min(count, answers.length - 1)]?.(response);
    count += 1;
  };
}

/** A whole answer. */
export function answer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): (response: ServerResponse) => void {
  return (response) => response.writeHead(status, headers).end(body);
}

/** The begin of an answer, after which nothing arrives. */
export function silentAfter(body: string): (response: ServerResponse) => void {
  return (response) => void response.write(body);
}

/** The begin of an answer, after which the connection is closed. */
export function cutAfter(body: string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { 'content-length': String(body.length + 1) });
    response.write(body, () => response.destroy());
  };
}

/** Starts a server that reads each request to its end and then lets the stranger answer. */
export async function startStranger(
  stranger: Stranger,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => stranger(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: urlOf(server),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
