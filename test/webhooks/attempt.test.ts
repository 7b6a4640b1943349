import { createHmac } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { at } from '../http/answers.ts';
import { Receiver } from './receiver.ts';
import { answering, failureOf, open, SECRET, send, urlOf } from './sending.ts';

describe('a delivery', () => {
  test('is one signed POST of the message', async () => {
    const receiver = await answering(204);
    const { exchange, ...outcome } = await send(urlOf(receiver, '/hook?tenant=1'));
    expect(exchange.request).toMatchObject({
      url: urlOf(receiver, '/hook?tenant=1'),
      bodyBytes: 323,
    });
    expect(outcome).toEqual({
      result: { kind: 'delivered' },
      status: 204,
      text: '',
      startedAtMs: 1_700_000_000_123,
      durationMs: 0,
    });
    expect(receiver.received).toHaveLength(1);
    const [request] = receiver.received;
    expect(request).toMatchObject({ method: 'POST', path: '/hook?tenant=1' });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'onhand/test',
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1700000000',
      'content-length': String(Buffer.byteLength(request?.body ?? '')),
    });
    const signed = `msg_1.1700000000.${request?.body}`;
    const key = Buffer.from(SECRET.slice(6), 'base64');
    expect(request?.headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    );
    const body: unknown = JSON.parse(request?.body ?? '');
    expect(at(body, 'type')).toBe('inventory.changed');
    expect(at(body, 'data', 'cursor')).toBe('AQ');
    expect(at(body, 'data', 'records', 0, 'kind')).toBe('supplier_entered');
  });

  test('has the same body in every attempt, with a new timestamp', async () => {
    const receiver = await answering(500);
    await send(urlOf(receiver));
    await send(urlOf(receiver), { now: () => 1_700_000_999_000 });
    const [first, second] = receiver.received;
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-timestamp']).toBe('1700000999');
  });

  test.for([200, 201, 202, 204, 299])('succeeds with %i', async (status) => {
    expect((await send(urlOf(await answering(status)))).result).toEqual({ kind: 'delivered' });
  });

  test.for([400, 401, 404, 429, 500, 503])('fails with %i', async (status) => {
    const outcome = await send(urlOf(await answering(status, {}, 'why')));
    expect(outcome).toMatchObject({
      status,
      text: 'why',
      result: { kind: 'failed', failure: `The receiver answered ${status}.`, retryAfterMs: null },
    });
  });

  test('returns the delay of Retry-After', async () => {
    const outcome = await send(urlOf(await answering(503, { 'retry-after': '120' })));
    expect(outcome.result).toMatchObject({ kind: 'failed', retryAfterMs: 120_000 });
  });

  test('returns that the receiver is gone after a 410', async () => {
    expect((await send(urlOf(await answering(410)))).result).toEqual({ kind: 'gone' });
  });

  test.for([301, 302, 303, 307, 308])('does not follow %i', async (status) => {
    const target = await answering(200);
    for (const location of ['http://169.254.169.254/latest/meta-data/', urlOf(target)]) {
      const outcome = await send(urlOf(await answering(status, { location })));
      expect(outcome.status).toBe(status);
      expect(failureOf(outcome)).toMatch(/redirects are not followed/);
    }
    expect(target.received).toEqual([]);
  });

  test('ignores proxy settings of the environment', async () => {
    const proxy = await answering(502);
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY'];
    for (const name of names) vi.stubEnv(name, urlOf(proxy, ''));
    vi.stubEnv('NO_PROXY', '');
    try {
      expect((await send(urlOf(await answering(200)))).status).toBe(200);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(proxy.received).toEqual([]);
  });
});

/** A receiver that acts on the raw socket when the first data arrives. */
async function tcp(act: (socket: Socket) => void): Promise<Receiver> {
  return open(Receiver.tcp((socket) => socket.once('data', () => act(socket))));
}

async function expectClosed(receiver: Receiver): Promise<void> {
  await expect.poll(() => receiver.connections).toBe(0);
}

describe('a receiver that', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n';
  const soon = { timeoutMs: 300 };

  test('refuses the connection fails the attempt', async () => {
    const receiver = await Receiver.tcp(() => undefined);
    await receiver.close();
    expect(failureOf(await send(urlOf(receiver)))).toBe('The receiver refused the connection.');
  });

  test('never answers fails the attempt at the timeout', async () => {
    const receiver = await tcp(() => undefined);
    const outcome = await send(urlOf(receiver), soon);
    expect(outcome).toMatchObject({
      status: null,
      text: 'The receiver did not answer within 0.3 seconds.',
    });
    await expectClosed(receiver);
  });

  test('never ends its TLS handshake fails the attempt at the timeout', async () => {
    const receiver = await tcp(() => undefined);
    const outcome = await send(`https://127.0.0.1:${receiver.port}/`, soon);
    expect(failureOf(outcome)).toMatch(/did not answer within/);
    await expectClosed(receiver);
  });

  test('sends endless headers slowly fails the attempt at the timeout', async () => {
    const receiver = await tcp((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
      const drip = setInterval(() => socket.write('a'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    expect(failureOf(await send(urlOf(receiver), soon))).toMatch(/did not answer within/);
    await expectClosed(receiver);
  });

  test('answers just before the timeout succeeds', async () => {
    const receiver = await tcp((socket) => {
      setTimeout(() => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'), 100);
    });
    expect((await send(urlOf(receiver))).result).toEqual({ kind: 'delivered' });
  });

  test('never ends the body of its response has answered', async () => {
    const receiver = await tcp((socket) => socket.write(`${HEAD}begun`));
    const outcome = await send(urlOf(receiver), soon);
    expect(outcome).toMatchObject({ result: { kind: 'delivered' }, status: 200, text: 'begun' });
    await expectClosed(receiver);
  });

  test('disconnects within the body of its response has answered', async () => {
    const receiver = await tcp((socket) => socket.end(`${HEAD}begun`));
    const outcome = await send(urlOf(receiver));
    expect(outcome).toMatchObject({ result: { kind: 'delivered' }, status: 200, text: 'begun' });
  });

  test('closes without an answer fails the attempt', async () => {
    const receiver = await tcp((socket) => socket.end());
    expect(failureOf(await send(urlOf(receiver)))).toMatch(/without a response|connection broke/);
    const rude = await tcp((socket) => socket.resetAndDestroy());
    expect(failureOf(await send(urlOf(rude)))).toMatch(/without a response|connection broke/);
  });

  test('sends an endless body is read briefly, then disconnected', async () => {
    let sent = 0;
    const receiver = await open(
      Receiver.http((response) => {
        response.writeHead(200);
        const block = Buffer.alloc(64 * 1024, 'x');
        const pump = (): void => {
          while (!response.destroyed && response.write(block)) sent += block.length;
        };
        response.on('drain', pump);
        pump();
      }),
    );
    const outcome = await send(urlOf(receiver));
    expect(outcome).toMatchObject({ status: 200, text: 'x'.repeat(100) });
    await expectClosed(receiver);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test('sends too many headers fails the attempt', async () => {
    const receiver = await tcp((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nx-large: ${'a'.repeat(1024 * 1024)}\r\n\r\n`);
    });
    expect(failureOf(await send(urlOf(receiver)))).toMatch(/headers/);
  });

  test('does not speak HTTP fails the attempt', async () => {
    const receiver = await tcp((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    expect(failureOf(await send(urlOf(receiver)))).toBe(
      'The response of the receiver is not HTTP.',
    );
  });

  test('sends a compressed body gets it recorded without decompression', async () => {
    const receiver = await answering(200, { 'content-encoding': 'gzip' }, 'not gzip');
    expect(await send(urlOf(receiver))).toMatchObject({ status: 200, text: 'not gzip' });
    expect(receiver.received[0]?.headers['accept-encoding']).toBe('identity');
  });

  test('sends invalid text gets it recorded as valid text', async () => {
    const receiver = await tcp((socket) => {
      const body = Buffer.from([0x61, 0x00, 0xff, 0xc3, 0xa4]);
      socket.write('HTTP/1.1 500 No\r\ncontent-length: 5\r\n\r\n');
      socket.end(body);
    });
    expect((await send(urlOf(receiver))).text).toBe('a\uFFFD\uFFFDä');
    const cut = await answering(500, {}, `${'x'.repeat(99)}ä`);
    expect((await send(urlOf(cut))).text).toBe('x'.repeat(99));
  });

  test('never answers does not delay other deliveries', async () => {
    const dead = await tcp(() => undefined);
    const alive = await answering(200);
    const stuck = Array.from({ length: 50 }, () => send(urlOf(dead), { timeoutMs: 2000 }));
    const first = await Promise.race([send(urlOf(alive)), ...stuck]);
    expect(first.status).toBe(200);
    for (const outcome of await Promise.all(stuck)) expect(outcome.result.kind).toBe('failed');
  });
});
