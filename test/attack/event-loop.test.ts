import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { workbookOf } from '../formats/workbooks.ts';
import { textAt } from '../http/answers.ts';
import { AttackedServer, createTenant, type Tenant } from './attacked-server.ts';
import { Flood } from './flood.ts';
import { LoopDelays } from './loop-delays.ts';
import { expectIsolated } from './second-tenant.ts';

const FILES = '/timp/organizations/files/';
const BULK = '/timp/products/skus/inventory/bulk/';
const CHANGES = '/timp/products/skus/inventory/changes/';
const BATCHES = '/timp/products/skus/inventory/batches/';
const JSON_HEADERS = { 'content-type': 'application/json' };

/**
 * How long the event loop may stand still during an attack, in ms. Generous: on a quiet machine it is a tenth of
 * this, and other tests take turns on the same two cores. What is not contained takes seconds.
 */
const STILL_MS_MAX = 600;
/**
 * The most processor time of one slice of work, in ms: beside garbage collection and on a machine that eight share, it
 * takes up to twice what it takes alone. What is not cut into slices takes hundreds.
 */
const SLICE_MS_MAX = 60;
/** The 99th percentile of the slices is at most 50 ms: so large a share of them may be longer. */
const LATE_SHARE_MAX = 0.01;
/** A collection of garbage may fall into a slice of one attack, not of each. */
const ATTEMPTS = 3;

/** Each large request changes all of them. */
const SKUS = 20_000;

const loop = new LoopDelays();
let server: AttackedServer<Tenant>;

beforeAll(async () => {
  server = await AttackedServer.start({
    environment: {
      ...(await loop.environment()),
      ONHAND_WORKER_STALL_MS: '30000',
    },
    prepare: (store) => createTenant(store, 'Attacker', { skus: SKUS }),
  });
});
afterAll(async () => {
  await server.stop();
  await loop.remove();
});

async function ask(
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
  headers = {},
): Promise<Response> {
  return fetch(server.url + path, {
    method,
    headers: { authorization: `Token ${server.prepared.token}`, ...headers },
    ...(body !== undefined && { body }),
  });
}

async function upload(body: Uint8Array<ArrayBuffer>): Promise<string> {
  const response = await ask('POST', `${FILES}upload/`, body, { 'content-type': 'text/csv' });
  return textAt(await response.json(), 'uuid');
}

async function finished(uuid: string): Promise<string> {
  for (;;) {
    const response = await ask('GET', `${FILES}${uuid}/?wait=5`);
    const state = textAt(await response.json(), 'state');
    if (state !== 'waiting' && state !== 'reading') return state;
  }
}

/** A thousand columns, and rows of one cell: each row of the results has a thousand cells. */
function wideFile(rows: number): Uint8Array<ArrayBuffer> {
  const header = ['sku_id', 'qty', ...Array.from({ length: 998 }, (_, i) => `c${i}`)].join(',');
  return new Uint8Array(gzipSync(`${header}\n${'sku-1\n'.repeat(rows)}`));
}

/** Long runs of blanks within cells, which a trimming expression may read again and again. */
function blankFile(): Uint8Array<ArrayBuffer> {
  const cell = `a${' '.repeat(30_000)}b`;
  return new Uint8Array(gzipSync(`sku_id,qty\n${`${cell},${cell}\n`.repeat(500)}`));
}

async function changeAll(quantity: number): Promise<void> {
  const lines = server.prepared.skuIds.slice(0, 1000).map((skuId) => ({
    sku_id: skuId,
    quantity_in_stock: quantity,
  }));
  const response = await ask('POST', BULK, JSON.stringify(lines), JSON_HEADERS);
  expect(response.status).toBe(200);
  await response.arrayBuffer();
}

const ATTACKS: Readonly<Record<string, () => Promise<unknown>>> = {
  'a file of blanks': async () => finished(await upload(blankFile())),
  'results with a thousand columns': async () => {
    const uuid = await upload(wideFile(5000));
    await finished(uuid);
    for (const kind of ['csv', 'xlsx']) {
      const results = await ask('GET', `${FILES}${uuid}/results.${kind}`);
      await results.arrayBuffer();
    }
  },
  'results whose client leaves at once': async () => {
    const uuid = await upload(wideFile(20_000));
    await finished(uuid);
    for (let i = 0; i < 5; i += 1) {
      const results = await ask('GET', `${FILES}${uuid}/results.xlsx`);
      await results.body?.cancel();
    }
  },
  'a bulk update of a hundred thousand lines': async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => ({
      sku_id: `sku-${i % SKUS}`,
      quantity_in_stock: i,
    }));
    const response = await ask('POST', BULK, JSON.stringify(lines), JSON_HEADERS);
    const text = await response.text();
    expect(response.status, text.slice(0, 1000)).toBe(200);
  },
  'the undo of a large batch': async () => {
    const quantity = Math.floor(Math.random() * 1_000_000);
    const lines = server.prepared.skuIds.map((skuId) => ({
      sku_id: skuId,
      quantity_in_stock: quantity,
    }));
    const batch = await ask('POST', BULK, JSON.stringify(lines), JSON_HEADERS);
    await batch.arrayBuffer();
    const uuid = batch.headers.get('batch-id') ?? '';
    const undone = await ask('POST', `${BATCHES}${uuid}/revert/`);
    expect(await undone.json()).toMatchObject({ reverted: SKUS });
  },
  'a dry run of a hundred thousand lines, of which each has effects': async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => ({
      sku_id: `sku-${i % SKUS}`,
      quantity_in_stock: i,
    }));
    const response = await ask('POST', `${BULK}?dry_run=true`, JSON.stringify(lines), JSON_HEADERS);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"before"');
  },
  'streams of a long past': async () => {
    for (let quantity = 1; quantity <= 5; quantity += 1) await changeAll(quantity);
    const head = `GET ${CHANGES}?from=start&limit=2000 HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${server.prepared.token}\r\nAccept: text/event-stream\r\n\r\n`;
    const flood = await Flood.send(server.url, 40, head);
    await flood.statuses();
    flood.close();
  },
  'a workbook that unpacks to a large sheet': async () => {
    const cells = '<row><c t="inlineStr"><is><t>sku-1</t></is></c></row>';
    const bytes = workbookOf({ sheets: [{ rows: cells.repeat(100_000) }] });
    await finished(await upload(new Uint8Array(bytes)));
  },
  'long messages for thirty thousand lines, compressed': async () => {
    const lines = Array.from({ length: 30_000 }, (_, i) => ({
      sku_id: `none-${i}`,
      quantity_in_stock: 1,
    }));
    const response = await ask('POST', BULK, JSON.stringify(lines), JSON_HEADERS);
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const uuid = response.headers.get('batch-id') ?? '';
    expect(await response.json()).toHaveLength(30_000);
    const failures = await ask('GET', `${BATCHES}${uuid}/results/`);
    expect(await failures.json()).toHaveLength(30_000);
  },
  'a stream of rows that cannot be read': async () => {
    const rows = '?\n'.repeat(60_000) + '\n'.repeat(400_000);
    const response = await ask('POST', BULK, rows, { 'content-type': 'application/x-ndjson' });
    await response.arrayBuffer();
  },
  'rows of a stream that are not UTF-8, compressed': async () => {
    const rows = new Uint8Array(gzipSync(Buffer.from('ff0a'.repeat(200_000), 'hex')));
    const response = await ask('POST', BULK, rows, {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
    });
    await response.arrayBuffer();
  },
  'a thousand requests at once on each of fifty connections': async () => {
    const flood = await Flood.send(
      server.url,
      50,
      'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000),
    );
    await flood.statuses();
    flood.close();
  },
  'bodies in chunks of one byte': async () => {
    const head = `POST ${BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${server.prepared.token}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const flood = await Flood.send(server.url, 10, head + '1\r\n \r\n'.repeat(50_000));
    const statuses = await flood.statuses();
    flood.close();
    expect(statuses.get(200) ?? 0).toBe(0);
  },
  'a form with a preamble of megabytes': async () => {
    const response = await ask('POST', `${FILES}upload/`, `${' \r\n'.repeat(10_000_000)}--x--`, {
      'content-type': 'multipart/form-data; boundary=x',
    });
    expect(response.status).toBe(400);
  },
  'a large body that is malformed': async () => {
    const response = await ask(
      'POST',
      BULK,
      `[${'{"sku_id":"a"},'.repeat(100_000)}?]`,
      JSON_HEADERS,
    );
    expect(response.status).toBe(400);
  },
};

const isPostgres = process.env['TEST_STORE'] === 'postgres';
/** What is done before any database is asked is tried with one of them. */
const attacks = Object.keys(ATTACKS).filter(
  (name) => !isPostgres || /undo|hundred thousand|long past/.test(name),
);

test.for(attacks)('the event loop does not stand still during %s', async (name) => {
  const attack = ATTACKS[name];
  if (attack === undefined) throw new Error(`there is no attack ${name}`);
  const idle = await loop.during(() => server.secondTenant.before());
  const slicesMs: number[] = [];
  const lateShares: number[] = [];
  const sliceMsMax = Math.max(SLICE_MS_MAX, 3 * idle.sliceMs);
  const lateShareMax = Math.max(LATE_SHARE_MAX, 3 * idle.lateShare);
  let isSmooth = false;
  do {
    const during = await loop.during(async () => {
      const { latencies } = await server.secondTenant.during(attack());
      expectIsolated(latencies, 2000);
    });
    expect(during.worstMs).toBeLessThan(Math.max(STILL_MS_MAX, 3 * idle.worstMs));
    slicesMs.push(during.sliceMs);
    lateShares.push(during.lateShare);
    isSmooth = Math.min(...slicesMs) < sliceMsMax && Math.min(...lateShares) <= lateShareMax;
  } while (!isSmooth && slicesMs.length < ATTEMPTS);
  expect(Math.min(...slicesMs)).toBeLessThan(sliceMsMax);
  expect(Math.min(...lateShares)).toBeLessThanOrEqual(lateShareMax);
});

test.skipIf(isPostgres)(
  'a server that is killed while it reads a hostile file answers others as soon as it is back',
  async () => {
    const uuid = await upload(wideFile(20_000));
    await server.restart();
    const { result, latencies } = await server.secondTenant.during(finished(uuid));
    expectIsolated(latencies, 2000);
    expect(['done', 'refused', 'failed']).toContain(result);
  },
);
