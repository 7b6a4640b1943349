import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BULK, SKUS, TestServer } from '../http/harness.ts';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

describe('onhand token, while a server runs', () => {
  let work: Workplace;
  let server: TestServer;

  beforeAll(async () => {
    [work, server] = await Promise.all([Workplace.make(), TestServer.start()]);
    await Promise.all([
      server.createOrganization('supplier', 'Acme'),
      server.createOrganization('retailer', 'Corner Shop'),
    ]);
  });

  afterAll(async () => {
    await server.stop();
    await work.remove();
  });

  const onhand = (...args: readonly string[]) =>
    work.run([...args, '--database', server.database.url]);

  const create = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await onhand('token', 'create', ...args);
    expect(code).toBe(0);
    // Nothing else is on stdout, so that a script can store it.
    expect(stdout).toMatch(/^[0-9a-f]{40}\n$/);
    expect(stderr).not.toContain(stdout.trim());
    return { token: stdout.trim(), id: /^Token (\d+) /.exec(stderr)?.[1] ?? '', stderr };
  };

  const statusOf = async (method: string, path: string, token: string) =>
    (await server.ask(method, path, { token, ...(method === 'POST' && { body: [] }) })).status;

  test('a token is valid immediately, and rejected once it is revoked', async () => {
    const { token, id, stderr } = await create('--organization', 'Acme');
    expect(stderr).toContain('is valid until it is revoked');
    expect(await statusOf('POST', BULK, token)).toBe(200);
    expect(await onhand('token', 'revoke', id)).toEqual({
      code: 0,
      stdout: `Revoked token ${id}.\n`,
      stderr: '',
    });
    expect(await statusOf('POST', BULK, token)).toBe(401);
    expect(await onhand('token', 'revoke', id)).toMatchObject({
      code: 1,
      stderr: `onhand: Token ${id} does not exist or is already revoked.\n`,
    });
  });

  test('a token has the permissions that it was created with, and no others', async () => {
    const [reader, editor, retailer] = await Promise.all([
      create('--organization', 'Acme', '--permission', 'view_items'),
      create('--organization', 'Acme', '--permission', 'edit_items', '--permission', 'view_items'),
      create('--organization', 'Corner Shop'),
    ]);
    expect(await statusOf('GET', SKUS, reader.token)).toBe(200);
    expect(await statusOf('POST', BULK, reader.token)).toBe(403);
    expect(await statusOf('GET', SKUS, editor.token)).toBe(200);
    expect(await statusOf('POST', BULK, editor.token)).toBe(200);
    expect(await statusOf('GET', SKUS, retailer.token)).toBe(200);
    expect(await statusOf('POST', BULK, retailer.token)).toBe(409);
  });

  test('a token has the requested lifetime, and the list does not reveal the token itself', async () => {
    const createdAtMs = Date.now();
    const { token, id, stderr } = await create('--organization', 'Acme', '--expires-in', '30d');
    const expires = /expires at (\S+)\./.exec(stderr)?.[1] ?? '';
    expect(Math.abs(Date.parse(expires) - createdAtMs - 30 * 86_400_000)).toBeLessThan(10_000);
    const [list, table] = await Promise.all([
      onhand('token', 'list', '--json'),
      onhand('token', 'list'),
    ]);
    expect(JSON.parse(list.stdout)).toContainEqual({
      id: Number(id),
      organization: 'Acme',
      username: '',
      permissions: ['view_items', 'edit_items', 'manage_webhooks'],
      created: textMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      expires,
      revoked: null,
    });
    expect(table.stdout).toMatch(/^ID +ORGANIZATION +USERNAME +PERMISSIONS/);
    expect(list.stdout + table.stdout).not.toContain(token);
  });

  test('an expired token is rejected', async () => {
    const { token } = await create('--organization', 'Acme', '--expires-in', '1s');
    await expect
      .poll(() => statusOf('POST', BULK, token), { timeout: 5_000, interval: 50 })
      .toBe(401);
  });

  test.for([
    [['--organization', 'Nope'], 1, /^onhand: There is no organization "Nope"\. "onhand organ/],
    [
      ['--organization', 'Corner Shop', '--permission', 'edit_items'],
      1,
      /^onhand: The permission edit_items is not allowed for a retailer/,
    ],
    [['--organization', 'Acme', '--permission', 'all'], 1, /^onhand: There is no permission "all"/],
    [['--organization', 'Acme', '--expires-in', '0d'], 1, /A time is a number and a unit/],
  ] as const)('rejects %j', async ([args, code, message]) => {
    expect(await onhand('token', 'create', ...args)).toEqual({
      code,
      stdout: '',
      stderr: textMatching(message),
    });
  });
});
