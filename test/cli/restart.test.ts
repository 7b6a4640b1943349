import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Workplace } from './onhand.ts';
import { SocketHolder } from './socket-holder.ts';

const REQUEST = 'GET /healthz HTTP/1.1\r\nHost: onhand\r\n\r\n';

let work: Workplace;
let holder: SocketHolder;
beforeEach(async () => {
  work = await Workplace.make();
});
afterEach(async () => {
  holder.close();
  await work.remove();
});

/** A keep-alive connection. */
async function open() {
  const socket = connect(holder.port, '127.0.0.1');
  await once(socket, 'connect');
  const ask = async (): Promise<string> => {
    const answered = once(socket, 'data');
    socket.write(REQUEST);
    return String(await answered);
  };
  return { socket, ask, closed: once(socket, 'close') };
}

test('connections wait for the next server, which answers them, and the old one has clients leave before it ends', async () => {
  // Longer than any test: the server must not wait for it once all clients have left.
  holder = await SocketHolder.listen(work.database.url, { ONHAND_DRAIN_MS: '600000' });
  const early = await open();
  const earlyAnswer = early.ask();
  holder.start();
  expect(await earlyAnswer).toMatch(/^HTTP\/1\.1 200 [^]*"status":"ok"/);

  const ended = holder.stop();
  // Answers do not change until the signal has arrived; then each is the last of its connection.
  let answer = await early.ask();
  while (!/^connection: close/im.test(answer)) answer = await early.ask();
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  await early.closed;
  expect(await ended).toBe(0);

  const late = await open();
  const lateAnswer = late.ask();
  holder.start();
  expect(await lateAnswer).toMatch(/^HTTP\/1\.1 200 /);
  late.socket.destroy();
  expect(await holder.stop()).toBe(0);
});
