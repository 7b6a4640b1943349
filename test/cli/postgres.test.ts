import { once } from 'node:events';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../src/settings/read.ts';
import { inspectDatabase, openStore } from '../../src/databases.ts';
import { POSTGRES_PASSWORD } from '../durability/postgres-process.ts';
import { textMatching } from '../matching.ts';
import type { TestDatabase } from '../store/fixtures.ts';
import { emptyPostgresDatabase } from '../store/postgres/database.ts';
import { ended, Workplace, type Ended } from './onhand.ts';

let work: Workplace;
let database: TestDatabase;

beforeAll(async () => {
  work = await Workplace.make();
  database = await emptyPostgresDatabase();
});

afterAll(async () => {
  await work.remove();
  await database.remove();
});

/** The database's URL, altered. */
function urlWith(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

/** Runs a command on the database, named as it should be: in the environment. */
function run(...args: readonly string[]): Promise<Ended> {
  return work.run(args, { environment: { ONHAND_DATABASE: database.url } });
}

describe('commands on PostgreSQL', () => {
  test('create the schema, store accounts, and pass doctor', async () => {
    expect(await run('organization', 'create', '--type', 'supplier', 'Acme')).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect((await run('token', 'create', '--organization', 'Acme')).stdout).toMatch(/^\S+\n$/);
    const [listed, again, doctor] = await Promise.all([
      run('organization', 'list'),
      run('organization', 'create', '--type', 'supplier', 'Acme'),
      run('doctor'),
    ]);
    expect(listed.stdout).toContain('Acme');
    expect(again).toMatchObject({ code: 1, stderr: textMatching(/"Acme" is taken/) });
    expect(doctor).toMatchObject({ code: 0, stdout: textMatching(/^All checks passed\.$/m) });
  });

  test('serve from several nodes at the same time, and do not reveal the password', async () => {
    const serving = Array.from({ length: 2 }, () =>
      work.start(['serve', '--port', '0'], {
        ONHAND_DATABASE: database.url,
        ONHAND_LOG_LEVEL: 'info',
      }),
    );
    const all = serving.map(async (node) => {
      const end = ended(node);
      await once(node.stderr ?? node, 'data');
      node.kill('SIGTERM');
      return end;
    });
    const { host, pathname } = new URL(database.url);
    for (const { code, stdout, stderr } of await Promise.all(all)) {
      expect(code).toBe(0);
      expect(stderr).toMatch(/^onhand serves \S+ at http:/m);
      expect(stderr).toContain(`onhand serves postgres://${host}${pathname} at `);
      expect(stdout + stderr).not.toContain(POSTGRES_PASSWORD);
    }
  });

  test('do not reveal the password in their help', async () => {
    const { stdout } = await run('serve', '--help');
    expect(stdout).toMatch(/setting:\s+ONHAND_DATABASE/);
    expect(stdout).not.toContain(POSTGRES_PASSWORD);
  });
});

describe('a database that cannot be opened', () => {
  const CASES: readonly (readonly [string, (url: URL) => void, RegExp])[] = [
    [
      'because there is no server',
      (url) => (url.port = '1'),
      /^The database postgres:\/\/127\.0\.0\.1:1\/\w*test_\w+ cannot be opened\. The database cannot be reached\.$/,
    ],
    [
      'because the database does not exist',
      (url) => (url.pathname = '/nowhere'),
      /\/nowhere cannot be opened\. There is no such database\.$/,
    ],
    [
      'because the password is wrong',
      (url) => (url.password = `${POSTGRES_PASSWORD}-not`),
      / cannot be opened\. The database refuses the user that it is opened with\.$/,
    ],
    [
      'because TLS is not available',
      (url) => (url.search = '?sslmode=verify-full'),
      / cannot be opened\. No secure connection to the database can be made\.$/,
    ],
  ];

  test.for(CASES)(
    '%s: the error gives the reason and not the password',
    async ([, change, message]) => {
      const url = urlWith(change);
      const settings = readSettings({ connectTimeoutMs: 2000 }, {});
      const opened = openStore(url, settings);
      await expect(opened).rejects.toThrow(message);
      await expect(opened).rejects.toMatchObject({ code: 'store_unavailable' });
      const inspected = inspectDatabase(url, settings)[Symbol.asyncIterator]().next();
      await expect(inspected).rejects.toThrow(message);
      for (const failed of [opened, inspected]) {
        const said = await failed.catch((error: unknown) => inspect(error, { depth: null }));
        expect(said).not.toContain(POSTGRES_PASSWORD);
      }
    },
  );

  test.for([
    `postgres://onhand:${POSTGRES_PASSWORD}@[::1/onhand`,
    `postgres:onhand:${POSTGRES_PASSWORD}@127.0.0.1/onhand`,
    `postgres://onhand:${POSTGRES_PASSWORD}@127.0.0.1:port/onhand`,
    `postgre://onhand:${POSTGRES_PASSWORD}@127.0.0.1/onhand`,
    `onhand:${POSTGRES_PASSWORD}@127.0.0.1/onhand`,
    `mysql://127.0.0.1/onhand?password=${POSTGRES_PASSWORD}`,
  ])('because its URL is malformed: the error does not repeat the URL: %#', async (url) => {
    const { code, stdout, stderr } = await work.run(['doctor', '--database', url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('postgres://USER:PASSWORD@HOST:PORT/DATABASE');
    expect(stderr).not.toContain(POSTGRES_PASSWORD);
  });
});
