import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Type } from 'typebox';
import { Errors } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChangeFeed } from '../../src/changes/change-feed.ts';
import { buildServer } from '../../src/http/server.ts';
import { Intake } from '../../src/intake/intake.ts';
import { bodyWorkersOf, fileServiceOf, webhookOptionsOf } from '../../src/server.ts';
import { openTestStore, sqliteDatabase, testSettings } from '../store/fixtures.ts';
import { at, membersAt, problemOf, textAt } from './answers.ts';
import { BULK, SKUS, TestServer } from './harness.ts';

const REDOCLY = fileURLToPath(
  new URL('../../node_modules/@redocly/cli/bin/cli.js', import.meta.url),
);
const LINT_RULES = fileURLToPath(new URL('../../redocly.yaml', import.meta.url));
/** A proxy that does not exist, so that requests to other hosts fail. */
const NO_NETWORK = {
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
};

let server: TestServer;
let openapi: unknown;

beforeAll(async () => {
  server = await TestServer.start();
  const answer = await server.ask('GET', '/openapi.json');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  openapi = answer.json;
});
afterAll(() => server.stop());

/** The described operations. */
function operations(): readonly { path: string; method: string; operation: unknown }[] {
  return membersAt(openapi, 'paths').flatMap(([path, item]) =>
    membersAt(item).map(([method, operation]) => ({ path, method, operation })),
  );
}

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1', () => {
    expect(textAt(openapi, 'openapi')).toMatch(/^3\.1\./);
  });

  test('passes a linter', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'onhand-openapi-'));
    const file = join(folder, 'openapi.json');
    await writeFile(file, JSON.stringify(openapi, null, 2));
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [REDOCLY, 'lint', file, '--config', LINT_RULES, '--format', 'json'],
      { cwd: folder, env: { PATH: process.env['PATH'], ...NO_NETWORK }, encoding: 'utf8' },
    );
    await rm(folder, { recursive: true });
    expect(stdout, stderr).toContain('"problems"');
    expect(at(JSON.parse(stdout), 'problems'), stdout).toEqual([]);
  });

  test('describes each titled schema once, as a component that others refer to', () => {
    const names = membersAt(openapi, 'components', 'schemas').map(([name]) => name);
    expect(names).toEqual(
      expect.arrayContaining(['Line', 'LineResult', 'Sku', 'Change', 'Problem']),
    );
    expect(at(openapi, 'components', 'schemas', 'Lines', 'items')).toEqual({
      $ref: '#/components/schemas/Line',
    });
    const withoutExamples = JSON.stringify(at(openapi, 'paths'), (name, value: unknown) =>
      name === 'example' ? undefined : value,
    );
    expect(withoutExamples).not.toContain('"title":');
  });

  test('has every operation of the server', async () => {
    const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    expect(described.toSorted()).toEqual((await operationsOfServer()).toSorted());
  });

  test('puts each operation into one declared group', () => {
    const declared = at(openapi, 'tags');
    const names = Array.isArray(declared) ? declared.map((tag: unknown) => at(tag, 'name')) : [];
    for (const { path, method, operation } of operations()) {
      const tags = at(operation, 'tags');
      expect(tags, `${method} ${path}`).toHaveLength(1);
      expect(names).toContain(at(tags, 0));
      if (at(tags, 0) === 'Health') expect(path).not.toMatch(/^\/timp\//);
    }
  });

  test('has a summary and valid examples for each request and reply of each operation', () => {
    const inlined = (schema: unknown): unknown => {
      if (Array.isArray(schema)) return schema.map(inlined);
      if (typeof schema !== 'object' || schema === null) return schema;
      const name = Object.hasOwn(schema, '$ref')
        ? textAt(schema, '$ref').split('/').at(-1)
        : undefined;
      if (name !== undefined) return inlined(at(openapi, 'components', 'schemas', name));
      return Object.fromEntries(
        Object.entries(schema).map(([key, inner]) => [key, inlined(inner)]),
      );
    };
    for (const { path, method, operation } of operations()) {
      expect(textAt(operation, 'summary'), `${method} ${path}`).toMatch(/^[A-Z].{5,}[^.]$/);
      const bodies: readonly (readonly [string, unknown])[] = [
        ...membersAt(operation).filter(([name]) => name === 'requestBody'),
        ...membersAt(operation, 'responses').filter(([status]) => /^20[^4]/.test(status)),
      ];
      for (const [what, body] of bodies) {
        const contents = membersAt(body).filter(([name]) => name === 'content');
        for (const [type, media] of contents.flatMap(([, content]) => membersAt(content))) {
          if (!/json/.test(type)) continue;
          const example = at(media, 'example');
          expect(example, `${method} ${path} ${what} ${type}`).toBeDefined();
          const found = Errors({}, Type.Unsafe(inlined(at(media, 'schema')) ?? {}), example);
          expect(found, `${method} ${path} ${what}: ${JSON.stringify(example)}`).toEqual([]);
        }
      }
    }
    const reply = at(openapi, 'paths', SKUS, 'get', 'responses', '200', 'content');
    expect(at(reply, 'application/json', 'example', 'skus', 0)).toMatchObject({
      sku_id: 'xkuOwSQ3utl',
    });
  });

  test('describes a success and an error of each operation', () => {
    for (const { path, method, operation } of operations()) {
      const statuses = membersAt(operation, 'responses').map(([status]) => status);
      expect(
        statuses.filter((status) => status.startsWith('2')),
        `${method} ${path}`,
      ).toHaveLength(1);
      // The first user has no credentials yet.
      const needsCredentials = path.startsWith('/timp/') && !path.endsWith('/setup/');
      if (needsCredentials) expect(statuses).toContain('401');
      for (const status of statuses.filter((code) => code >= '400')) {
        expect(at(operation, 'responses', status, 'content')).toHaveProperty([
          'application/problem+json',
        ]);
      }
    }
  });

  test.for([
    [BULK, 'post', true],
    [SKUS, 'get', true],
    ['/timp/notifications/webhooks/', 'post', true],
    ['/timp/organizations/users/', 'get', true],
    ['/timp/organizations/sessions/', 'get', false],
    ['/timp/organizations/', 'get', false],
    ['/timp/organizations/user-login/', 'post', false],
  ] as const)('lets an operator name an organization: %s %s: %s', ([path, method, isActedFor]) => {
    const operation = at(openapi, 'paths', path, method);
    expect(operation).toBeDefined();
    const parameters = at(operation, 'parameters') ?? [];
    for (const name of ['supplier', 'organization']) {
      const found: unknown = expect.objectContaining({ name, in: 'query', required: false });
      if (isActedFor) expect(parameters).toContainEqual(found);
      else expect(parameters).not.toContainEqual(expect.objectContaining({ name }));
    }
  });

  test('lists the status codes of the bulk update', () => {
    const responses = membersAt(openapi, 'paths', BULK, 'post', 'responses');
    expect(responses.map(([status]) => status)).toEqual(
      expect.arrayContaining(['200', '400', '401', '403', '409', '413', '415', '429', '503']),
    );
  });
});

/** Every operation that the server handles, with its path in OpenAPI notation. */
async function operationsOfServer(): Promise<readonly string[]> {
  const database = await sqliteDatabase();
  const settings = testSettings(database);
  const store = await openTestStore(database);
  const intake = new Intake(store, settings);
  const feed = new ChangeFeed(store.changes, store.accounts);
  const webhookOptions = webhookOptionsOf(settings);
  const bodyWorkers = bodyWorkersOf(settings);
  const files = fileServiceOf({
    store,
    intake,
    settings,
    onEnded: () => Promise.resolve(),
    onFailure: () => undefined,
  });
  const parts = {
    store,
    intake,
    feed,
    files,
    bodyWorkers,
    webhookOptions,
    settings,
    version: '0.0.0',
  };
  const app = await buildServer(parts);
  const found: string[] = [];
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
    for (const path of pathsOfTree(app.printRoutes({ commonPrefix: false, method }))) {
      if (/^\/(?:$|(?:docs|download|favicon|openapi)\b)/.test(path)) continue;
      const { statusCode } = await app.inject({ method, url: path.replaceAll(/:\w+/g, 'x') });
      const ending = path.startsWith('/timp/') && !/\.\w+$/.test(path) ? '/' : '';
      if (statusCode !== 405)
        found.push(`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}${ending}`);
    }
  }
  await app.close();
  await store.close();
  await database.remove();
  return found;
}

/** The paths in the route tree that the framework prints with four columns per level. */
function pathsOfTree(tree: string): readonly string[] {
  const above: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const branch = /^([│ ]*)[├└]── (\S+) \(/.exec(line);
    if (branch === null) return [];
    const [, indent = '', part = ''] = branch;
    above.length = indent.length / 4;
    above.push(part);
    return [above.join('')];
  });
}

/** URLs on other hosts in a text. */
const OTHER_HOST = /(?:src|href|action|url)\s*[=(:]\s*["'(]?(?:https?:)?\/\/[^\s"')]+/gi;

describe('the documentation page', () => {
  test.for(['/docs', '/docs/', '/docs/static/index.html'])(
    '%s refers to no other host',
    async (path) => {
      const answer = await server.ask('GET', path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
      expect(answer.text.match(OTHER_HOST)).toBeNull();
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(
        /https?:|\*|unsafe-eval|script-src[^;]*unsafe-inline|upgrade-insecure/,
      );
    },
  );

  test('loads all its resources from this server', async () => {
    const { text } = await server.ask('GET', '/docs');
    const loaded = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = '']) => url);
    expect(loaded.length).toBeGreaterThan(3);
    for (const url of loaded) {
      expect(url).toMatch(/^\/docs\//);
      expect([url, (await server.ask('GET', url)).status]).toEqual([url, 200]);
    }
  });

  test('does not send the OpenAPI document to an external validator', async () => {
    const { text } = await server.ask('GET', '/docs/static/swagger-initializer.js');
    expect(text).toContain('validatorUrl: null');
    expect(text.match(OTHER_HOST)).toBeNull();
  });

  test('returns 404 for pages that do not exist', async () => {
    problemOf(await server.ask('GET', '/docs/nothing'), 404, 'path_not_found');
    problemOf(await server.ask('GET', '/docs/static/nothing.js'), 404, 'path_not_found');
  });

  test('explains how to handle each error code', async () => {
    const problem = (await server.ask('GET', '/nothing')).json;
    const [path = '', code = ''] = textAt(problem, 'type').split('#');
    const { status, headers, text } = await server.ask('GET', path);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(text).toContain(`\n## ${code}\n`);
  });

  test('shows the served OpenAPI document', async () => {
    const { json } = await server.ask('GET', '/docs/json');
    expect(json).toEqual(openapi);
  });
});
