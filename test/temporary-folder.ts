import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** A whole run uses less than a tenth of it at once. */
const FREE_BYTES_MIN = 4 * 1024 ** 3;

/**
 * Lets this process and those that it starts keep temporary files in memory: tests create thousands of small databases,
 * and each commit waits for the disk. Does nothing where `TMPDIR` is set, or where memory is short or runs no programs.
 */
export default function keepTemporaryFilesInMemory(): void {
  if (process.env['TMPDIR'] !== undefined || !isUsable()) return;
  const folder = mkdtempSync(join(MEMORY, 'onhand-tests-'));
  // Run by root, PostgreSQL is another user.
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = folder;
  // When everything has stopped, or was interrupted.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

function isUsable(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((row) => row.split(' ')[1] === MEMORY);
    return (
      mount?.split(' ')[3]?.split(',').includes('noexec') === false &&
      bavail * bsize >= FREE_BYTES_MIN
    );
  } catch {
    return false;
  }
}
