import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashToken, newToken } from '../../src/accounts/credentials.ts';
import { ServerProcess } from '../durability/server-process.ts';
import {
  createSupplier,
  entry,
  importSkus,
  openTestStore,
  problemsOf,
  type TestDatabase,
} from '../store/fixtures.ts';

const DISK = '16m';
const FILLER_BYTES = 8 << 20;
const SKUS = 2000;
const ROUNDS_MAX = 1000;
const isRoot = process.getuid?.() === 0;

test.runIf(isRoot)('a full disk is reported, and writing resumes without a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onhand-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder]);
  const filler = join(folder, 'filler');
  const database: TestDatabase = {
    url: `sqlite:${join(folder, 'onhand.db')}`,
    remove: () => Promise.resolve(),
  };
  try {
    writeFileSync(filler, Buffer.alloc(FILLER_BYTES, 1));
    const token = await prepare(database);
    const server = await ServerProcess.start(database);
    const send = async (quantity: number): Promise<number> => {
      const lines = Array.from({ length: SKUS }, (_, i) => {
        return { sku_id: `sku-${i}`, quantity_in_stock: quantity };
      });
      const reply = await fetch(`${server.url}/timp/products/skus/inventory/bulk/`, {
        method: 'POST',
        headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(lines),
      });
      await reply.arrayBuffer();
      return reply.status;
    };
    let quantity = 1;
    while ((await send(quantity)) === 200 && quantity < ROUNDS_MAX) quantity += 1;
    expect(await send(quantity)).toBe(503);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    rmSync(filler);
    expect(await send(quantity + 1)).toBe(200);
    expect(await server.stop()).toBe(0);
    expect(await problemsOf(database)).toEqual([]);
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  }
});

async function prepare(database: TestDatabase): Promise<string> {
  const store = await openTestStore(database);
  const supplierId = await createSupplier(store, 'Acme');
  await importSkus(
    store,
    supplierId,
    Array.from({ length: SKUS }, (_, i) => entry(`sku-${i}`)),
  );
  const user = await store.accounts.findServiceUser(supplierId);
  const token = newToken();
  await store.accounts.createToken({
    userId: user.id,
    tokenHash: hashToken(token),
    permissions: ['edit_items'],
    expiresAtMs: null,
  });
  await store.close();
  return token;
}
