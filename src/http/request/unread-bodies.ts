import type { IncomingMessage, ServerResponse } from 'node:http';

export interface UnreadBodyLimits {
  /** The most that is read and discarded of a body after its response was sent, in bytes. */
  readonly discardedBytesMax: number;
  /** The longest time that it may take, in ms. */
  readonly discardedMsMax: number;
}

/**
 * Bounds what a client sends after the response. The server reads it, so that a client that sends its whole body first
 * can read the response; beyond a limit, the connection is closed.
 */
export function boundUnreadBody(
  request: IncomingMessage,
  response: ServerResponse,
  { discardedBytesMax, discardedMsMax }: UnreadBodyLimits,
): void {
  // Before Node's own listener, which would discard the rest without counting it.
  response.prependOnceListener('finish', () => {
    if (request.complete || request.destroyed) return;
    const close = (): void => void request.destroy();
    const timer = setTimeout(close, discardedMsMax).unref();
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > discardedBytesMax) close();
    });
    request.once('end', () => clearTimeout(timer));
    request.once('close', () => clearTimeout(timer));
    request.resume();
  });
}
