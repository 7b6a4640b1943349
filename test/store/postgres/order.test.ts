import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Batch, BatchOutcome, IdempotencyKey } from '../../../src/domain/batches.ts';
import type { Store } from '../../../src/store/store.ts';
import { COMMIT, CuttingProxy, type CutAt } from '../../durability/cutting-proxy.ts';
import { Random } from '../../random.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  succeeded,
  type Draft,
  type TestDatabase,
} from '../fixtures.ts';
import { postgresDatabase } from './database.ts';
import { alterPostgres, queryPostgres, readPostgresChanges } from './rows.ts';

const HOUR_MS = 3_600_000;

let database: TestDatabase;
let nodes: [Store, Store];
let supplierId: number;

beforeEach(async () => {
  database = await postgresDatabase();
  nodes = [await openTestStore(database), await openTestStore(database)];
  supplierId = await createSupplier(nodes[0], 'Acme');
});

afterEach(async () => {
  for (const node of nodes) await node.close();
  const problems = await problemsOf(database);
  await database.remove();
  expect(problems).toEqual([]);
});

const NAMES = Array.from({ length: 40 }, (_, i) => `sku-${i}`);

function stock(names: readonly string[], quantityInStock: number | null = 0) {
  const entries = names.map((name) => entry(name, { inventory: { quantityInStock } }));
  return importSkus(nodes[0], supplierId, entries);
}

function query<R extends object>(sql: string): Promise<readonly R[]> {
  return queryPostgres<R>(database, sql);
}

async function stockOf(skuId: string): Promise<number | null | undefined> {
  const query = { supplierIds: [supplierId], filter: { skuId }, from: { start: 0 }, limit: 1 };
  return (await nodes[1].skus.list(query)).skus[0]?.inventory.quantityInStock;
}

const more = (skuId: string): Draft => ({ skuId, fields: {}, stockChange: 1 });

function keyOf(key: string): IdempotencyKey {
  const fingerprint = new TextEncoder().encode(key);
  return { key, fingerprint, requestId: `first of ${key}`, expiresAtMs: Date.now() + HOUR_MS };
}

/** The physical location of each row version, and the transaction that wrote it. */
function rowVersions() {
  const tables = ['skus', 'gtins', 'inventory', 'changes'];
  const each = tables.map(
    (table) => `SELECT '${table}' AS name, ctid::text, xmin::text FROM ${table}`,
  );
  return query(each.join(' UNION ALL '));
}

function setTo(skuId: string, quantityInStock: number): Batch {
  return batchOf(supplierId, [{ skuId, fields: { quantityInStock } }]);
}

/** Runs PL/pgSQL when a change to a stock of 13 is inserted. */
function onStockOf13(plpgsql: string): Promise<void> {
  return alterPostgres(
    database,
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${plpgsql}; END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON changes FOR EACH ROW
       WHEN (NEW.after_quantity_in_stock = 13) EXECUTE FUNCTION refuse();`,
  );
}

describe('two nodes that write to one supplier at the same time', () => {
  const SEED = 7;
  const BATCHES_PER_NODE = 60;

  test(`lose no update, never deadlock, and leave no gap (seed ${SEED})`, async () => {
    await stock(NAMES);
    const random = new Random(SEED);
    const added = new Map<string, number>();
    const sent: Promise<readonly unknown[]>[] = [];
    for (let n = 0; n < BATCHES_PER_NODE; n += 1) {
      for (const node of nodes) {
        const names = Array.from({ length: 1 + random.below(60) }, () => random.pick(NAMES));
        for (const name of names) added.set(name, (added.get(name) ?? 0) + 1);
        const group = [batchOf(supplierId, names.map(more))];
        if (random.chance(0.2)) group.push(batchOf(supplierId, [{ skuId: 'unknown', fields: {} }]));
        sent.push(node.apply(group));
      }
      // Some batches queue up, others arrive later.
      if (random.chance(0.3)) await Promise.all(sent);
    }
    const outcomes = (await Promise.all(sent)).flat();
    expect(outcomes.filter((outcome) => outcome instanceof Error)).toEqual([]);
    for (const name of NAMES) expect([name, await stockOf(name)]).toEqual([name, added.get(name)]);
    const changes = await readPostgresChanges(database, supplierId);
    expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, i) => i + 1));
    const [trouble] = await query<{ deadlocks: number }>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(trouble).toEqual({ deadlocks: 0 });
  });

  test('apply a batch once when both get it with the same idempotency key', async () => {
    await stock(['a']);
    const batch: Batch = {
      ...batchOf(supplierId, [more('a')]),
      options: { idempotency: keyOf('k') },
    };
    const sent = nodes.flatMap((node) => [node, node, node]).map((node) => applyOne(node, batch));
    const outcomes = await Promise.all(sent);
    expect(outcomes.filter(({ repeats }) => repeats === null)).toHaveLength(1);
    expect(new Set(outcomes.map(({ uuid }) => uuid)).size).toBe(1);
    expect(await stockOf('a')).toBe(1);
  });

  test('number the SKUs that both create without gaps', async () => {
    await Promise.all(
      nodes.map((node, n) =>
        Promise.all(
          NAMES.map((name) =>
            importSkus(node, supplierId, [entry(name), entry(`${name} of ${n}`)]),
          ),
        ),
      ),
    );
    const query = { supplierIds: [supplierId], filter: {}, from: { start: 0 }, limit: 1 };
    expect((await nodes[0].skus.list(query)).totalCount).toBe(3 * NAMES.length);
  });
});

test('batches that wait for another one share a transaction, each with its own results', async () => {
  await stock(NAMES);
  const [node] = nodes;
  const before = await query<{ xid: number }>('SELECT txid_current() AS xid');
  const outcomes = await Promise.all(
    NAMES.map((name, n) =>
      applyOne(node, batchOf(supplierId, n % 2 === 0 ? [more(name)] : [more(name), more('no')])),
    ),
  );
  const after = await query<{ xid: number }>('SELECT txid_current() AS xid');
  expect(outcomes.map(({ statuses }) => [...statuses])).toEqual(
    NAMES.map((_, n) => (n % 2 === 0 ? [200] : [200, 404])),
  );
  expect(new Set(outcomes.map(({ uuid }) => uuid)).size).toBe(NAMES.length);
  expect(Number(after[0]?.xid) - Number(before[0]?.xid)).toBeLessThan(NAMES.length / 2);
});

test.for([
  { groupLinesMax: 4, batchCount: 10, linesPerBatch: 2, transactions: 5 },
  { groupLinesMax: 1, batchCount: 3, linesPerBatch: 2, transactions: 3 },
  { groupLinesMax: 12_000, batchCount: 3, linesPerBatch: 4000, transactions: 1 },
])(
  'with ONHAND_GROUP_LINES_MAX = $groupLinesMax, $batchCount waiting batches of $linesPerBatch lines take $transactions transactions',
  async ({ groupLinesMax, batchCount, linesPerBatch, transactions }) => {
    const node = await openTestStore(database, { groupLinesMax });
    const drafts = Array.from({ length: linesPerBatch }, () => ({ skuId: 'unknown', fields: {} }));
    await Promise.all(
      Array.from({ length: batchCount }, () => applyOne(node, batchOf(supplierId, drafts))),
    );
    await node.close();
    const written = await query('SELECT count(*), count(DISTINCT xmin::text) AS xids FROM batches');
    expect(written).toEqual([{ count: batchCount, xids: transactions }]);
  },
);

test('re-sending an unchanged catalogue writes a batch row and nothing else', async () => {
  const entries = NAMES.map((name, n) =>
    entry(name, {
      product: { upca: '012345678905', title: `${n}` },
      inventory: { quantityInStock: n },
    }),
  );
  await importSkus(nodes[0], supplierId, entries);
  const lines = NAMES.map((skuId, n) => ({ skuId, fields: { quantityInStock: n } }));
  const before = await rowVersions();
  await importSkus(nodes[0], supplierId, entries);
  await applyOne(nodes[0], batchOf(supplierId, lines));
  expect(await rowVersions()).toEqual(before);
  const { batches } = await nodes[0].batches.list(supplierId, { start: 0, limit: 9 });
  expect(batches.map(({ changedCount }) => changedCount)).toEqual([0, 0, NAMES.length]);
});

describe('a placeholder GTIN that every SKU has', () => {
  const PLACEHOLDER = 12_345_678_905;
  const RARE = 4_006_381_333_931;
  const RARER = 9_780_306_406_157;
  const fields = { quantityInStock: 1 };

  beforeEach(async () => {
    const entries = Array.from({ length: 3000 }, (_, n) => {
      const rare = n >= 2993 ? { ean13: '4006381333931' } : {};
      const rarer = n === 2999 ? { isbn: '0306406152' } : {};
      return entry(`n${n}`, { product: { upca: '012345678905', ...rare, ...rarer } });
    });
    await importSkus(nodes[0], supplierId, entries);
  });

  test('matches five candidates alone, and one SKU together with its other identifiers', async () => {
    const outcome = await applyOne(
      nodes[0],
      batchOf(supplierId, [
        { gtins: [PLACEHOLDER], fields },
        { gtins: [PLACEHOLDER, RARE], fields },
        { gtins: [RARER, PLACEHOLDER, RARE], fields },
        { gtins: [PLACEHOLDER, PLACEHOLDER, RARER], fields },
        { skuId: 'n2995', gtins: [PLACEHOLDER, RARE], fields },
        { skuId: 'n2995', gtins: [PLACEHOLDER, RARER], fields },
        { skuId: 'n17', gtins: [PLACEHOLDER], fields },
        { skuId: 'unknown', gtins: [PLACEHOLDER], fields },
        { skuId: 'nul\0', gtins: [PLACEHOLDER], fields },
      ]),
    );
    expect([...outcome.statuses]).toEqual([422, 422, 200, 200, 200, 404, 200, 404, 404]);
    expect(outcome.details.get(0)).toEqual({
      kind: 'ambiguous',
      skuIds: ['n0', 'n1', 'n2', 'n3', 'n4'],
    });
    expect(outcome.details.get(1)).toEqual({
      kind: 'ambiguous',
      skuIds: ['n2993', 'n2994', 'n2995', 'n2996', 'n2997'],
    });
    expect([await stockOf('n2999'), await stockOf('n2995'), await stockOf('n17')]).toEqual([
      1, 1, 1,
    ]);
  });

  test('protects every SKU from being set to zero by a snapshot that contains it', async () => {
    const outcome = await applyOne(nodes[0], {
      ...batchOf(supplierId, [{ gtins: [PLACEHOLDER], fields }]),
      options: { snapshot: { asOfUs: null, defaultSafetyLimit: { percentMax: 0, skusMin: 1 } } },
    });
    expect([...outcome.statuses]).toEqual([422]);
    expect(outcome.zeroedCount).toBe(0);
  });
});

test('a snapshot in a group sees earlier batches, and later batches see the snapshot', async () => {
  await stock(NAMES, 5);
  const snapshot: Batch = {
    ...setTo('sku-1', 3),
    options: { snapshot: { asOfUs: null, defaultSafetyLimit: { percentMax: 100, skusMin: 1 } } },
  };
  const outcomes = await nodes[0].apply([
    setTo('sku-0', 7),
    setTo('sku-2', 0),
    snapshot,
    setTo('sku-3', 9),
  ]);
  expect(outcomes.map((outcome) => succeeded(outcome).zeroedCount)).toEqual([0, 0, 38, 0]);
  expect(await Promise.all(['sku-0', 'sku-1', 'sku-2', 'sku-3', 'sku-39'].map(stockOf))).toEqual([
    0, 3, 0, 9, 0,
  ]);
});

describe('a batch that the database refuses', () => {
  test('fails no other batch of its group', async () => {
    await stock(['a', 'b', 'c']);
    await onStockOf13(`RAISE EXCEPTION 'full' USING ERRCODE = '53100'`);
    const outcomes = await nodes[0].apply([setTo('a', 1), setTo('b', 13), setTo('c', 2)]);
    expect(outcomes).toMatchObject([
      { repeats: null },
      { code: 'store_unavailable', retryAfterSeconds: 30 },
      { repeats: null },
    ]);
    expect(await Promise.all(['a', 'b', 'c'].map(stockOf))).toEqual([1, 0, 2]);
  });

  test('for an unknown reason fails no other batch that was sent at the same time', async () => {
    await stock(['a', 'b', 'c']);
    await onStockOf13(`RAISE EXCEPTION 'a bug'`);
    const sent = [setTo('a', 1), setTo('b', 13), setTo('c', 2)].map((batch) =>
      applyOne(nodes[0], batch),
    );
    const settled = await Promise.allSettled(sent);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  test('twice for deadlocks, and then accepts, is applied once', async () => {
    await stock(['a']);
    await alterPostgres(database, 'CREATE SEQUENCE attempts');
    await onStockOf13(
      `IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40P01'; END IF; RETURN NEW`,
    );
    await applyOne(nodes[0], setTo('a', 13));
    expect(await stockOf('a')).toBe(13);
    expect(await readPostgresChanges(database, supplierId)).toHaveLength(2);
  });
});

describe('a connection that is cut during a transaction', () => {
  let proxy: CuttingProxy;
  let node: Store;

  beforeEach(async () => {
    proxy = await CuttingProxy.start(Number(new URL(database.url).port));
    const url = new URL(database.url);
    url.port = String(proxy.port);
    node = await openTestStore({ ...database, url: url.href });
  });

  afterEach(async () => {
    await node.close();
    await proxy.close();
  });

  const CUTS: readonly { readonly word: string; readonly at: CutAt }[] = [
    { word: 'FOR NO KEY UPDATE', at: 'request' },
    { word: 'FOR NO KEY UPDATE', at: 'answer' },
    { word: 'INSERT INTO changes', at: 'request' },
    { word: 'INSERT INTO changes', at: 'answer' },
    { word: COMMIT, at: 'request' },
    { word: COMMIT, at: 'answer' },
  ];

  test.for(CUTS)(
    'is recovered: each batch is applied exactly once (cut at the $at of $word)',
    async (cut) => {
      await stock(['a', 'b']);
      proxy.cutNext(cut.word, cut.at);
      const outcomes: BatchOutcome[] = await Promise.all(
        Array.from({ length: 5 }, () =>
          applyOne(node, batchOf(supplierId, [more('a'), more('b')])),
        ),
      );
      expect(outcomes.map(({ statuses }) => [...statuses])).toEqual(outcomes.map(() => [200, 200]));
      expect([await stockOf('a'), await stockOf('b')]).toEqual([5, 5]);
      for (const { uuid } of outcomes) {
        expect(await nodes[0].batches.find(supplierId, uuid ?? '')).toMatchObject({ lineCount: 2 });
      }
    },
  );
});
