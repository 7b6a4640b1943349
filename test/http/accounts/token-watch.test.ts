import fastify from 'fastify';
import { expect, test } from 'vitest';
import { TokenWatch } from '../../../src/http/accounts/token-watch.ts';

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
