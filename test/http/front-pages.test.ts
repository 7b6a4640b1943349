import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { at, membersAt } from './answers.ts';
import { TestServer } from './harness.ts';

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

test('replies and problems in JSON end with a newline for curl, and with the JSON for programs', async () => {
  for (const path of ['/healthz', '/openapi.json', '/timp/products/skus/', '/nowhere']) {
    const headers = { 'user-agent': 'curl/8.14.1' };
    expect((await server.ask('GET', path, { headers })).text).toMatch(/\}\n$/);
    expect((await server.ask('GET', path)).text).toMatch(/\}$/);
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
