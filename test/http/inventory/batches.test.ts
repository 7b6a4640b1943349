import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashToken, newToken } from '../../../src/accounts/credentials.ts';
import { anyNumber, textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, skuOf, textAt } from '../answers.ts';
import { SKUS, TestServer, type Answer } from '../harness.ts';
import { BATCHES, batchIdOf, fromNow, statusesOf, SupplierClient } from './written.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOBODYS = '905c3e4b-ef10-7f77-b07e-03d4ecb743a0';

let server: TestServer;
let acme: SupplierClient;
let viewer: SupplierClient;
let writer: SupplierClient;
let jo: SupplierClient;
let other: SupplierClient;
let retailer: SupplierClient;

beforeAll(async () => {
  server = await TestServer.start();
  const entries = Array.from({ length: 20 }, (_, i) =>
    entry(`A-${i}`, { inventory: { quantityInStock: 10 } }),
  );
  const made = await server.createSupplier('Acme', entries);
  acme = new SupplierClient(server, made.token);
  viewer = new SupplierClient(server, await server.createToken(made.supplier.id, ['view_items']));
  writer = new SupplierClient(server, await server.createToken(made.supplier.id, ['edit_items']));
  jo = new SupplierClient(server, await tokenOfUser('jo', made.supplier.id));
  other = new SupplierClient(server, (await server.createSupplier('Other', entries)).token);
  const { id } = await server.createOrganization('retailer', 'Shop');
  await server.store.accounts.createConnection(made.supplier.id, id);
  retailer = new SupplierClient(server, await server.createToken(id, ['view_items']));
});
afterAll(() => server.stop());

async function tokenOfUser(username: string, organizationId: number): Promise<string> {
  const { accounts } = server.store;
  const permissions = ['edit_items'] as const;
  await accounts.createUser({ organizationId, username, passwordHash: '', permissions });
  const user = await accounts.findUser(username);
  if (user === undefined) throw new Error(`there is no user ${username}`);
  const token = newToken();
  const tokenHash = hashToken(token);
  await accounts.createToken({ userId: user.id, tokenHash, permissions, expiresAtMs: null });
  return token;
}

const pathOf = (uuid: string, part = '') => `${BATCHES}${uuid}/${part}`;
const batchesOf = (answer: Answer): readonly unknown[] => {
  const batches = at(answer.json, 'batches');
  if (!Array.isArray(batches)) throw new Error(answer.text);
  return batches;
};

const LINES = [
  { sku_id: 'A-0', quantity_in_stock: 1 },
  { sku_id: 'NONE', quantity_in_stock: 1 },
  { sku_id: 'A-1', quantity_in_stock: 10 },
  { sku_id: 5, upca: '012345678905', quantity_in_stock: 1 },
  { sku_id: 'A-0', quantity: 1 },
];

describe('batch resource', () => {
  test('shows time, user, reason and results of the batch', async () => {
    const answer = await jo.bulk(LINES, {
      headers: { 'batch-reason': 'stocktaking', 'batch-reference': 'WMS 17/4' },
    });
    const uuid = batchIdOf(answer);
    expect(uuid).toMatch(UUID);
    const shown = await acme.get(pathOf(uuid));
    expect(shown.json).toEqual({
      uuid,
      number: anyNumber(),
      source: 'bulk',
      username: 'jo',
      reason: 'stocktaking',
      reference: 'WMS 17/4',
      applied: textMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      duration_ms: anyNumber(),
      line_count: 5,
      status_counts: { 200: 2, 400: 1, 404: 2 },
      changed_count: 1,
      zeroed_count: 0,
      first_sequence: anyNumber(),
      reverts_uuid: null,
    });
  });

  test('records a single update that changed nothing', async () => {
    const answer = await acme.single({ sku_id: 'A-1', quantity_in_stock: 10 });
    expect((await acme.get(pathOf(batchIdOf(answer)))).json).toMatchObject({
      source: 'single',
      reason: null,
      reference: null,
      line_count: 1,
      status_counts: { 200: 1 },
      changed_count: 0,
      first_sequence: null,
    });
  });

  test('records the creation of a SKU', async () => {
    const headers = { 'batch-reason': 'new season' };
    const answer = await acme.post('/timp/products/skus/', headers, { sku_id: 'made' });
    expect((await acme.get(pathOf(batchIdOf(answer)))).json).toMatchObject({
      source: 'create',
      reason: 'new season',
      line_count: 1,
    });
    const before = await acme.batchCount();
    const again = await acme.post('/timp/products/skus/', headers, { sku_id: 'made' });
    problemOf(again, 422, 'already_exists');
    expect(again.headers.get('batch-id')).toBeNull();
    expect(await acme.batchCount()).toBe(before);
  });

  test('records no batch if every line is invalid', async () => {
    const before = await acme.batchCount();
    expect((await acme.bulk([5, {}])).headers.get('batch-id')).toBeNull();
    expect((await acme.bulk([])).headers.get('batch-id')).toBeNull();
    expect((await acme.single({ sku_id: 'A-0' })).headers.get('batch-id')).toBeNull();
    expect(await acme.batchCount()).toBe(before);
  });

  test.for([
    ['Grüße', 'Gr\u00c3\u00bc\u00c3\u009fe', 'as UTF-8'],
    ['Grüße', 'Gr\u00fc\u00dfe', 'as Latin-1'],
  ] as const)('decodes the reason %j from %j, sent %s', async ([reason, sent]) => {
    const answer = await acme.bulk(LINES, { headers: { 'batch-reason': sent } });
    expect(at((await acme.get(pathOf(batchIdOf(answer)))).json, 'reason')).toBe(reason);
  });

  test('rejects a reason or reference of more than 256 characters', async () => {
    const fits = {
      'batch-reason': Buffer.from('ü'.repeat(256)).toString('latin1'),
      'batch-reference': '',
    };
    expect((await acme.bulk([], { headers: fits })).status).toBe(200);
    for (const name of ['Batch-Reason', 'Batch-Reference']) {
      const answer = await acme.bulk([], { headers: { [name]: 'x'.repeat(257) } });
      expect(problemOf(answer, 400, 'parameter_invalid')).toContain(name);
    }
  });
});

describe('the list of batches', () => {
  test('returns the latest first, in pages', async () => {
    const sent = [];
    for (let i = 0; i < 3; i += 1) sent.push(batchIdOf(await acme.bulk(LINES)));
    const total = Number(await acme.batchCount());
    const first = await acme.get(`${BATCHES}?limit=2`);
    expect(at(first.json, 'pagination')).toEqual({
      total_count: total,
      start: 0,
      limit: 2,
      next_start_index: 2,
    });
    expect(batchesOf(first).map((batch) => at(batch, 'uuid'))).toEqual([sent[2], sent[1]]);
    const rest = await acme.get(`${BATCHES}?start=2&limit=500`);
    expect(batchesOf(rest)).toHaveLength(total - 2);
    expect(at(rest.json, 'pagination', 'next_start_index')).toBeNull();
    expect(at(rest.json, 'batches', 0, 'uuid')).toBe(sent[0]);
    const beyond = await acme.get(`${BATCHES}?start=${total + 5}`);
    expect(batchesOf(beyond)).toEqual([]);
  });

  test('includes imports by the operator', async () => {
    const all = batchesOf(await acme.get(`${BATCHES}?limit=500`));
    expect(all.at(-1)).toMatchObject({ source: 'import', username: null, number: 1 });
  });

  test.for(['limit=0', 'limit=501', 'limit=x', 'start=-1', 'limit=1&limit=2', 'cursor=', 'start='])(
    'rejects %s',
    async (query) => {
      problemOf(await acme.get(`${BATCHES}?${query}`), 400, 'parameter_invalid');
    },
  );
});

describe('the results of a batch', () => {
  test('are the failed lines, identical to the original reply', async () => {
    const answer = await acme.bulk(LINES, { query: '?errors_only=true' });
    const results = await acme.get(pathOf(batchIdOf(answer), 'results/'));
    expect(results.text).toBe(answer.text);
    expect(results.json).toMatchObject([{ index: 1 }, { index: 3 }, { index: 4 }]);
  });

  test('are empty if every line was applied', async () => {
    const answer = await acme.bulk([{ sku_id: 'A-2', quantity_in_stock: 3 }]);
    expect((await acme.get(pathOf(batchIdOf(answer), 'results/'))).text).toBe('[]\n');
  });

  test('expire while the batch remains', async () => {
    const uuid = batchIdOf(await acme.bulk(LINES));
    const later = Date.now() + 1;
    while (await server.store.batches.sweep({ nowMs: later, failuresBeforeMs: later + 1 }, 100));
    problemOf(await acme.get(pathOf(uuid, 'results/')), 410, 'results_expired');
    expect(at((await acme.get(pathOf(uuid))).json, 'status_counts')).toEqual({
      200: 2,
      400: 1,
      404: 2,
    });
  });
});

/** Sets the stock of SKUs. Returns the uuid of the batch. */
const set = async (lines: Readonly<Record<string, number>>): Promise<string> =>
  batchIdOf(
    await acme.bulk(
      Object.entries(lines).map(([sku_id, quantity_in_stock]) => ({ sku_id, quantity_in_stock })),
    ),
  );
/** Reverts a batch. */
const revert = async (uuid: string, query = ''): Promise<Answer> => {
  const answer = await acme.post(pathOf(uuid, `revert/${query}`));
  expect(answer.status, answer.text).toBe(200);
  return answer;
};

describe('reverting a batch', () => {
  test('restores SKUs that the batch changed last and reports those changed since', async () => {
    const uuid = await set({ 'A-3': 1, 'A-4': 1, 'A-5': 1 });
    await set({ 'A-4': 2 });
    await set({ 'A-5': 1 });
    const answer = await revert(uuid);
    expect(answer.json).toEqual({
      uuid: textMatching(UUID),
      reverts_uuid: uuid,
      reverted: 1,
      moved_on: 1,
      confirmed: 1,
      sku_ids: { reverted: ['A-3'], moved_on: ['A-4'], confirmed: ['A-5'] },
    });
    expect(await Promise.all(['A-3', 'A-4', 'A-5'].map((id) => acme.stockOf(id)))).toEqual([
      10, 2, 1,
    ]);
    expect(batchIdOf(answer)).toBe(textAt(answer.json, 'uuid'));
  });

  test('also restores confirmed SKUs with force=true', async () => {
    const uuid = await set({ 'A-6': 1 });
    await set({ 'A-6': 1 });
    expect((await revert(uuid)).json).toMatchObject({ uuid: null, reverted: 0, confirmed: 1 });
    expect((await revert(uuid, '?force=true')).json).toMatchObject({ reverted: 1, confirmed: 0 });
    expect(await acme.stockOf('A-6')).toBe(10);
  });

  test('changes nothing in a dry run', async () => {
    const uuid = await set({ 'A-7': 1 });
    const before = await acme.batchCount();
    const dry = await revert(uuid, '?dry_run=true');
    expect(dry.json).toMatchObject({ uuid: null, reverted: 1, sku_ids: { reverted: ['A-7'] } });
    expect([dry.headers.get('dry-run'), dry.headers.get('batch-id')]).toEqual(['true', null]);
    expect([await acme.stockOf('A-7'), await acme.batchCount()]).toEqual([1, before]);
  });

  test('is a batch that can be reverted itself', async () => {
    const uuid = await set({ 'A-8': 1 });
    const undone = await acme.post(pathOf(uuid, 'revert/'), { 'batch-reason': 'wrong file' });
    const batch = await acme.get(pathOf(batchIdOf(undone)));
    expect(batch.json).toMatchObject({
      source: 'revert',
      reverts_uuid: uuid,
      reason: 'wrong file',
    });
    await revert(batchIdOf(undone));
    expect(await acme.stockOf('A-8')).toBe(1);
  });

  test('reverts nothing the second time', async () => {
    const uuid = await set({ 'A-9': 1 });
    await revert(uuid);
    expect((await revert(uuid)).json).toMatchObject({ uuid: null, reverted: 0, moved_on: 1 });
  });

  test('is as of its own time: an older report does not bring the reverted stock back', async () => {
    const sooner = fromNow(-1);
    await revert(await set({ 'A-10': 1 }));
    expect(await acme.statuses([{ sku_id: 'A-10', quantity_in_stock: 1, as_of: sooner }])).toEqual([
      412,
    ]);
  });

  test('rejects a request body instead of ignoring it', async () => {
    const uuid = await set({ 'A-11': 1 });
    const path = pathOf(uuid, 'revert/');
    const send = (body: string) => server.ask('POST', path, { token: acme.token, body });
    expect(problemOf(await send('{"dry_run": true}'), 400, 'body_shape_wrong')).toContain(
      '?dry_run=true',
    );
    problemOf(await acme.post(`${path}?dryrun=true`), 400, 'parameter_invalid');
    expect(await acme.stockOf('A-11')).toBe(1);
    expect((await send('{}')).status).toBe(200);
  });
});

const PARTS = ['', 'results/', 'revert/'] as const;
const methodOf = (part: string) => (part === 'revert/' ? 'POST' : 'GET');

describe('access to batches', () => {
  test("another supplier's batch returns 404 like one that does not exist", async () => {
    const uuid = batchIdOf(await acme.bulk(LINES));
    for (const part of PARTS) {
      const ask = (id: string) =>
        server.ask(methodOf(part), pathOf(id, part), { token: other.token });
      const [theirs, unknown, none] = [await ask(uuid), await ask(NOBODYS), await ask('x')];
      expect(problemOf(theirs, 404, 'batch_not_found')).toBe(
        problemOf(unknown, 404, 'batch_not_found'),
      );
      problemOf(none, 404, 'batch_not_found');
    }
    expect(await acme.stockOf('A-0')).toBe(1);
  });

  test('accepts a uuid in upper case', async () => {
    const uuid = batchIdOf(await acme.bulk(LINES));
    expect((await acme.get(pathOf(uuid.toUpperCase()))).status).toBe(200);
  });

  test('a retailer gets 409 before its permissions are checked', async () => {
    const uuid = batchIdOf(await acme.bulk(LINES));
    problemOf(await retailer.get(BATCHES), 409, 'not_a_supplier');
    for (const part of PARTS) {
      const answer = await server.ask(methodOf(part), pathOf(uuid, part), {
        token: retailer.token,
      });
      problemOf(answer, 409, 'not_a_supplier');
    }
  });

  test('viewing requires view_items, reverting edit_items', async () => {
    const uuid = batchIdOf(await acme.bulk(LINES));
    expect((await viewer.get(pathOf(uuid))).status).toBe(200);
    problemOf(await writer.get(BATCHES), 403, 'permission_missing');
    problemOf(await viewer.post(pathOf(uuid, 'revert/')), 403, 'permission_missing');
    expect((await writer.post(pathOf(uuid, 'revert/?dry_run=true'))).status).toBe(200);
  });

  test('batch paths take precedence over SKU paths', async () => {
    problemOf(await server.ask('POST', BATCHES, { token: acme.token }), 405, 'method_not_allowed');
    problemOf(await acme.get(`${SKUS}inventory/batches/x/y/`), 404, 'path_not_found');
    expect((await acme.get(BATCHES.slice(0, -1))).status).toBe(200);
    expect(statusesOf(await acme.bulk([]))).toEqual([]);
    expect(await skuOf(server, acme.token, 'A-0')).toMatchObject({ sku_id: 'A-0' });
  });
});
