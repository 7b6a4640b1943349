import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readSettings } from '../../../src/settings/read.ts';
import { NO_RULES } from '../../../src/domain/reading-rules.ts';
import { newUuid } from '../../../src/store/uuids.ts';
import { textMatching } from '../../matching.ts';
import { entry } from '../../store/fixtures.ts';
import { at, problemOf, textAt } from '../answers.ts';
import { BULK, SKUS, TestServer } from '../harness.ts';
import { FileClient, FILES, UPLOAD } from './file-client.ts';

const FILE = 'sku_id,qty\nA-1,5\n';
const BYTES_MAX = 1024;
const FILES_MAX = 10;

let server: TestServer;
let client: FileClient;
let supplierId: number;
let token: string;
let suppliers = 0;

beforeAll(async () => {
  server = await TestServer.start({
    supplierFileBytesMax: BYTES_MAX,
    supplierFilesMax: FILES_MAX,
    formatLimits: { ...readSettings({}, {}).formatLimits, columnsMax: 20 },
    snapshotBreakerPercent: 10,
    snapshotBreakerSkusMin: 1,
  });
});
afterAll(() => server.stop());
beforeEach(async () => {
  ({ client, supplierId, token } = await newClient());
});

async function newClient() {
  suppliers += 1;
  const created = await server.createSupplier(`Quota ${suppliers}`, [entry('A-1'), entry('A-2')]);
  const { token: newToken, supplier } = created;
  return { client: new FileClient(server, newToken), token: newToken, supplierId: supplier.id };
}

/** A valid file of that size. */
function ofBytes(bytes: number): string {
  return `sku_id,qty,note\nA-1,5,${'x'.repeat(bytes - 'sku_id,qty,note\nA-1,5,\n'.length)}\n`;
}

test('a supplier beyond its bytes is refused, and others are not; deleting a file makes room', async () => {
  const first = await client.upload(ofBytes(600));
  expect(await client.processed(first)).toMatchObject({ state: 'done' });
  const refused = await client.ask('POST', UPLOAD, { body: ofBytes(600) });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.json).toMatchObject({ type: '/docs/errors#file_quota_exceeded' });
  expect(textAt(refused.json, 'detail')).toMatch(/ONHAND_SUPPLIER_FILE_BYTES_MAX.*DELETE/);
  const other = await newClient();
  await other.client.upload(ofBytes(600));

  const deleted = await client.ask('DELETE', `${FILES}${first}/`);
  expect([deleted.status, deleted.json]).toEqual([200, { message: 'success' }]);
  expect(await readdir(join(server.filesDirectory, String(supplierId)))).toEqual([]);
  await client.upload(ofBytes(600));
});

test('a file beyond a limit that the operator has set is refused with that limit', async () => {
  const header = ['sku_id', 'qty', ...Array.from({ length: 19 }, (_, i) => `more ${i}`)];
  expect(await client.processed(await client.upload(`${header.join(',')}\nA-1,5\n`))).toMatchObject(
    {
      state: 'refused',
      problem: { detail: textMatching(/\b21\b.*\b20\b/) },
    },
  );
});

test('parallel uploads cannot pass the quota, nor can their partial files', async () => {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => client.ask('POST', UPLOAD, { body: ofBytes(300) })),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual(Array.from({ length: 12 }, (_, i) => (i < 3 ? 200 : 429)));
  expect(await server.store.files.usage(supplierId)).toMatchObject({
    storedBytes: 900,
    storedFiles: 3,
  });
});

test('a repeated upload gets its first answer although the quota is full', async () => {
  const headers = { 'content-type': 'text/csv', 'idempotency-key': 'retry' };
  const first = await client.upload(ofBytes(900), '', headers);
  for (const body of [ofBytes(900), new Blob([ofBytes(900)]).stream()]) {
    const response = await fetch(server.url + UPLOAD, {
      method: 'POST',
      headers: { ...headers, authorization: `Token ${token}` },
      body,
      duplex: 'half',
    });
    expect(await response.json()).toEqual({ uuid: first });
  }
  const other = await client.ask('POST', UPLOAD, { body: ofBytes(901), headers });
  problemOf(other, 422, 'idempotency_key_reused');
  expect(await server.store.files.usage(supplierId)).toMatchObject({ storedBytes: 900 });
});

test('a file larger than the quota is refused with 413', async () => {
  const answer = await client.ask('POST', UPLOAD, { body: ofBytes(BYTES_MAX + 1) });
  expect(answer.status).toBe(413);
  expect(textAt(answer.json, 'detail')).toMatch(/ONHAND_SUPPLIER_FILE_BYTES_MAX/);
});

test('a supplier beyond its number of files is refused', async () => {
  for (let i = 0; i < FILES_MAX; i += 1) await client.upload(FILE);
  const answer = await client.ask('POST', UPLOAD, { body: FILE });
  expect(answer.status).toBe(429);
  expect(textAt(answer.json, 'detail')).toMatch(/ONHAND_SUPPLIER_FILES_MAX/);
});

test('the store enforces the quota when files are added in parallel', async () => {
  const asked = { isSnapshot: false, atomic: false, dryRun: false, asOfUs: null, rules: NO_RULES };
  const draft = { supplierId, userId: null, filename: null, bytes: 9, asked, reason: null };
  const add = (queuedMax: number): Promise<string> =>
    server.store.files.add(
      {
        ...draft,
        uuid: newUuid(Date.now()),
        reference: null,
        uploadedAtMs: Date.now(),
        idempotency: null,
      },
      { bytesMax: 25, filesMax: 100, queuedMax },
    );
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => add(100)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
  await expect(add(0)).rejects.toMatchObject({
    code: 'file_quota_exceeded',
    message: textMatching(/ONHAND_SUPPLIER_QUEUED_FILES_MAX/),
  });
});

test('a deleted file keeps its counts and the undo of its batches; its results have expired', async () => {
  const uuid = await client.upload(FILE);
  await client.processed(uuid);
  expect((await client.ask('DELETE', `${FILES}${uuid}/`)).status).toBe(200);
  expect((await client.ask('DELETE', `${FILES}${uuid}/`)).status).toBe(200);
  expect((await client.ask('GET', `${FILES}${uuid}/results.csv`)).status).toBe(410);
  const shown = await client.ask('GET', `${FILES}${uuid}/`);
  expect(shown.json).toMatchObject({ state: 'done', rows: 1, status_counts: { '200': 1 } });
  expect(at(shown.json, 'batches')).toHaveLength(1);
  expect((await client.ask('POST', `${FILES}${uuid}/revert/`)).status).toBe(200);
  expect(await client.stock()).toMatchObject({ 'A-1': null });
});

test('an unfinished file cannot be deleted; another supplier does not find it; a reader may not', async () => {
  await client.processed(await client.upload('sku_id,qty\nA-1,5\nA-2,5\n'));
  const uuid = await client.upload('sku_id,qty\nA-1,5\n', '?mode=snapshot');
  expect(await client.processed(uuid)).toMatchObject({ state: 'held' });
  expect((await client.ask('DELETE', `${FILES}${uuid}/`)).status).toBe(409);
  const other = await newClient();
  expect((await other.client.ask('DELETE', `${FILES}${uuid}/`)).status).toBe(404);
  const reader = await server.createToken(supplierId, ['view_items']);
  expect((await server.ask('DELETE', `${FILES}${uuid}/`, { token: reader })).status).toBe(403);
  await client.ask('POST', `${FILES}${uuid}/cancel/`);
  expect((await client.ask('DELETE', `${FILES}${uuid}/`)).status).toBe(200);
});

test('an upload whose idempotency key was used for another leaves nothing on disk', async () => {
  const headers = { 'idempotency-key': 'k' };
  await client.processed(await client.upload(FILE, '', headers));
  const reused = await client.ask('POST', UPLOAD, { body: ofBytes(100), headers });
  expect(reused.status).toBe(422);
  expect(await readdir(join(server.filesDirectory, String(supplierId)))).toHaveLength(1);
});

test('below the floor of free disk space uploads are refused, and updates continue', async () => {
  const full = await TestServer.start({ freeDiskBytesMin: Number.MAX_SAFE_INTEGER });
  try {
    const { token: ownToken } = await full.createSupplier('Full', [entry('A-1')]);
    const refused = await full.ask('POST', UPLOAD, { token: ownToken, body: FILE });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(textAt(refused.json, 'detail')).toMatch(/ONHAND_FREE_DISK_BYTES_MIN/);
    const body = [{ sku_id: 'A-1', quantity_in_stock: 1 }];
    expect((await full.ask('POST', BULK, { token: ownToken, body })).status).toBe(200);
    expect((await full.ask('GET', SKUS, { token: ownToken })).status).toBe(200);
  } finally {
    await full.stop();
  }
});

test('refused files are deleted earlier than others; their problem remains', async () => {
  const done = await client.upload(FILE);
  const refused = await client.upload('a,b\n1,2\n');
  await client.processed(done);
  await client.processed(refused);
  const times = { startedBeforeMs: 0, refusedBeforeMs: Date.now() + 1000 };
  const expired = await server.store.files.expired(times, 100);
  const own = expired.filter((file) => file.supplierId === supplierId);
  expect(own.map(({ uuid }) => uuid)).toEqual([refused]);
  await server.ask('DELETE', `${FILES}${refused}/`, { token });
  expect((await client.ask('GET', `${FILES}${refused}/`)).json).toMatchObject({
    state: 'refused',
    problem: { code: 'body_malformed' },
  });
});
