import { open, readFile, rename, rm } from 'node:fs/promises';
import type { StateStore } from './inventory.ts';

/**
 * Keeps a value as JSON in a file, replaced as a whole and synced: a crash leaves the old or the new value. For
 * `inventory.update` and `changes.consume`. One program at a time may use the file.
 */
export function fileStore<T>(path: string): StateStore<T> {
  return {
    async load() {
      try {
        const value: T = JSON.parse(await readFile(path, 'utf8'));
        return value;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    async save(value) {
      const partial = `${path}.partial`;
      const file = await open(partial, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(value));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, path);
    },
    async clear() {
      await rm(path, { force: true });
    },
  };
}
