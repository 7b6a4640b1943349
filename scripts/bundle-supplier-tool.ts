/**
 * Bundles `onhand push` into the one file that a server hands out at `/download/`. `npm ci` and `npm pack` run it; with
 * `npm ci --omit=dev`, which does not install the bundler, an earlier bundle stays.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundling, commentOf, licencesOf, manifestIn, packagesOf } from './bundle.ts';

const root = new URL('../', import.meta.url);
const pathOf = (path: string): string => fileURLToPath(new URL(path, root));

/** Writes the bundle to a file, by default where the server looks for it. */
export async function bundleSupplierTool(file = pathOf('download/onhand-push.mjs')): Promise<void> {
  const { build } = await import('rolldown');
  const { version } = manifestIn(fileURLToPath(root));
  const { output } = await build({
    input: pathOf('src/cli/push/standalone.ts'),
    platform: 'node',
    logLevel: 'warn',
    transform: { target: 'node20' },
    write: false,
    plugins: [
      {
        name: 'version',
        // The bundle has no package.json beside it.
        load: (id) =>
          id === pathOf('src/version.ts')
            ? `export const version = () => ${JSON.stringify(version)};`
            : undefined,
      },
    ],
    output: { format: 'esm', minify: true, codeSplitting: false },
  });
  const [{ code, moduleIds }] = output;
  const header = [
    `onhand push ${version}: sends stock files to an onhand server. For Node.js 20 or newer.`,
    ...licencesOf([fileURLToPath(root), ...packagesOf(moduleIds)]),
  ];
  writeFileSync(file, `#!/usr/bin/env node\n${commentOf(header)}\n${code}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundling(bundleSupplierTool, '/download/ offers the Python tool only.');
}
