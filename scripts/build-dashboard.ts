/**
 * Builds the dashboard into `dashboard/dist/`, which the server sends to browsers. `npm ci` and `npm pack` run it; with
 * `npm ci --omit=dev`, which does not install the bundler, an earlier build stays.
 */
import { fileURLToPath } from 'node:url';

try {
  const { build } = await import('vite');
  await build({
    root: fileURLToPath(new URL('../dashboard/', import.meta.url)),
    logLevel: 'warn',
  });
} catch (error) {
  const isMissing =
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  if (!isMissing) throw error;
  process.stderr.write('vite is not installed: the server has no dashboard.\n');
}
