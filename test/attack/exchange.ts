import { once } from 'node:events';
import { connect } from 'node:net';

/** How long a connection is read on after the last piece, if the server does not close it. */
const QUIET_MS = 3000;
const STATUS = /HTTP\/1\.1 ([0-9]{3}) /g;

/**
 * Sends bytes on one connection, no faster than the server reads them, and reads all that comes back. Returns the status
 * of each response in it, in order. Ends when the server closes the connection, or is quiet.
 */
export async function exchange(
  url: string,
  pieces: Iterable<string | Uint8Array>,
): Promise<readonly number[]> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const statuses: number[] = [];
  let tail = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    tail += text;
    for (const [, status] of tail.matchAll(STATUS)) statuses.push(Number(status));
    // The beginning of a status line that the next bytes complete; never a whole one.
    const begun = tail.lastIndexOf('HTTP/1.1');
    tail = begun >= 0 && tail.length - begun < 'HTTP/1.1 200 '.length ? tail.slice(begun) : '';
  });
  // A reset by the server is an end like any other.
  socket.on('error', () => undefined);
  const closed = socket.closed ? Promise.resolve() : once(socket, 'close').catch(() => undefined);
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (socket.destroyed) break;
    if (!socket.write(piece))
      await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
  }
  socket.setTimeout(QUIET_MS, () => socket.destroy());
  await closed;
  return statuses;
}
