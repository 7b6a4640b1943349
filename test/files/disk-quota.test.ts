import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DiskQuota } from '../../src/files/disk-quota.ts';
import { FileStorage } from '../../src/files/storage.ts';

const MIB = 1024 ** 2;
const SUPPLIER = { supplierId: 1, uuid: '00000000-0000-4000-8000-000000000001' };

test('an upload that meets the floor of free space while it arrives is refused and leaves nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'onhand-quota-'));
  try {
    const files = new FileStorage(directory);
    let freeBytes = 600 * MIB;
    const limits = {
      bytesMax: 1000 * MIB,
      filesMax: 10,
      queuedMax: 10,
      freeBytesMin: 512 * MIB,
    };
    const usage = { storedBytes: 0, storedFiles: 0, queuedFiles: 0 };
    const quota = new DiskQuota({
      store: { usage: () => Promise.resolve(usage) },
      files: { freeBytes: () => Promise.resolve(freeBytes) },
      limits,
    });
    const room = await quota.reserve(SUPPLIER.supplierId, 0);
    let sent = 0;
    const upload = function* (): Generator<string> {
      for (; sent < 100; sent += 1) {
        // Someone else fills the disk meanwhile.
        freeBytes -= 8 * MIB;
        yield 'x'.repeat(MIB);
      }
    };
    await expect(files.write(SUPPLIER, upload(), { room })).rejects.toMatchObject({
      code: 'disk_space_low',
      retryAfterSeconds: 60,
    });
    room.release();
    expect(sent).toBeLessThan(20);
    expect(await readdir(join(directory, String(SUPPLIER.supplierId)))).toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
