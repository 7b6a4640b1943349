import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf } from '../answers.ts';
import { TestServer, type Answer } from '../harness.ts';
import { batchIdOf, fromNow, statusesOf, SupplierClient } from './written.ts';

let server: TestServer;
let acme: SupplierClient;
let other: SupplierClient;

beforeAll(async () => {
  server = await TestServer.start();
  const entries = Array.from({ length: 20 }, (_, i) =>
    entry(`A-${i}`, { inventory: { quantityInStock: 100 }, product: { ean13: '5901234123457' } }),
  );
  acme = new SupplierClient(server, (await server.createSupplier('Acme', entries)).token);
  other = new SupplierClient(server, (await server.createSupplier('Other', entries)).token);
});
afterAll(() => server.stop());

const key = (name: string) => ({ 'idempotency-key': name });
const less = (skuId: string, units = 1) => ({ sku_id: skuId, quantity_in_stock_change: -units });

/** The parts of a reply that a replay must repeat. */
const replyOf = ({ status, text, headers }: Answer) => ({
  status,
  text,
  ...Object.fromEntries(
    ['content-type', 'batch-id', 'lines-succeeded', 'lines-failed', 'preference-applied'].map(
      (name) => [name, headers.get(name)],
    ),
  ),
});

const isReplayed = ({ headers }: Answer) => headers.get('idempotent-replayed');

describe('a request repeated with its Idempotency-Key', () => {
  const EVERY_KIND = [
    less('A-0'),
    { sku_id: 'NONE', quantity_in_stock: 1 },
    { sku_id: 'A-0', quantity_in_stock: 'x' },
    { ean13: '5901234123457', quantity_in_stock: 1 },
    { sku_id: 'A-0', quantity_in_stock: 1, expected_quantity_in_stock: 7 },
    less('A-0', 1000),
    { sku_id: 'A-0', quantity_in_stock: 1, as_of: '2001-01-01T00:00:00Z' },
    { ...less('A-1'), group: 'kit' },
    { sku_id: 'NONE', quantity_in_stock: 1, group: 'kit' },
    5,
  ];
  const STATUSES = [200, 404, 400, 422, 412, 422, 412, 424, 404, 400];

  const FAILED = STATUSES.filter((status) => status !== 200);

  test.for([
    ['default reply', {}, '', STATUSES],
    ['failures only', {}, '?errors_only=true', FAILED],
    ['minimal reply', { prefer: 'return=minimal' }, '', FAILED],
    ['full representation', { prefer: 'return=representation' }, '', STATUSES],
  ] as const)(
    'returns the identical reply and is applied once: %s',
    async ([name, headers, query, statuses]) => {
      const before = await acme.stockOf('A-0');
      const sending = { query, headers: { ...headers, ...key(name.replaceAll(' ', '-')) } };
      const first = await acme.bulk(EVERY_KIND, sending);
      const again = await acme.bulk(EVERY_KIND, sending);
      expect(statusesOf(first)).toEqual(statuses);
      expect(replyOf(again)).toEqual(replyOf(first));
      expect([isReplayed(first), isReplayed(again)]).toEqual([null, 'true']);
      expect(await acme.stockOf('A-0')).toBe(Number(before) - 1);
    },
  );

  test('returns the first reply even if the stock has changed since', async () => {
    const line = { sku_id: 'A-2', quantity_in_stock: 5, expected_quantity_in_stock: 100 };
    const sending = { headers: { ...key('since'), prefer: 'return=representation' } };
    const first = await acme.bulk([line, line], sending);
    expect(statusesOf(first)).toEqual([200, 412]);
    await acme.bulk([{ sku_id: 'A-2', quantity_in_stock: 77 }]);
    expect(replyOf(await acme.bulk([line, line], sending))).toEqual(replyOf(first));
    expect(await acme.stockOf('A-2')).toBe(77);
  });

  test('is the same request with or without the trailing slash', async () => {
    const first = await acme.bulk([less('A-3')], { headers: key('slash') });
    const again = await server.ask('POST', '/timp/products/skus/inventory/bulk', {
      token: acme.token,
      headers: key('slash'),
      body: [less('A-3')],
    });
    expect(replyOf(again)).toEqual(replyOf(first));
    expect(await acme.stockOf('A-3')).toBe(99);
  });

  test.for([
    ['a success', less('A-4'), 200],
    ['no such SKU', { sku_id: 'NONE', quantity_in_stock: 1 }, 404],
    ['an impossible change', less('A-4', 1000), 422],
  ] as const)('is replayed for a single update: %s', async ([name, line, status]) => {
    const headers = key(`single-${name.replaceAll(' ', '-')}`);
    const first = await acme.single(line, { headers });
    const again = await acme.single(line, { headers });
    expect(first.status).toBe(status);
    expect(replyOf(again)).toEqual(replyOf(first));
    expect(isReplayed(again)).toBe('true');
    expect(again.headers.get('request-id')).not.toBe(first.headers.get('request-id'));
  });

  test('is applied once even if its repetitions are concurrent', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => acme.bulk([less('A-5')], { headers: key('race') })),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(new Set(answers.map(batchIdOf)).size).toBe(1);
    expect(answers.filter((answer) => isReplayed(answer) === null)).toHaveLength(1);
    expect(await acme.stockOf('A-5')).toBe(99);
  });

  test('returns the first result of a line whose as_of was too far in the future', async () => {
    const strict = await TestServer.start({ asOfToleranceSeconds: 0 });
    const { token } = await strict.createSupplier('Acme', [entry('A')]);
    const client = new SupplierClient(strict, token);
    const ahead = { sku_id: 'A', quantity_in_stock: 3, as_of: fromNow(1) };
    const lines = [ahead, { sku_id: 'A', quantity_in_stock: 5 }];
    const first = await client.bulk(lines, { headers: key('ahead') });
    expect(statusesOf(first)).toEqual([400, 200]);
    while ((await client.statuses([ahead], { query: '?dry_run=true' }))[0] === 400);
    expect(replyOf(await client.bulk(lines, { headers: key('ahead') }))).toEqual(replyOf(first));
    expect(await client.stockOf('A')).toBe(5);
    await strict.stop();
  });
});

test('the reply contains the expiry of the key, by default a day later', async () => {
  const sentMs = Date.now();
  const first = await acme.bulk([less('A-7')], { headers: key('expiry') });
  const expiresMs = Date.parse(first.headers.get('idempotency-key-expires') ?? '');
  expect(expiresMs).toBeGreaterThan(sentMs + 24 * 3_600_000 - 2000);
  expect(expiresMs).toBeLessThan(Date.now() + 24 * 3_600_000 + 1000);
  const again = await acme.bulk([less('A-7')], { headers: key('expiry') });
  expect(Date.parse(again.headers.get('idempotency-key-expires') ?? '')).toBeGreaterThanOrEqual(
    expiresMs,
  );
});

describe('a different request with the same key returns 422 and applies nothing', () => {
  const headers = key('used');
  beforeAll(async () => {
    statusesOf(await acme.bulk([less('A-8')], { headers }));
  });

  test.for([
    ['another body', [less('A-8', 2)], {}],
    ['the same lines formatted differently', JSON.stringify([less('A-8')], null, 1), {}],
    ['another query', [less('A-8')], { query: '?atomic=true' }],
    ['another Prefer', [less('A-8')], { headers: { ...headers, prefer: 'return=minimal' } }],
    ['another As-Of', [less('A-8')], { headers: { ...headers, 'as-of': '2026-01-01T00:00:00Z' } }],
  ] as const)('%s', async ([, body, sending]) => {
    const detail = problemOf(
      await acme.bulk(body, { headers, ...sending }),
      422,
      'idempotency_key_reused',
    );
    expect(detail).toContain('Idempotency-Key');
    expect(await acme.stockOf('A-8')).toBe(99);
  });

  test('another path', async () => {
    problemOf(await acme.single(less('A-8'), { headers }), 422, 'idempotency_key_reused');
  });
});

describe('an Idempotency-Key', () => {
  test('is scoped to its supplier', async () => {
    await acme.bulk([less('A-9')], { headers: key('mine') });
    const theirs = await other.bulk([less('A-9', 3)], { headers: key('mine') });
    expect([statusesOf(theirs), isReplayed(theirs)]).toEqual([[200], null]);
    expect([await acme.stockOf('A-9'), await other.stockOf('A-9')]).toEqual([99, 97]);
  });

  test('is not consumed by a request that was rejected', async () => {
    const headers = key('refused');
    problemOf(await acme.bulk('[', { headers }), 400, 'body_malformed');
    problemOf(await acme.bulk('{}', { headers }), 400, 'body_shape_wrong');
    expect(statusesOf(await acme.bulk([5, {}], { headers }))).toEqual([400, 400]);
    expect((await acme.single({ sku_id: 'A-10' }, { headers })).status).toBe(400);
    expect(statusesOf(await acme.bulk([less('A-10')], { headers }))).toEqual([200]);
  });

  test('is not consumed by a dry run', async () => {
    const headers = key('dry');
    await acme.bulk([less('A-11')], { headers, query: '?dry_run=true' });
    expect(isReplayed(await acme.bulk([less('A-11')], { headers }))).toBeNull();
    expect(await acme.stockOf('A-11')).toBe(99);
  });

  test.for(['a b', 'é', '', 'x'.repeat(256), 'a\tb'])('rejects %j', async (name) => {
    const detail = problemOf(await acme.bulk([], { headers: key(name) }), 400, 'parameter_invalid');
    expect(detail).toContain('Idempotency-Key');
  });

  test('may have 255 visible characters', async () => {
    const headers = key('~!"'.repeat(85));
    expect((await acme.bulk([less('A-12')], { headers })).status).toBe(200);
    expect(isReplayed(await acme.bulk([less('A-12')], { headers }))).toBe('true');
  });
});

test('a request without a key is applied each time, without headers about keys', async () => {
  await acme.bulk([less('A-13')]);
  const again = await acme.bulk([less('A-13')]);
  expect(await acme.stockOf('A-13')).toBe(98);
  expect(again.headers.get('idempotency-key-expires')).toBeNull();
  expect(at(again.json, 0)).toEqual({ status_code: 200, message: 'success' });
});
