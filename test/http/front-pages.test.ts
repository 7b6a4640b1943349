import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { at, membersAt } from './answers.ts';
import { entry } from '../store/fixtures.ts';
import { BULK, TestServer } from './harness.ts';

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

test('the front page leads to the documentation, the tools and the errors', async () => {
  const { status, text, headers } = await server.ask('GET', '/');
  expect(status).toBe(200);
  expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  for (const path of ['/docs', '/download/', '/docs/errors', '/readyz']) {
    expect(text).toContain(`href="${path}"`);
  }
});

test('the icon is an image', async () => {
  const { status, headers } = await server.ask('GET', '/favicon.ico');
  expect([status, headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
});

test('the page of errors has an anchor for the type of each problem', async () => {
  const { text, headers } = await server.ask('GET', '/docs/errors', {
    headers: { accept: 'text/html,*/*;q=0.8' },
  });
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  for (const code of ERROR_CODES) expect(text).toContain(`<h2 id="${code}">`);
  expect(text).toContain('<code>quantity_in_stock_change must be');
  expect(text).not.toMatch(/\*\*|\]\(/);
});

test('replies and problems in JSON end with one newline, whatever the client and the length', async () => {
  for (const path of ['/healthz', '/openapi.json', '/timp/products/skus/', '/nowhere']) {
    for (const userAgent of ['curl/8.14.1', 'python-requests/2.32.3']) {
      const headers = { 'user-agent': userAgent };
      const { text, headers: sent } = await server.ask('GET', path, { headers });
      expect(text).toMatch(/\}\n$/);
      expect(Number(sent.get('content-length'))).toBe(Buffer.byteLength(text));
      const head = await server.ask('HEAD', path, { headers });
      expect(head.headers.get('content-length'), path).toBe(sent.get('content-length'));
    }
  }
});

test('results end with a newline, compressed or not, short or long', async () => {
  const { token } = await server.createSupplier('Acme', [entry('A-1')]);
  for (const count of [1, 200]) {
    const body = Array.from({ length: count }, () => ({ sku_id: 'A-1', quantity_in_stock: 1 }));
    for (const encoding of ['gzip', 'identity']) {
      const headers = { 'accept-encoding': encoding };
      const { status, text } = await server.ask('POST', BULK, { token, headers, body });
      expect(status).toBe(200);
      expect(text).toMatch(/^\[.*\]\n$/);
    }
  }
});

test('the API explorer has a title, the name of the project, and a group for each operation', async () => {
  expect((await server.ask('GET', '/docs/')).text).toMatch(/<title>onhand [^<]*: API<\/title>/);
  const { json } = await server.ask('GET', '/openapi.json');
  const groups = membersAt(json, 'tags').map(([, tag]) => at(tag, 'name'));
  for (const [path, item] of membersAt(json, 'paths')) {
    for (const [, operation] of membersAt(item)) {
      expect(groups, path).toContain(at(operation, 'tags', '0'));
    }
  }
});
