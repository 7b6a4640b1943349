import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSettings } from '../../src/settings/read.ts';
import { Dashboard } from '../../src/http/dashboard.ts';

let folder: string;
let app: FastifyInstance;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onhand-dashboard-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(
    join(folder, 'index.html'),
    '<base href="__BASE_PATH__"><script nonce="__CSP_NONCE__" src="./assets/main-1a2b.js"></script>',
  );
  await writeFile(join(folder, 'assets', 'main-1a2b.js'), 'export {};');
  await writeFile(join(folder, 'favicon.svg'), '<svg/>');
  app = await appAt('/');
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const appAt = async (path: string): Promise<FastifyInstance> => {
  const made = fastify({ routerOptions: { ignoreTrailingSlash: true } });
  const dashboard = Dashboard.in(folder, path);
  made.addHook('onRequest', async (request, reply) => {
    if (!request.is404 || dashboard?.isPage(request) !== true) return;
    dashboard.sendPage(reply);
    return reply;
  });
  await dashboard?.addTo(made);
  await made.ready();
  return made;
};

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test('the page has a new nonce in each response, and a policy that allows no other styles and scripts', async () => {
  const nonces = await Promise.all(
    ['/', '/'].map(async (url) => {
      const { headers, body } = await app.inject({ url });
      const [, nonce = ''] = /nonce="([^"]+)"/.exec(body) ?? [];
      expect(body).toContain('<base href="/">');
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`);
      expect(policy).toContain("default-src 'none'; script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
      return nonce;
    }),
  );
  expect(new Set(nonces).size).toBe(2);
});

test('files with a hash in their name are cached for good, others for an hour', async () => {
  const script = await app.inject('/assets/main-1a2b.js');
  expect(script.headers).toMatchObject({
    'content-type': 'application/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  });
  const icon = await app.inject('/favicon.svg');
  expect(icon.headers['cache-control']).toBe('public, max-age=3600');
});

test.for(['/skus', '/skus/0b51', '/files/?state=failed', '/index.html'])(
  'a browser that opens %s gets the page',
  async (url) => {
    const { statusCode, body } = await app.inject({ url, headers: html });
    expect(statusCode).toBe(200);
    expect(body).not.toContain('__CSP_NONCE__');
  },
);

test.for([
  ['GET', '/skus', 'application/json'],
  ['POST', '/skus', 'text/html'],
  ['GET', '/timp/nowhere', 'text/html'],
  ['GET', '/docs/nowhere', 'text/html'],
  ['GET', '/download/nowhere', 'text/html'],
  ['GET', '/assets/gone-9f.js', 'text/html'],
  ['GET', '/../package.json', 'text/html'],
] as const)('%s %s for %s is no page', async ([method, url, accept]) => {
  const { statusCode, body } = await app.inject({ method, url, headers: { accept } });
  expect(url.includes('..') ? !body.includes('"name"') : statusCode === 404).toBe(true);
});

test('below another path only what is there is the dashboard', async () => {
  const moved = await appAt('/stock/');
  expect((await moved.inject('/stock')).body).toContain('<base href="/stock/">');
  expect((await moved.inject('/stock/assets/main-1a2b.js')).statusCode).toBe(200);
  expect((await moved.inject({ url: '/stock/skus', headers: html })).statusCode).toBe(200);
  expect((await moved.inject({ url: '/skus', headers: html })).statusCode).toBe(404);
  await moved.close();
});

test('there is none if it was not built or is switched off', () => {
  expect(Dashboard.in(join(folder, 'assets'), '/')).toBeUndefined();
  expect(Dashboard.in(folder, null)).toBeUndefined();
});

test.for([
  ['', '/'],
  ['/', '/'],
  ['/stock', '/stock/'],
  ['off', null],
])('ONHAND_DASHBOARD_PATH=%s means %j', ([text, path]) => {
  expect(readSettings({}, { ONHAND_DASHBOARD_PATH: text ?? '' }).dashboardPath).toBe(path);
});

test.for(['stock', '/a b', '/timp/', '/docs/x', '//'])(
  'ONHAND_DASHBOARD_PATH=%s is refused',
  (text) => {
    expect(() => readSettings({}, { ONHAND_DASHBOARD_PATH: text })).toThrow(
      'ONHAND_DASHBOARD_PATH',
    );
  },
);
