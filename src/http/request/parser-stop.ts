import type { Socket } from 'node:net';

/** What Node's parser takes as an order to stop: the rest of the bytes is no HTTP. */
const STOP = 2;

/** What Node's parser calls with a piece of a body, and at the end of a message. */
const BODY_CALLBACKS = ['kOnBody', 'kOnMessageComplete'] as const;

/**
 * Makes Node ignore the rest of what it reads from a connection that is about to be closed. Otherwise it would
 * parse up to 64 KiB in one go: thousands of requests, each kept until the connection has closed, or ten thousand
 * pieces of a body. The request does not end either: its reader would take the beginning of the body for all of it. Node
 * has no public function for that. On a version that names these things differently, this does nothing, and a test fails.
 */
export function stopParsing(socket: Socket): void {
  if (!('parser' in socket) || typeof socket.parser !== 'object' || socket.parser === null) return;
  const { parser } = socket;
  if ('onIncoming' in parser) parser.onIncoming = () => STOP;
  for (const name of BODY_CALLBACKS) {
    const key: unknown = Reflect.get(parser.constructor, name);
    if (typeof key !== 'number') continue;
    const callback: unknown = Reflect.get(parser, key);
    if (callback === undefined) continue;
    Reflect.set(parser, key, undefined);
    // Node reuses the parser for another connection once this one has closed.
    socket.once('close', () => Reflect.set(parser, key, callback));
  }
}
