import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashToken, newToken } from '../../../src/accounts/credentials.ts';
import type { Organization } from '../../../src/domain/parties.ts';
import { entry } from '../../store/fixtures.ts';
import { SINGLE, SKUS, TestServer } from '../harness.ts';

const CHANGES = '/timp/products/skus/inventory/changes/';

let server: TestServer;
let supplier: Organization;
let token: string;
let retailer: Organization;
let retailerToken: string;

beforeAll(async () => {
  server = await TestServer.start();
  ({ supplier, token } = await server.createSupplier('Acme', [entry('a'), entry('b')]));
  retailer = await server.createOrganization('retailer', 'Shop');
  retailerToken = await server.createToken(retailer.id, ['view_items']);
  await server.store.accounts.createConnection(supplier.id, retailer.id);
});
afterAll(() => server.stop());

const set = async (skuId: string, quantity: number, of = token, headers = {}): Promise<void> => {
  const body = { sku_id: skuId, quantity_in_stock: quantity };
  const { status } = await server.ask('POST', SINGLE, { token: of, body, headers });
  expect(status).toBe(200);
};

interface Page {
  readonly records: readonly { kind: string; sequence: number; sku?: { sku_id: string } }[];
  readonly cursor: string;
  readonly has_more: boolean;
}

function isPage(json: unknown): json is Page {
  return typeof json === 'object' && json !== null && 'records' in json && 'cursor' in json;
}

const read = async (query: string, of = token): Promise<Page> => {
  const { json, status, text } = await server.ask('GET', `${CHANGES}?${query}`, { token: of });
  if (!isPage(json)) throw new Error(`${status} ${text}`);
  return json;
};
const kindsAndSkuIds = (page: Page) =>
  page.records.map((record) => [record.kind, record.sku?.sku_id]);

describe('the change feed', () => {
  test('returns every change after a cursor once, in order', async () => {
    const begun = await read('from=now');
    expect(begun.records).toEqual([]);
    await set('a', 1, token, { 'batch-reason': 'count' });
    await set('b', 2);
    await set('b', 2);
    const first = await read(`after=${begun.cursor}&limit=1`);
    expect(first.has_more).toBe(true);
    expect(first.records).toMatchObject([
      {
        kind: 'change',
        supplier: { uuid: supplier.uuid, name: 'Acme' },
        sku: { sku_id: 'a', product_identifiers: { upca: null } },
        before: { quantity_in_stock: null },
        after: { quantity_in_stock: 1, restrictions: null },
        reason: 'count',
      },
    ]);
    const second = await read(`after=${first.cursor}`);
    expect(kindsAndSkuIds(second)).toEqual([['change', 'b']]);
    expect((await read(`after=${second.cursor}`)).records).toEqual([]);
    expect(kindsAndSkuIds(await read(`after=${begun.cursor}`))).toEqual([
      ['change', 'a'],
      ['change', 'b'],
    ]);
  });

  test('shows a connected retailer the changes and when suppliers enter and leave', async () => {
    const begun = await read('from=now', retailerToken);
    const { supplier: late, token: lateToken } = await server.createSupplier('Late', [entry('x')]);
    await set('x', 1, lateToken);
    await server.store.accounts.createConnection(late.id, retailer.id);
    const entered = await read(`after=${begun.cursor}`, retailerToken);
    expect(entered.records).toMatchObject([
      { kind: 'supplier_entered', supplier: { name: 'Late' }, sequence: 1 },
    ]);
    await set('x', 2, lateToken);
    const changed = await read(`after=${entered.cursor}`, retailerToken);
    expect(kindsAndSkuIds(changed)).toEqual([['change', 'x']]);
    await server.store.accounts.removeConnection(late.id, retailer.id);
    await set('x', 3, lateToken);
    const left = await read(`after=${changed.cursor}`, retailerToken);
    expect(kindsAndSkuIds(left)).toEqual([['supplier_left', undefined]]);
    expect((await read(`after=${left.cursor}`, retailerToken)).records).toEqual([]);
  });

  test('waits for a change, at most as long as requested', async () => {
    const begun = await read('from=now');
    const waiting = read(`after=${begun.cursor}&wait=30`);
    await set('a', 100);
    expect(kindsAndSkuIds(await waiting)).toEqual([['change', 'a']]);
    const { cursor } = await read('from=now');
    expect((await read(`after=${cursor}&wait=1`)).records).toEqual([]);
  });

  test('can be followed as an event stream and resumed with Last-Event-ID', async () => {
    const begun = await read('from=now');
    const events = await follow(`after=${begun.cursor}`, {});
    await set('a', 200);
    const { id } = await events.until(/"sku_id":"a"/);
    await set('b', 200);
    await events.until(/"sku_id":"b"/);
    events.close();
    const resumed = await follow('from=start', { 'last-event-id': id });
    expect((await resumed.until(/"sku_id"/)).data).toMatch(/"sku_id":"b"/);
    resumed.close();
  });

  test('an event stream ends when its token is revoked', async () => {
    const temporary = await server.createToken(retailer.id, ['view_items']);
    const events = await follow('from=now', { authorization: `Token ${temporary}` });
    const tokens = await server.store.accounts.listTokens();
    await server.store.accounts.revokeToken(Math.max(...tokens.map(({ id }) => id)));
    await events.end();
  });

  test.each([
    ['', /after=<cursor>, from=now or from=start/],
    ['after=AQE', /cursor/i],
    ['from=yesterday', /from/],
    ['from=now&limit=0', /limit/],
    ['from=now&wait=61', /wait/],
    ['from=now&after=x', /together/],
    ['from=now&supplier_uuids=x', /uuid/],
  ])('rejects ?%s', async (query, message) => {
    const answer = await server.ask('GET', `${CHANGES}?${query}`, { token });
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(message);
  });

  test("rejects another reader's cursor", async () => {
    const { cursor } = await read('from=now');
    const answer = await server.ask('GET', `${CHANGES}?after=${cursor}`, { token: retailerToken });
    expect(answer.status).toBe(400);
  });

  test('returns 410 if changes after the cursor have been dropped', async () => {
    const { supplier: old, token: oldToken } = await server.createSupplier('Old', [entry('o')]);
    const begun = await read('from=now', oldToken);
    await set('o', 1, oldToken);
    await server.store.changes.dropBefore(Date.now() + 1, 100_000);
    const answer = await server.ask('GET', `${CHANGES}?after=${begun.cursor}`, { token: oldToken });
    expect(answer.status).toBe(410);
    expect(answer.text).toMatch(/from=now/);
    expect((await server.store.changes.heads([old.id])).get(old.id)?.oldestSequence).toBe(2);
  });
});

test('the first page of the list of SKUs returns the cursor for later changes', async () => {
  const page = await server.ask('GET', `${SKUS}?cursor=&limit=1`, { token });
  const cursor = /"changes_cursor":"([^"]+)"/.exec(page.text)?.[1] ?? '';
  await set('a', 300);
  expect(kindsAndSkuIds(await read(`after=${cursor}`))).toEqual([['change', 'a']]);
  const next = /"next_cursor":"([^"]+)"/.exec(page.text)?.[1] ?? '';
  const second = await server.ask('GET', `${SKUS}?cursor=${next}&limit=1`, { token });
  expect(second.text).not.toContain('changes_cursor');
});

describe('the history of a SKU', () => {
  test('returns the latest changes first, and the inventory as of a time', async () => {
    const { token: ownToken, supplier: owner } = await server.createSupplier('History', [
      entry('h'),
    ]);
    const [sku] = (
      await server.store.skus.list({
        supplierIds: [owner.id],
        filter: {},
        from: { start: 0 },
        limit: 1,
      })
    ).skus;
    const path = `${SKUS}${sku?.uuid}/`;
    for (const quantity of [1, 2, 3]) await set('h', quantity, ownToken);
    const first = await server.ask('GET', `${path}history/?limit=2`, { token: ownToken });
    expect(first.json).toMatchObject({
      history: [
        { sequence: 3, before: { quantity_in_stock: 2 }, after: { quantity_in_stock: 3 } },
        { sequence: 2 },
      ],
      next_before: 2,
    });
    const rest = await server.ask('GET', `${path}history/?before=2`, { token: ownToken });
    expect(rest.json).toMatchObject({ history: [{ sequence: 1 }], next_before: null });
    const now = new Date(Date.now() + 1000).toISOString();
    const known = await server.ask('GET', `${path}?as_of=${now}`, { token: ownToken });
    expect(known.json).toMatchObject({ sku_id: 'h', quantity_in_stock: 3 });
    const before = await server.ask('GET', `${path}?as_of=2020-01-01T00:00:00Z`, {
      token: ownToken,
    });
    expect(before.status).toBe(404);
    const wrong = await server.ask('GET', `${path}?as_of=yesterday`, { token: ownToken });
    expect(wrong.status).toBe(400);
    for (const asked of [`${path}history/`, `${path}?as_of=${now}`]) {
      expect((await server.ask('GET', asked, { token })).status).toBe(404);
    }
  });
});

test('the history of a SKU says who changed it and how, but not to other organizations', async () => {
  const { supplier: owner, token: ownToken } = await server.createSupplier('Who', [entry('w')]);
  const { accounts } = server.store;
  const buyer = await server.createOrganization('retailer', 'Buyer');
  const buyerToken = await server.createToken(buyer.id, ['view_items']);
  await accounts.createConnection(owner.id, buyer.id);
  await accounts.createUser({
    organizationId: owner.id,
    username: 'history-clerk',
    passwordHash: 'x',
    permissions: ['edit_items'],
  });
  const clerk = await accounts.findUser('history-clerk');
  if (clerk === undefined) throw new Error('no clerk');
  const clerkToken = newToken();
  await accounts.createToken({
    userId: clerk.id,
    tokenHash: hashToken(clerkToken),
    permissions: ['edit_items'],
    expiresAtMs: null,
  });
  await set('w', 1, clerkToken, { 'batch-reason': 'counted', 'batch-reference': 'order 7' });
  const supplierIds = [owner.id];
  const list = { supplierIds, filter: {}, from: { start: 0 }, limit: 1 };
  const [sku] = (await server.store.skus.list(list)).skus;
  const path = `${SKUS}${sku?.uuid}/history/`;
  const own = await server.ask('GET', path, { token: ownToken });
  const told = { source: 'single', reason: 'counted' };
  expect(own.json).toMatchObject({
    history: [{ ...told, username: 'history-clerk', reference: 'order 7' }],
  });
  const connected = await server.ask('GET', path, { token: buyerToken });
  expect(connected.json).toMatchObject({
    history: [{ ...told, username: null, reference: null }],
  });
  const stranger = await server.createOrganization('retailer', 'Not connected');
  const strangerToken = await server.createToken(stranger.id, ['view_items']);
  expect((await server.ask('GET', path, { token: strangerToken })).status).toBe(404);
});

test('SKUs can be filtered by stock and by time of change', async () => {
  const { token: own } = await server.createSupplier('Filters', [entry('f1'), entry('f2')]);
  await set('f1', 5, own);
  await set('f2', 50, own);
  const found = async (query: string) => {
    const { json } = await server.ask('GET', `${SKUS}?${query}`, { token: own });
    return JSON.stringify(json).match(/"sku_id":"[^"]+"/g);
  };
  expect(await found('quantity_in_stock_min=6')).toEqual(['"sku_id":"f2"']);
  expect(await found('quantity_in_stock_max=6')).toEqual(['"sku_id":"f1"']);
  expect(await found('updated_since=2100-01-01T00:00:00Z')).toBeNull();
  expect((await server.ask('GET', `${SKUS}?updated_since=x`, { token: own })).status).toBe(400);
});

test('freshness shows a retailer its suppliers, and a supplier itself', async () => {
  await server.store.changes.setExpectedInterval(supplier.id, 60);
  const own = await server.ask('GET', '/timp/suppliers/freshness/', { token });
  expect(own.json).toMatchObject({
    suppliers: [
      {
        supplier: { uuid: supplier.uuid, name: 'Acme' },
        expected_interval_minutes: 60,
        is_late: false,
        skus_by_age: [{ age_seconds_max: 3600, count: 2 }, {}, {}, {}, { age_seconds_max: null }],
      },
    ],
  });
  const seen = await server.ask('GET', '/timp/suppliers/freshness/', { token: retailerToken });
  expect(seen.json).toEqual(own.json);
  const { token: other } = await server.createSupplier('Unconnected', []);
  const asked = `/timp/suppliers/freshness/?supplier_uuids=${supplier.uuid}`;
  expect((await server.ask('GET', asked, { token: other })).json).toMatchObject({ suppliers: [] });
});

/** Opens an event stream. */
async function follow(query: string, headers: Readonly<Record<string, string>>) {
  const stop = new AbortController();
  const response = await fetch(`${server.url}${CHANGES}?${query}`, {
    headers: { accept: 'text/event-stream', authorization: `Token ${token}`, ...headers },
    signal: stop.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) throw new Error('the stream has no body');
  let text = '';
  const until = async (pattern: RegExp): Promise<{ id: string; data: string }> => {
    for (;;) {
      const event = text.split('\n\n').find((candidate) => pattern.test(candidate));
      if (event !== undefined) {
        text = text.slice(text.indexOf(event) + event.length);
        return {
          id: /^id: (.*)$/m.exec(event)?.[1] ?? '',
          data: /^data: (.*)$/m.exec(event)?.[1] ?? '',
        };
      }
      const { value, done } = await reader.read();
      if (done) throw new Error(`the stream ended without ${pattern}: ${text}`);
      text += value;
    }
  };
  const end = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  return { until, end, close: () => stop.abort() };
}
