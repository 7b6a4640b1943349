import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { stopParsing } from '../../../src/http/request/parser-stop.ts';
import { RequestTurns } from '../../../src/http/request/request-turns.ts';
import { RawConnection } from './raw.ts';

const CHUNKED_HEAD = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

let server: Server | undefined;
afterEach(() => server?.close());

async function listening(created: Server): Promise<string> {
  server = created.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

test('the rest of what was read is not parsed on a connection that is to be closed', async () => {
  let requests = 0;
  const url = await listening(
    createServer(({ socket }) => {
      requests += 1;
      if (requests < 10) return;
      stopParsing(socket);
      socket.destroy();
    }),
  );
  const connection = await RawConnection.open(url);
  await connection.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
  await connection.rest();
  expect(requests).toBe(10);
});

test('the same within a body; the next connection is parsed as ever', async () => {
  let pieces = 0;
  const url = await listening(
    createServer((request, response) => {
      request.on('data', () => {
        pieces += 1;
        if (pieces !== 10) return;
        stopParsing(request.socket);
        request.socket.destroy();
      });
      request.on('end', () => response.end(String(pieces)));
    }),
  );
  const connection = await RawConnection.open(url);
  await connection.send(`${CHUNKED_HEAD}${'1\r\n \r\n'.repeat(500)}`);
  await connection.rest();
  expect(pieces).toBe(10);
  const response = await fetch(url, { method: 'POST', body: 'whole' });
  expect(await response.text()).toBe('11');
});

test('a body that is cut short is not read on until its connection has closed, and never ends', async () => {
  let pieces = 0;
  let isEnded = false;
  const stopped = Promise.withResolvers<Socket>();
  const url = await listening(
    createServer((request) => {
      request.on('end', () => (isEnded = true));
      request.on('data', () => {
        pieces += 1;
        if (pieces !== 10) return;
        stopParsing(request.socket);
        stopped.resolve(request.socket);
      });
    }),
  );
  const connection = await RawConnection.open(url);
  const beginning = CHUNKED_HEAD + '1\r\n \r\n'.repeat(500);
  const end = '1\r\n \r\n0\r\n\r\n';
  await connection.send(beginning);
  const socket = await stopped.promise;
  await connection.send(end);
  await expect.poll(() => socket.bytesRead).toBe(beginning.length + end.length);
  await nextTurn();
  expect({ pieces, isEnded }).toEqual({ pieces: 10, isEnded: false });
  await connection.destroy();
});

test('requests of one connection are begun one after another', async () => {
  const open: ServerResponse[] = [];
  const url = await listening(createServer((_request, response) => void open.push(response)));
  const limits = { pipelinedRequestsMax: 2, chunkBytesMin: 16 };
  const parts = { limits, tinyChunksResponse: () => '', onCut: () => undefined };
  if (server !== undefined) new RequestTurns(parts).attach(server);
  const connection = await RawConnection.open(url);
  await connection.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
  for (const answer of ['first', 'second', 'third']) {
    await expect.poll(() => open.length).toBe(1);
    open.shift()?.end(answer);
    await connection.until(new RegExp(answer));
  }
  await connection.destroy();
});

function work(): void {
  const endsMs = performance.now() + 9;
  while (performance.now() < endsMs);
}

test.for(['at once', 'in what follows a promise'] as const)(
  'requests of many connections that need time %s are begun in several turns of the event loop',
  async (when) => {
    let turn = 0;
    const turns: number[] = [];
    server = createServer(() => {
      turns.push(turn);
      if (when === 'at once') work();
      else queueMicrotask(work);
    });
    const limits = { pipelinedRequestsMax: 1, chunkBytesMin: 16 };
    const parts = { limits, tinyChunksResponse: () => '', onCut: () => undefined };
    new RequestTurns(parts).attach(server);
    for (let i = 0; i < 5; i += 1) {
      const request = new IncomingMessage(new Socket());
      // As when the bytes of one connection after another are read: promises are resolved between them.
      setImmediate(() => server?.emit('request', request, new ServerResponse(request)));
    }
    await nextTurn();
    expect(turns).toEqual([0]);
    while (turns.length < 5) {
      turn += 1;
      await nextTurn();
    }
    expect(new Set(turns).size).toBe(5);
  },
);
