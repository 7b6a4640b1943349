/** A timed restore drill: backs up and restores a million SKUs, compressed and encrypted. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backUp } from '../../src/backup/backup.ts';
import { newAgeKeys } from '../../src/backup/encoding.ts';
import { restoreBackup } from '../../src/backup/restore.ts';
import {
  entry,
  importSkus,
  openTestStore,
  sqliteDatabase,
  testSettings,
} from '../store/fixtures.ts';

const SKUS = 1_000_000;
const SKUS_PER_IMPORT = 20_000;

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

test('a million SKUs are backed up, encrypted, restored and checked', async () => {
  const database = await sqliteDatabase();
  const path = database.url.slice('sqlite:'.length);
  const settings = testSettings(database);
  const store = await openTestStore(database);
  const supplier = await store.accounts.createOrganization({ type: 'supplier', name: 'Acme' });
  for (let first = 0; first < SKUS; first += SKUS_PER_IMPORT) {
    const entries = Array.from({ length: SKUS_PER_IMPORT }, (_, i) => entry(`S${first + i}`));
    await importSkus(store, supplier.id, entries);
  }
  await store.close();

  const keys = await newAgeKeys();
  await writeFile(`${path}.key`, keys.identity);
  for (const recipients of [[], [keys.recipient]]) {
    const target = join(path, '..', recipients.length > 0 ? 'drill.db.zst.age' : 'drill.db.zst');
    const startMs = performance.now();
    const order = { database: database.url, target, recipients, kept: { count: 1, days: 0 } };
    const { bytes } = await backUp({ ...order, nowMs: Date.now(), settings }, () => undefined);
    const backedUpMs = performance.now();
    const restored = await restoreBackup({
      backup: target,
      database: `sqlite:${path}-${recipients.length}.db`,
      identityFile: `${path}.key`,
      settings,
      onFinding: ({ check, ok }) => expect(ok, check).toBe(true),
    });
    const { size } = await stat(path);
    process.stdout.write(
      `${target.endsWith('.age') ? 'encrypted' : 'compressed'}: ${size} bytes of database, ${bytes} of backup; ` +
        `backed up in ${seconds(backedUpMs - startMs)} s, restored and checked in ${seconds(performance.now() - backedUpMs)} s\n`,
    );
    expect(restored.bytes).toBeGreaterThan(bytes);
  }
  await database.remove();
});
