import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { driverOf } from '../../../src/databases.ts';
import { openTestStore, sqliteDatabase, testSettings } from '../fixtures.ts';

test('only the owner can read the database, its log, its lock and its backup', async () => {
  const database = await sqliteDatabase();
  const store = await openTestStore(database);
  const driver = driverOf(database.url);
  const lock = await driver.lock(database.url, 'test');
  const folder = join(database.url.slice('sqlite:'.length), '..');
  try {
    await driver.backUp(
      database.url,
      join(folder, 'backup.db'),
      () => undefined,
      testSettings(database),
    );
    const files = await readdir(folder);
    expect(files).toEqual(
      expect.arrayContaining(['backup.db', 'onhand.db', 'onhand.db-serve', 'onhand.db-wal']),
    );
    for (const file of files) {
      const { mode } = await stat(join(folder, file));
      expect((mode & 0o777).toString(8), file).toBe('600');
    }
  } finally {
    lock.release();
    await store.close();
    await database.remove();
  }
});
