import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../../src/config.ts';
import { readSettings } from '../../src/settings/read.ts';
import type { OnhandError } from '../../src/domain/errors.ts';
import { type LineDraft, type Lines, LinesBuilder } from '../../src/domain/lines.ts';
import type { CatalogueEntry } from '../../src/domain/catalogue.ts';
import { inspectDatabase, openStore } from '../../src/databases.ts';
import type { Batch, BatchOutcome } from '../../src/domain/batches.ts';
import type { Store } from '../../src/store/store.ts';

/** A database for one test. */
export interface TestDatabase {
  /** As `--database` takes it. */
  readonly url: string;
  /** Settings of every store that is opened on it. */
  readonly settings?: Partial<Settings>;
  remove(): Promise<void>;
}

export async function sqliteDatabase(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-test-'));
  return {
    url: `sqlite:${join(folder, 'onhand.db')}`,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * A database whose inventory table is swept every few changes, and in which all but the smallest batches are written in
 * slices; in others, hardly a test writes enough for that.
 */
export async function sweptDatabase(): Promise<TestDatabase> {
  return { ...(await sqliteDatabase()), settings: { recentChangesMax: 6, largeBatchLines: 2 } };
}

/** The files of a database as a crash would leave them now. Nothing may be writing. */
export async function crashImage(database: TestDatabase): Promise<TestDatabase> {
  const image = { ...database, ...(await sqliteDatabase()) };
  const [from, to] = [database.url, image.url].map((url) => url.replace(/^sqlite:/, ''));
  for (const ending of ['', '-wal']) await copyFile(`${from}${ending}`, `${to}${ending}`);
  return image;
}

export function testSettings(database: TestDatabase, overrides: Partial<Settings> = {}): Settings {
  const { url, settings } = database;
  return readSettings(
    {
      database: url,
      port: 0,
      logLevel: 'silent',
      // Tests do not depend on whether the dashboard was built.
      dashboardPath: null,
      ...settings,
      ...overrides,
    },
    {},
  );
}

export function openTestStore(
  database: TestDatabase,
  overrides: Partial<Settings> = {},
): Promise<Store> {
  return openStore(database.url, testSettings(database, overrides));
}

/** A line; everything but its fields is optional. */
export type Draft = Partial<LineDraft> & Pick<LineDraft, 'fields'>;

export function linesOf(drafts: readonly Draft[]): Lines {
  const builder = new LinesBuilder(drafts.length);
  for (const draft of drafts) builder.add({ skuId: null, gtins: [], ...draft });
  return builder.build();
}

export function batchOf(supplierId: number, drafts: readonly Draft[]): Batch {
  return { supplierId, source: 'bulk', userId: null, lines: linesOf(drafts) };
}

export async function applyOne(store: Store, batch: Batch): Promise<BatchOutcome> {
  const [outcome] = await store.apply([batch]);
  return succeeded(outcome);
}

export function succeeded(outcome: BatchOutcome | OnhandError | undefined): BatchOutcome {
  if (outcome === undefined) throw new Error('the batch was left unanswered');
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

export async function createSupplier(store: Store, name: string): Promise<number> {
  return (await store.accounts.createOrganization({ type: 'supplier', name })).id;
}

export function entry(
  skuId: string,
  parts: Partial<Omit<CatalogueEntry, 'skuId'>> = {},
): CatalogueEntry {
  return { skuId, product: {}, inventory: {}, ...parts };
}

export function importSkus(store: Store, supplierId: number, entries: readonly CatalogueEntry[]) {
  return store.applyCatalogue({
    supplierId,
    source: 'import',
    userId: null,
    existing: 'update',
    entries,
  });
}

/** The problems that the checks of `onhand doctor` find. */
export async function problemsOf(database: TestDatabase): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const { check, ok, detail } of inspectDatabase(database.url, testSettings(database))) {
    if (!ok) problems.push(`${check}: ${detail}`);
  }
  return problems;
}
