import fastify from 'fastify';
import { afterEach, expect, test, vi } from 'vitest';
import { TokenWatch } from '../../../src/http/accounts/token-watch.ts';

/** The longest time that a token which was looked up is not looked up again. */
const CACHED_MS = 1000;
const PROMISED_MS = 2000;

afterEach(() => vi.useRealTimers());

test.for([0, 100, 499, 500, 900, 1000, 1499, 1500, 7777])(
  'a request that is %i ms old when its token is revoked ends within two seconds',
  async (ageMs) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    let revokedAtMs = Infinity;
    let lookedUpAtMs = performance.now();
    let isValid = true;
    const ended = Promise.withResolvers<number>();
    const watch = new TokenWatch({
      check: () => {
        if (performance.now() - lookedUpAtMs >= CACHED_MS) {
          lookedUpAtMs = performance.now();
          isValid = lookedUpAtMs < revokedAtMs;
        }
        return isValid ? Promise.resolve() : Promise.reject(new Error('revoked'));
      },
      end: () => ended.resolve(performance.now()),
    });
    const app = fastify();
    const opened = Promise.withResolvers<void>();
    app.get('/', (request, reply) => {
      watch.watch(request, reply.raw);
      opened.resolve();
      return ended.promise.then(String);
    });
    const answer = app.inject('/');
    await opened.promise;
    await vi.advanceTimersByTimeAsync(ageMs);
    revokedAtMs = performance.now();
    await vi.advanceTimersByTimeAsync(PROMISED_MS + 1);
    const elapsedMs = Number((await answer).body) - revokedAtMs;
    expect(elapsedMs).toBeLessThanOrEqual(PROMISED_MS);
    await app.close();
  },
);

test('a request whose response has closed is no longer watched', async () => {
  const watch = new TokenWatch({ check: () => Promise.resolve(), end: () => undefined });
  const app = fastify();
  app.get('/', (request, reply) => {
    watch.watch(request, reply.raw);
    return String(watch.size);
  });
  expect((await app.inject('/')).body).toBe('1');
  await expect.poll(() => watch.size).toBe(0);
  await app.close();
});
