import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { version } from '../../src/version.ts';
import { cachedProbe } from '../../src/http/health.ts';
import { at, problemOf } from './answers.ts';
import { blockWrites } from './blocker.ts';
import { TestServer } from './harness.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

test.for(['/healthz', '/healthz/', '/readyz', '/readyz/'])(
  '%s answers without a token',
  async (path) => {
    const answer = await server.ask('GET', path);
    expect(answer.status).toBe(200);
    expect(at(answer.json, 'status')).toBe('ok');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('request-id')).toMatch(/./);
    const head = await server.ask('HEAD', path);
    expect([head.status, head.text]).toEqual([200, '']);
  },
);

test('/version names the version of the server without a token, and nothing else', async () => {
  const answer = await server.ask('GET', '/version');
  expect([answer.status, answer.json]).toEqual([200, { version: version() }]);
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('a server whose store cannot write is up but not ready, and recovers', async () => {
  const blocked = await TestServer.start({ busyTimeoutMs: 10 });
  const blocker = await blockWrites(blocked.database);
  try {
    const answer = await blocked.ask('GET', '/readyz');
    problemOf(answer, 503, 'store_unavailable');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/);
    expect((await blocked.ask('GET', '/healthz')).status).toBe(200);
    await blocker.release();
    await expect
      .poll(async () => (await blocked.ask('GET', '/readyz')).status, { timeout: 10_000 })
      .toBe(200);
  } finally {
    await blocker.release();
    await blocked.stop();
  }
});

test('a probe that times out is not repeated until it has ended', async () => {
  const asked: PromiseWithResolvers<void>[] = [];
  const probe = cachedProbe(
    () => {
      const answer = Promise.withResolvers<void>();
      asked.push(answer);
      return answer.promise;
    },
    0,
    5,
  );
  await expect(probe()).rejects.toMatchObject({ code: 'store_unavailable' });
  await expect(probe()).rejects.toThrow('The database does not answer in time.');
  expect(asked).toHaveLength(1);
  asked[0]?.resolve();
  await nextTurn();
  const again = probe();
  expect(asked).toHaveLength(2);
  asked[1]?.resolve();
  await again;
});

test('a batch that cannot be written returns 503 with Retry-After', async () => {
  const blocked = await TestServer.start({ busyTimeoutMs: 10 });
  const { token } = await blocked.createSupplier('Acme');
  const blocker = await blockWrites(blocked.database);
  try {
    const request = { token, body: [{ sku_id: 'A', quantity_in_stock: 1 }] };
    const answer = await blocked.ask('POST', '/timp/products/skus/inventory/bulk/', request);
    problemOf(answer, 503, 'store_unavailable');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9][0-9]*$/);
  } finally {
    await blocker.release();
    await blocked.stop();
  }
});
