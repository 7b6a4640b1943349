import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashToken, newToken } from '../src/accounts/credentials.ts';
import { openStore } from '../src/databases.ts';
import { readSettings } from '../src/settings/read.ts';
import { showProgress } from './support.ts';

const BATCH_ENTRIES = 10_000;
/** Template databases are kept between runs, because creating a million SKUs takes longer than measuring. */
const FOLDER = join(tmpdir(), 'onhand-bench');

let copies = 0;

export interface BenchDatabase {
  readonly path: string;
  readonly skuCount: number;
  readonly supplierIds: readonly number[];
  readonly tokens: readonly string[];
}

/** The initial stock of every SKU. */
export const INITIAL_QUANTITY = 1;

export function skuIdOf(number: number): string {
  return `BENCH-SKU-${number}`;
}

/** Copies a database of generated SKUs, distributed evenly among suppliers. */
export async function benchDatabase(skuCount: number, supplierCount = 1): Promise<BenchDatabase> {
  await mkdir(FOLDER, { recursive: true });
  const template = join(FOLDER, `${schemaHash()}-${skuCount}-${supplierCount}.db`);
  if (!existsSync(template)) await createTemplate(template, skuCount, supplierCount);
  copies += 1;
  const path = join(FOLDER, `run-${process.pid}-${copies}.db`);
  await removeDatabase(path);
  await copyFile(template, path);
  return { path, skuCount: skuCount / supplierCount, ...(await addTokens(`sqlite:${path}`)) };
}

export async function removeDatabase(path: string): Promise<void> {
  for (const ending of ['', '-wal', '-shm', '-serve', '-serve-journal'])
    await rm(path + ending, { force: true });
}

/** Identifies the schema version of a template. */
function schemaHash(): string {
  const source = readFileSync(new URL('../src/store/sqlite/schema/migrations.ts', import.meta.url));
  return hash('sha256', source).slice(0, 12);
}

async function createTemplate(
  template: string,
  skuCount: number,
  supplierCount: number,
): Promise<void> {
  const unfinished = `${template}.unfinished`;
  await removeDatabase(unfinished);
  await fillWithSkus(`sqlite:${unfinished}`, skuCount, supplierCount);
  await rename(unfinished, template);
}

/** Creates suppliers, and distributes SKUs evenly among them. */
export async function fillWithSkus(
  database: string,
  skuCount: number,
  supplierCount: number,
): Promise<void> {
  const store = await openStore(database, readSettings());
  const skusPerSupplier = skuCount / supplierCount;
  for (let supplier = 1; supplier <= supplierCount; supplier += 1) {
    const { id } = await store.accounts.createOrganization({
      type: 'supplier',
      name: `Bench ${supplier}`,
    });
    for (let first = 0; first < skusPerSupplier; first += BATCH_ENTRIES) {
      showProgress(`creating ${skuCount} SKUs: supplier ${supplier}, ${first}`);
      const entries = Array.from(
        { length: Math.min(BATCH_ENTRIES, skusPerSupplier - first) },
        (_, i) => ({
          skuId: skuIdOf(first + i),
          product: {},
          inventory: { quantityInStock: INITIAL_QUANTITY },
        }),
      );
      await store.applyCatalogue({
        supplierId: id,
        source: 'import',
        userId: null,
        existing: 'update',
        entries,
      });
    }
  }
  await store.close();
  showProgress('');
}

/** Creates a token for each supplier. */
export async function addTokens(
  database: string,
): Promise<Pick<BenchDatabase, 'supplierIds' | 'tokens'>> {
  const store = await openStore(database, readSettings());
  const suppliers = await store.accounts.listOrganizations();
  const tokens: string[] = [];
  for (const supplier of suppliers) {
    const user = await store.accounts.findServiceUser(supplier.id);
    const token = newToken();
    await store.accounts.createToken({
      userId: user.id,
      tokenHash: hashToken(token),
      permissions: ['view_items', 'edit_items'],
      expiresAtMs: null,
    });
    tokens.push(token);
  }
  await store.close();
  return { supplierIds: suppliers.map((supplier) => supplier.id), tokens };
}
