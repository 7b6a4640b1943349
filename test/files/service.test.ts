import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NO_RULES, type ReadingRules } from '../../src/domain/reading-rules.ts';
import { openStaging } from '../../src/databases.ts';
import { OnhandError } from '../../src/domain/errors.ts';
import { CatalogueBatches } from '../../src/files/catalogue-batches.ts';
import { DiskQuota } from '../../src/files/disk-quota.ts';
import { importFileTask, type ImportHost } from '../../src/files/import-task.ts';
import type { FileWorkers } from '../../src/files/tasks.ts';
import { FileStorage } from '../../src/files/storage.ts';
import { FileService } from '../../src/files/service.ts';
import { Intake } from '../../src/intake/intake.ts';
import { fileWorkersOf } from '../../src/server.ts';
import type { CatalogueOutcome } from '../../src/domain/catalogue.ts';
import { isOver, type FileDraft, type FileRecord } from '../../src/domain/files.ts';
import type { Batch, BatchOutcome } from '../../src/domain/batches.ts';
import type { FileSweepTimes, Store } from '../../src/store/store.ts';
import { newUuid } from '../../src/store/uuids.ts';
import { printWouldChange } from '../../src/wire/lines/results.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  type TestDatabase,
  testSettings,
} from '../store/fixtures.ts';

let database: TestDatabase;
let store: Store;
let directory: string;
let service: FileService;
/** What was submitted, as `supplier/key`. */
let submitted: string[];
/** Asked before a batch is submitted. */
let before: (batch: Batch) => Promise<void>;
let failures: unknown[];
let workers: FileWorkers;

const limits = { bytesMax: 1e9, filesMax: 100, queuedMax: 100, freeBytesMin: 0 };

beforeEach(async () => {
  database = await sqliteDatabase();
  store = await openTestStore(database);
  directory = await mkdtemp(join(tmpdir(), 'onhand-files-'));
  submitted = [];
  failures = [];
  before = () => Promise.resolve();
  service = newService();
});
afterEach(async () => {
  await service.stop();
  await store.close();
  await database.remove();
  await rm(directory, { recursive: true });
  expect(failures).toEqual([]);
});

function newService(settings = testSettings(database)): FileService {
  const intake = new Intake(store, settings);
  const submit = async (batch: Batch): Promise<BatchOutcome> => {
    submitted.push(`${batch.supplierId}/${batch.options?.idempotency?.key.split(' ').at(-1)}`);
    await before(batch);
    return intake.submit(batch);
  };
  const files = new FileStorage(directory);
  return new FileService({
    store,
    intake: { submit },
    files,
    quota: new DiskQuota({ store: store.files, files, limits }),
    workers: (workers = fileWorkersOf(settings)),
    printWouldChange,
    settings,
    isAlone: true,
    onEnded: () => Promise.resolve(),
    onFailure: (error) => failures.push(error),
  });
}

async function supplier(name: string): Promise<number> {
  const id = await createSupplier(store, name);
  await importSkus(store, id, [entry('A-1')]);
  return id;
}

async function add(
  supplierId: number,
  rows: number,
  quantity = 1,
  atomic = false,
): Promise<string> {
  return addContent(supplierId, `sku_id,qty\n${`A-1,${quantity}\n`.repeat(rows)}`, atomic);
}

async function addContent(
  supplierId: number,
  content: string,
  atomic = false,
  rules: ReadingRules = NO_RULES,
): Promise<string> {
  const uuid = newUuid(Date.now());
  const { bytes } = await service.files.write({ supplierId, uuid }, [content], {});
  const draft = draftOf(supplierId, uuid, bytes, atomic);
  return service.add({ ...draft, asked: { ...draft.asked, rules } });
}

function draftOf(supplierId: number, uuid: string, bytes: number, atomic = false): FileDraft {
  return {
    supplierId,
    uuid,
    userId: null,
    filename: null,
    bytes,
    asked: { isSnapshot: false, atomic, dryRun: false, asOfUs: null, rules: NO_RULES },
    reason: null,
    reference: null,
    uploadedAtMs: Date.now(),
    idempotency: null,
  };
}

function sweptBefore(ms: number): FileSweepTimes {
  return { startedBeforeMs: ms, refusedBeforeMs: ms };
}

async function over(supplierId: number, uuid: string): Promise<FileRecord> {
  for (;;) {
    const changed = service.changed(uuid, 1000, new AbortController().signal);
    const job = await service.jobs.find(supplierId, uuid);
    if (job !== undefined && isOver(job)) return job;
    await changed;
  }
}

/** A batch that waits until it is let go. */
function held(isMeant: (batch: Batch) => boolean) {
  const came = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  before = async (batch) => {
    if (!isMeant(batch)) return;
    came.resolve();
    await go.promise;
  };
  return { came: came.promise, go: go.resolve };
}

/** What becomes of the leases of files from now on. */
function watchedLeases(): readonly string[] {
  const { files } = store;
  const keep = files.keep.bind(files);
  const leases: string[] = [];
  files.keep = async (place, lease) => {
    const result = await keep(place, lease);
    leases.push(lease.untilMs < lease.nowMs ? 'given back' : result);
    return result;
  };
  return leases;
}

const pieceOf = ({ options }: Batch): string | undefined =>
  options?.idempotency?.key.split(' ').at(-1);

test('a canceled job stops after the current chunk', async () => {
  const acme = await supplier('Acme');
  const second = held((batch) => pieceOf(batch) === '1');
  const uuid = await add(acme, 45_000);
  await second.came;
  const job = await service.jobs.find(acme, uuid);
  expect(job).toMatchObject({ state: 'reading', rowCount: 10_000 });
  expect(job?.rowsExpected).toBeGreaterThan(10_000);
  expect(job?.rowsExpected).toBeLessThanOrEqual(45_000);
  if (job !== undefined) await service.cancel(job);
  second.go();
  expect(await over(acme, uuid)).toMatchObject({ state: 'canceled', rowCount: 20_000 });
  expect(submitted).toEqual([`${acme}/0`, `${acme}/1`]);
});

test('the file of a supplier that is disabled stops after the current chunk and resumes when it is enabled', async () => {
  const acme = await supplier('Acme');
  const second = held((batch) => pieceOf(batch) === '1');
  const uuid = await add(acme, 25_000);
  await second.came;
  const leases = watchedLeases();
  await store.accounts.setOrganizationDisabled(acme, true);
  await expect.poll(() => leases).toContain('lost');
  second.go();
  await expect.poll(() => leases).toContain('given back');
  expect(submitted).toEqual([`${acme}/0`, `${acme}/1`]);
  await store.accounts.setOrganizationDisabled(acme, false);
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', rowCount: 25_000 });
});

test('a file that is one batch and is canceled while it is applied reports what was applied', async () => {
  const acme = await supplier('Acme');
  const only = held(() => true);
  const uuid = await add(acme, 3, 1, true);
  await only.came;
  const job = await service.jobs.find(acme, uuid);
  if (job !== undefined) await service.cancel(job);
  // Longer than a worker is given to end by itself: the job must still wait for the batch.
  await service.changed(uuid, 1000, new AbortController().signal);
  await service.changed(uuid, 1000, new AbortController().signal);
  only.go();
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', rowCount: 3 });
});

/** A catalogue, and what its import needs on this thread. */
async function catalogueOf(supplierId: number, rows: string) {
  const uuid = await addContent(supplierId, `item_id,sku_id,title,ean13\n${rows}`);
  const job = await over(supplierId, uuid);
  const target = {
    job,
    path: service.files.pathOf(job),
    asOfToleranceSeconds: 0,
    formatLimits: testSettings(database).formatLimits,
    inspectedSkusMax: 1000,
    directory,
    decimal: null,
  };
  const host: ImportHost = {
    applyCatalogue: (batch) => store.applyCatalogue(batch),
    sharedGtins: ({ afterGtin, limit }) => store.sharedGtins(supplierId, afterGtin, limit),
  };
  return { target, host };
}

test('a catalogue that is canceled while it waits for its second worker ends as canceled', async () => {
  const [acme, bolt] = [await supplier('Acme'), await supplier('Bolt')];
  const { target, host } = await catalogueOf(bolt, '1,B-1,Bolt,\n');
  await service.stop();
  service = newService({ ...testSettings(database), readWorkersMax: 1 });
  // Each takes the only worker until it is let go.
  const occupy = () => {
    const [came, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const held: ImportHost = {
      ...host,
      applyCatalogue: async (batch) => {
        came.resolve();
        await go.promise;
        return host.applyCatalogue(batch);
      },
    };
    const run = { organizationId: bolt, host: held };
    const ended = workers.readers.run('importFile', target, run);
    return { came: came.promise, go: go.resolve, ended };
  };
  const first = occupy();
  await first.came;
  const uuid = await addContent(acme, 'item_id,sku_id,title,ean13\n1,A-1,Acme,\n');
  await expect.poll(async () => (await service.jobs.find(acme, uuid))?.state).toBe('reading');
  const second = occupy();
  first.go();
  await second.came;
  const job = await service.jobs.find(acme, uuid);
  if (job !== undefined) await service.cancel(job);
  expect(await over(acme, uuid)).toMatchObject({ state: 'canceled', problem: null });
  second.go();
  await Promise.all([first.ended, second.ended]);
});

test('printing the report of a catalogue makes progress', async () => {
  const acme = await supplier('Acme');
  const { target, host } = await catalogueOf(acme, '1,A-2,Acme,123\n'.repeat(2500));
  const signal = new AbortController().signal;
  let steps = 0;
  const counting: ImportHost = {
    ...host,
    // The last call before the report is printed.
    sharedGtins: (asked) => {
      steps = 0;
      return host.sharedGtins(asked);
    },
  };
  await importFileTask(openStaging, target, counting, { signal, progress: () => (steps += 1) });
  expect(steps).toBeGreaterThan(4);
});

test("a supplier's files are applied one after another, those of other suppliers in parallel", async () => {
  const [acme, bolt] = [await supplier('Acme'), await supplier('Bolt')];
  const first = held((batch) => batch.supplierId === acme && pieceOf(batch) === '0');
  const uuids = [await add(acme, 12_000, 1), await add(acme, 5, 2), await add(acme, 5, 3)];
  await first.came;
  const other = await add(bolt, 12_000);
  expect(await over(bolt, other)).toMatchObject({ state: 'done' });
  expect(submitted.filter((key) => key.startsWith(`${acme}/`))).toEqual([`${acme}/0`]);
  first.go();
  for (const uuid of uuids) expect(await over(acme, uuid)).toMatchObject({ state: 'done' });
  const ends = await Promise.all(uuids.map((uuid) => service.jobs.find(acme, uuid)));
  const times = ends.map((job) => job?.finishedAtMs ?? 0);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

/** Stops the server while it applies the second chunk of a file. */
async function stopDuringSecondChunk(adding: () => Promise<string>): Promise<string> {
  const second = held((batch) => pieceOf(batch) === '1');
  const uuid = await adding();
  await second.came;
  const stopped = service.stop();
  second.go();
  await stopped;
  service = newService();
  return uuid;
}

test('a restarted server resumes a job at the first chunk that was not recorded', async () => {
  const acme = await supplier('Acme');
  const uuid = await stopDuringSecondChunk(() => add(acme, 35_000));
  expect(await service.jobs.find(acme, uuid)).toMatchObject({ state: 'reading', rowCount: 20_000 });
  service.start();
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', rowCount: 35_000 });
  expect(submitted).toEqual([0, 1, 2, 3].map((piece) => `${acme}/${piece}`));
});

test('a restarted server adds up the rows of a SKU with those that were applied before', async () => {
  const acme = await supplier('Acme');
  const rows = `sku_id,qty\n${'A-1,1\n'.repeat(25_000)}`;
  const rules: ReadingRules = { ...NO_RULES, locations: 'sum' };
  const uuid = await stopDuringSecondChunk(() => addContent(acme, rows, false, rules));
  service.start();
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', statusCounts: { '200': 25_000 } });
  const page = { supplierIds: [acme], filter: {}, from: { start: 0 }, limit: 1 };
  const [sku] = (await store.skus.list(page)).skus;
  expect(sku?.inventory.quantityInStock).toBe(25_000);
});

test('a resumed job keeps its chunks, even if its supplier has set a safety limit since', async () => {
  const acme = await supplier('Acme');
  const uuid = await stopDuringSecondChunk(() => add(acme, 35_000));
  await store.batches.setSafetyLimit(acme, { percentMax: 50, skusMin: 100 });
  service.start();
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', rowCount: 35_000 });
  expect(submitted).toHaveLength(4);
});

test('a chunk that is refused as overloaded is retried', async () => {
  const acme = await supplier('Acme');
  let refusals = 1;
  before = () => {
    refusals -= 1;
    return refusals < 0
      ? Promise.resolve()
      : Promise.reject(new OnhandError('overloaded', 'The server is busy.'));
  };
  const uuid = await add(acme, 5);
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', statusCounts: { '200': 5 } });
  expect(submitted).toHaveLength(2);
});

test('a server that stops while a chunk is to be retried leaves the file to the next server', async () => {
  const acme = await supplier('Acme');
  const refused = Promise.withResolvers<void>();
  before = () => {
    // The job is told to stop after this, while it waits before its next attempt.
    setImmediate(refused.resolve);
    return Promise.reject(new OnhandError('overloaded', 'The server is busy.'));
  };
  const uuid = await add(acme, 5);
  await refused.promise;
  await service.stop();
  expect(await service.jobs.find(acme, uuid)).toMatchObject({ state: 'reading', problem: null });
  before = () => Promise.resolve();
  service = newService();
  service.start();
  expect(await over(acme, uuid)).toMatchObject({ state: 'done', statusCounts: { '200': 5 } });
});

test('a file that an earlier version stored without a folder is read, printed and deleted', async () => {
  const acme = await supplier('Acme');
  const uuid = newUuid(Date.now());
  const content = 'sku_id,qty\nA-1,7\n';
  await writeFile(join(directory, `${uuid}.feed`), content);
  await service.add(draftOf(acme, uuid, content.length));
  const job = await over(acme, uuid);
  expect(job).toMatchObject({ state: 'done', statusCounts: { '200': 1 } });
  await service.removeLeftovers(Date.now() + 1);
  expect(await text(await service.results.content(job, 'csv'))).toContain('A-1,7');
  await service.remove(job);
  expect(await readdir(directory)).toEqual([]);
});

test('files are deleted after their retention, their counts remain', async () => {
  const acme = await supplier('Acme');
  const uuid = await add(acme, 5);
  const job = await over(acme, uuid);
  await service.results.check(job);
  expect(await service.sweep(sweptBefore(job.uploadedAtMs), 10)).toBe(false);
  expect(await readdir(join(directory, String(acme)))).toEqual([`${uuid}.feed`]);
  await service.sweep(sweptBefore(Date.now() + 1), 10);
  expect(await readdir(join(directory, String(acme)))).toEqual([]);
  const dropped = await over(acme, uuid);
  expect(dropped).toMatchObject({ isKept: false, rowCount: 5, statusCounts: { '200': 5 } });
  await expect(service.results.check(dropped)).rejects.toMatchObject({ code: 'results_expired' });
});

test('files without a job, left by a crash, are removed; others are kept', async () => {
  const acme = await supplier('Acme');
  const uuid = await add(acme, 5);
  await over(acme, uuid);
  await service.files.write({ supplierId: acme, uuid: newUuid(Date.now()) }, ['lost'], {});
  await service.stop();
  service = newService();
  expect(await service.files.leftovers(Date.now() + 1)).toHaveLength(2);
  await service.removeLeftovers(Date.now() + 1);
  expect(await readdir(join(directory, String(acme)))).toEqual([`${uuid}.feed`]);
});

test('the copy of an old file that is to be applied is not removed before its job is added', async () => {
  const acme = await supplier('Acme');
  const from = { supplierId: acme, uuid: newUuid(Date.now()) };
  const to = { supplierId: acme, uuid: newUuid(Date.now()) };
  await service.files.write(from, ['sku_id,qty'], {});
  await utimes(service.files.pathOf(from), 1, 1);
  const copiedAtMs = Date.now();
  await service.files.copy(from, to);
  // A second is the least that a file system can tell apart.
  expect(await service.files.leftovers(copiedAtMs - 1000)).toEqual([]);
});

test.for(['organization_budget_exceeded', 'request_in_progress'] as const)(
  'a chunk that meets %s is submitted again, and the file is applied',
  async (code) => {
    const id = await supplier('Busy');
    let refusals = 1;
    before = () => {
      refusals -= 1;
      return refusals < 0 ? Promise.resolve() : Promise.reject(new OnhandError(code, 'Busy.'));
    };
    expect(await over(id, await add(id, 1))).toMatchObject({ state: 'done', rowCount: 1 });
  },
);

test('a supplier with one file has its turn before the further files of others', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  before = () => gate;
  const busy = await Promise.all(['A', 'B', 'C', 'D'].map((name) => supplier(name)));
  for (const id of [...busy, ...busy, ...busy]) await add(id, 1);
  const last = await supplier('Last');
  const uuid = await add(last, 1);
  open();
  expect(await over(last, uuid)).toMatchObject({ state: 'done' });
  expect(submitted.indexOf(`${last}/0`)).toBeLessThan(8);
});

/** A catalogue of one row, without the worker that reads it. */
async function applyRow(supplierId: number, skuId: string): Promise<CatalogueOutcome> {
  return store.applyCatalogue({
    supplierId,
    userId: null,
    source: 'file',
    existing: 'update',
    entries: [entry(skuId)],
  });
}

/** Adds a file and takes its lease at a time. */
async function claimed(supplierId: number, nowMs: number): Promise<FileRecord> {
  const uuid = newUuid(Date.now());
  await store.files.add(draftOf(supplierId, uuid, 1), { bytesMax: 1e9, filesMax: 9, queuedMax: 9 });
  const [waiting] = await store.files.next();
  if (waiting === undefined) throw new Error('no file waits');
  const lease = { nodeId: 'n', nowMs, voidBeforeMs: nowMs, untilMs: nowMs + 60_000 };
  const job = await store.files.claim(waiting, lease);
  if (job === undefined) throw new Error('the file cannot be claimed');
  return job;
}

test('a catalogue whose last batch could not be recorded before a crash is undone with it', async () => {
  const acme = await supplier('Acme');
  const job = await claimed(acme, Date.now());
  const before = new CatalogueBatches(store, job, 'n');
  await before.begin();
  const first = await applyRow(acme, 'B-1');
  await before.add(first);
  const lost = await applyRow(acme, 'B-2');
  const after = new CatalogueBatches(store, job, 'n');
  await after.begin();
  const third = await applyRow(acme, 'B-3');
  await after.add(third);
  expect(await service.batchesOf(job)).toEqual(
    [first, lost, third].map(({ batchUuid }) => batchUuid),
  );
});

test("the undo of a catalogue leaves the file before it alone, also where this node's clock is late", async () => {
  const acme = await supplier('Acme');
  const earlier = await claimed(acme, Date.now());
  const batches = new CatalogueBatches(store, earlier, 'n');
  await batches.begin();
  await batches.add(await applyRow(acme, 'B-1'));
  await store.files.end(earlier, 'n', { state: 'done', problem: null, finishedAtMs: Date.now() });
  const job = await claimed(acme, Date.now() - 60_000);
  await new CatalogueBatches(store, job, 'n').begin();
  expect(await service.batchesOf(job)).toEqual([]);
});
