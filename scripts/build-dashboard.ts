/**
 * Builds the dashboard into `dashboard/dist/`, which the server sends to browsers, and compresses its files. `npm ci` and
 * `npm pack` run it; with `npm ci --omit=dev`, which does not install the bundler, an earlier build stays.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('../dashboard/', import.meta.url));

try {
  const { build } = await import('vite');
  await build({ root, logLevel: 'warn' });
  const assets = join(root, 'dist', 'assets');
  for (const name of readdirSync(assets)) {
    const file = join(assets, name);
    writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
  }
} catch (error) {
  const isMissing =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing) throw error;
  process.stderr.write('vite is not installed: the server has no dashboard.\n');
}
