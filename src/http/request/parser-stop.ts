import type { Socket } from 'node:net';

/** What Node's parser takes as an order to stop: the rest of the bytes is no HTTP. */
const STOP = 2;

/**
 * Makes Node ignore the rest of what it has read from a connection that is about to be closed. Otherwise it would
 * parse up to 64 KiB in one go: thousands of requests, each kept until the connection has closed, or ten thousand
 * pieces of a body. Node has no public function for that. On a version that names these things differently, this
 * does nothing, and a test fails.
 */
export function stopParsing(socket: Socket): void {
  if (!('parser' in socket) || typeof socket.parser !== 'object' || socket.parser === null) return;
  const { parser } = socket;
  if ('onIncoming' in parser) parser.onIncoming = () => STOP;
  const key: unknown = Reflect.get(parser.constructor, 'kOnBody');
  if (typeof key !== 'number') return;
  const onBody: unknown = Reflect.get(parser, key);
  Reflect.set(parser, key, undefined);
  // Parsers are reused, from the end of this turn of the event loop on.
  setImmediate(() => Reflect.set(parser, key, onBody));
}
