import { randomUUID } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SERVER_AUTHOR } from '../../src/domain/audit.ts';
import { NO_RULES } from '../../src/domain/reading-rules.ts';
import { readSettings } from '../../src/settings/read.ts';
import { copyDatabases, inspectDatabase } from '../../src/databases.ts';
import {
  COPIED_TABLES,
  TABLES_LEFT_BEHIND,
  copyDatabase,
  type CopySource,
  type CopyTarget,
} from '../../src/store/copy.ts';
import { ConnectionPool, read } from '../../src/store/postgres/connection/pool.ts';
import { PostgresCopySource, PostgresCopyTarget } from '../../src/store/postgres/schema/copy.ts';
import { SqliteCopySource, SqliteCopyTarget } from '../../src/store/sqlite/schema/copy.ts';
import type { Store } from '../../src/store/store.ts';
import {
  applyOne,
  batchOf,
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
} from './fixtures.ts';
import { emptyPostgresDatabase } from './postgres/database.ts';

const HOUR_MS = 3_600_000;
const SKUS = Array.from({ length: 60 }, (_, i) => `sku-${i}`);

let databases: TestDatabase[];
beforeEach(() => {
  databases = [];
});
afterEach(async () => {
  for (const database of databases) await database.remove();
});

async function kept(database: Promise<TestDatabase>): Promise<TestDatabase> {
  databases.push(await database);
  return database;
}

const settings = readSettings({}, {});
const path = ({ url }: TestDatabase): string => url.replace(/^sqlite:/, '');
const nothing = (): void => undefined;

interface Kind {
  readonly name: string;
  readonly make: () => Promise<TestDatabase>;
  readonly source: (database: TestDatabase) => Promise<CopySource>;
  readonly target: (database: TestDatabase) => Promise<CopyTarget>;
}

const SQLITE: Kind = {
  name: 'SQLite',
  make: () => kept(sqliteDatabase()),
  source: async (database) => SqliteCopySource.open({ ...settings, path: path(database) }),
  target: async (database) => SqliteCopyTarget.open({ ...settings, path: path(database) }),
};
const POSTGRES: Kind = {
  name: 'PostgreSQL',
  make: () => kept(emptyPostgresDatabase()),
  source: ({ url }) => PostgresCopySource.open({ url }),
  target: ({ url }) => PostgresCopyTarget.open({ url, partitions: 0 }),
};

/** Adds rows to every table. */
async function fill(database: TestDatabase): Promise<void> {
  const store = await openTestStore(database);
  const supplierId = await createSupplier(store, 'Acme');
  const retailer = await store.accounts.createOrganization({ type: 'retailer', name: 'Shop' });
  await store.accounts.createConnection(supplierId, retailer.id);
  const { id: userId } = await store.accounts.findServiceUser(retailer.id);
  const tokenHash = new Uint8Array(32).fill(7);
  const permissions = ['view_items'] as const;
  await store.accounts.createToken({ userId, tokenHash, permissions, expiresAtMs: null });
  const entries = SKUS.map((skuId, i) =>
    entry(skuId, { product: { title: `Tee "${i}" – ü\n`, ean13: '4006381333931' } }),
  );
  await importSkus(store, supplierId, entries);
  await applyOne(
    store,
    batchOf(
      supplierId,
      SKUS.map((skuId) => ({ skuId, fields: { quantityInStock: 5 } })),
    ),
  );
  const key = {
    key: 'k',
    fingerprint: new Uint8Array([0, 255]),
    requestId: 'r',
    expiresAtMs: Date.now() + HOUR_MS,
  };
  await applyOne(store, {
    ...batchOf(supplierId, [
      { skuId: 'unknown', fields: {} },
      { skuId: 'sku-1', fields: { quantityInStock: 7 } },
    ]),
    options: { idempotency: key, withEffects: true },
  });
  await store.batches.setSafetyLimit(supplierId, { percentMax: 12.5, skusMin: 3 });
  await store.batches.confirm(supplierId, new Uint8Array([1]), Date.now() + HOUR_MS);
  await store.changes.dropBefore(Date.now() + HOUR_MS, 10);
  const webhook = await store.webhooks.create(
    {
      organizationId: retailer.id,
      url: 'https://shop.example.com/',
      description: null,
      supplierUuids: null,
      secrets: { current: 'whsec_x', previous: null },
      creator: { userId: 1, tokenId: 1 },
    },
    1,
  );
  if (webhook === undefined) throw new Error('the webhook was refused');
  const { id } = webhook;
  await store.webhooks.verify(id, webhook.url, 1);
  await store.webhooks.follow(id, supplierId, 3);
  const range = { supplierId, afterSequence: 2, toSequence: 3 };
  const attempt = { messageId: 'm', range, startedAtMs: 1, durationMs: 2, status: 200, text: '' };
  await store.webhooks.logAttempt(id, { ...attempt, isDelivered: true, exchange: '{}' }, 1);
  await addFile(store, supplierId);
  await addRecipient(store, supplierId);
  await store.close();
}

async function addRecipient({ notifications }: Store, organizationId: number): Promise<void> {
  const choices = {
    kinds: ['supplier_late', 'file_held'],
    digest: 'daily',
    dailyAtMinute: 480,
    quiet: { fromMinute: 1200, untilMinute: 420 },
    timeZone: 'Europe/Berlin',
    repeatMinutes: 60,
    tellsResolved: true,
  } as const;
  const address = { channel: 'email', address: 'a@acme.example', confirmedAtMs: 1 } as const;
  const note = {
    author: SERVER_AUTHOR,
    organizationId,
    action: 'recipient.created',
    subject: 'x',
  } as const;
  await notifications.create({ organizationId, ...choices, ...address }, 1, () => note);
  const email = { organizationId, mailbox: 'a@acme.example', sentAtMs: Date.now() };
  await notifications.countConfirmation(email, { organizationMax: 1, mailboxMax: 1 });
  const trip = { supplierId: organizationId, trippedAtMs: 1, detail: 'x' };
  await notifications.recordTrip(trip);
}

async function addFile({ files }: Store, supplierId: number): Promise<void> {
  const asked = { isSnapshot: false, atomic: false, dryRun: false, asOfUs: null, rules: NO_RULES };
  const nobody = { userId: null, filename: 'a.csv', reason: null, reference: null };
  const uploaded = { bytes: 9, uploadedAtMs: Date.now(), idempotency: null };
  const uuid = randomUUID();
  const quota = { bytesMax: 9, filesMax: 1, queuedMax: 1 };
  await files.add({ supplierId, uuid, asked, ...nobody, ...uploaded }, quota);
  await files.changeRules(supplierId, (before) => ({
    ...before,
    columns: [{ header: 'Bestand', target: 'quantity_in_stock', isOptional: true }],
    decimal: 'comma',
  }));
  const file = await files.find(supplierId, uuid);
  if (file === undefined) throw new Error('the file is missing');
  const nowMs = Date.now();
  const claim = { nodeId: 'n', nowMs, voidBeforeMs: nowMs, untilMs: nowMs + HOUR_MS };
  await files.claim(file, claim);
  const chunk = { piece: 0, rowCount: 3, batchUuid: null, failures: [] };
  const progress = { rowCount: 3, statusCounts: { 200: 3 }, rowsExpected: null };
  await files.record(file, 'n', chunk, progress);
}

async function findingsOf(database: TestDatabase): Promise<readonly string[]> {
  const wrong: string[] = [];
  for await (const { ok, check } of inspectDatabase(database.url, settings))
    if (!ok) wrong.push(check);
  return wrong;
}

describe.each([
  { fromKind: SQLITE, toKind: POSTGRES },
  { fromKind: POSTGRES, toKind: SQLITE },
])('a copy from $fromKind.name to $toKind.name', ({ fromKind, toKind }) => {
  test('is equal row by row, and both accept the same later writes', async () => {
    const [from, to] = [await fromKind.make(), await toKind.make()];
    await fill(from);
    const copied = await copyDatabases(from.url, to.url, nothing, settings);
    expect(copied.find(({ table }) => table === 'skus')?.rows).toBe(SKUS.length);
    expect(await findingsOf(to)).toEqual([]);
    const back = await fromKind.make();
    expect(await copyDatabases(to.url, back.url, nothing, settings)).toEqual(copied);

    const stores: Store[] = [await openTestStore(from), await openTestStore(to)];
    for (const store of stores) {
      const [supplier] = await store.accounts.listOrganizations();
      const batch = batchOf(supplier?.id ?? 0, [
        { skuId: 'sku-2', fields: { quantityInStock: 1 } },
      ]);
      await applyOne(store, batch);
      await createSupplier(store, 'Bolt');
    }
    const heads = await Promise.all(stores.map((store) => store.changes.heads([1])));
    expect(heads[0]).toEqual(heads[1]);
    for (const store of stores) await store.close();
  });

  test('that is interrupted cannot be opened, and resumes when it is repeated', async () => {
    const [from, to] = [await fromKind.make(), await toKind.make()];
    await fill(from);
    for (const writes of [1, 6]) {
      const source = await fromKind.source(from);
      const target = interrupted(await toKind.target(to), writes);
      await expect(
        copyDatabase(source, target, () => fromKind.source(from), nothing),
      ).rejects.toThrow('cut');
      await Promise.all([source.close(), target.close()]);
      await expect(openTestStore(to)).rejects.toThrow('unfinished copy');
    }
    await copyDatabases(from.url, to.url, nothing, settings);
    expect(await findingsOf(to)).toEqual([]);
  });

  test('fails if the source is written to during the copy', async () => {
    const [from, to] = [await fromKind.make(), await toKind.make()];
    await fill(from);
    const [source, target] = [await fromKind.source(from), await toKind.target(to)];
    const again = async (): Promise<CopySource> => {
      const store = await openTestStore(from);
      await applyOne(store, batchOf(1, [{ skuId: 'sku-3', fields: { quantityInStock: 9 } }]));
      await store.close();
      return fromKind.source(from);
    };
    await expect(copyDatabase(source, target, again, nothing)).rejects.toThrow('was written to');
    await Promise.all([source.close(), target.close()]);
    await expect(copyDatabases(from.url, to.url, nothing, settings)).rejects.toThrow('Remove it');
    await expect(openTestStore(to)).rejects.toThrow('unfinished copy');
  });

  test('refuses a target that is in use', async () => {
    const [from, to] = [await fromKind.make(), await toKind.make()];
    await fill(from);
    const store = await openTestStore(to);
    await createSupplier(store, 'Mine');
    await store.close();
    await expect(copyDatabases(from.url, to.url, nothing, settings)).rejects.toThrow(
      'is not empty',
    );
  });

  test('reports the first row that differs from the source', async () => {
    const [from, to] = [await fromKind.make(), await toKind.make()];
    await fill(from);
    const source = await fromKind.source(from);
    const target = corrupting(await toKind.target(to));
    await expect(
      copyDatabase(source, target, () => fromKind.source(from), nothing),
    ).rejects.toThrow(
      'differs from its source in the table inventory, at the row with supplier_id 1, sku_number 3',
    );
    await Promise.all([source.close(), target.close()]);
  });
});

/** Throws after a number of writes. */
function interrupted(target: CopyTarget, writes: number): CopyTarget {
  let left = writes;
  return delegatingTo(target, async (table, rows, position) => {
    if (left === 0) throw new Error('cut');
    left -= 1;
    await target.write(table, rows, position);
  });
}

/** Writes a wrong quantity for one SKU. */
function corrupting(target: CopyTarget): CopyTarget {
  return delegatingTo(target, async (table, rows, position) => {
    const index = table.columns.indexOf('quantity_in_stock');
    const corrupted = rows.map((row, i) =>
      table.name === 'inventory' && i === 2 ? row.with(index, 77) : row,
    );
    await target.write(table, corrupted, position);
  });
}

function delegatingTo(target: CopyTarget, write: CopyTarget['write']): CopyTarget {
  return {
    begin: (fingerprint) => target.begin(fingerprint),
    write,
    reader: () => target.reader(),
    finish: () => target.finish(),
    close: () => target.close(),
  };
}

describe('every table of', () => {
  const known = new Set([...COPIED_TABLES, ...Object.keys(TABLES_LEFT_BEHIND)]);

  test('SQLite is copied, or listed in TABLES_LEFT_BEHIND', async () => {
    const database = await SQLITE.make();
    await fill(database);
    const db = new Sqlite(path(database), { readonly: true });
    const names = db
      .prepare<[], { name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
      )
      .all();
    const isEmpty = (name: string): boolean =>
      db.prepare(`SELECT 1 FROM ${name}`).get() === undefined;
    const empty = COPIED_TABLES.filter(isEmpty);
    db.close();
    expect(names.filter(({ name }) => !known.has(name))).toEqual([]);
    expect(empty).toEqual([]);
  });

  test('PostgreSQL is copied, or listed in TABLES_LEFT_BEHIND', async () => {
    const database = await POSTGRES.make();
    await fill(database);
    const pool = new ConnectionPool({ url: database.url, connectionsMax: 1 });
    const names = await read<{ name: string }>(
      pool,
      `SELECT relname AS name FROM pg_class
       WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
    );
    await pool.close();
    expect(names.filter(({ name }) => !known.has(name))).toEqual([]);
  });
});
