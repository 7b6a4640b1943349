/**
 * Bundles `onhand push` into the one file that a server hands out at `/download/`. `npm ci` and `npm pack` run it; with
 * `npm ci --omit=dev`, which does not install the bundler, an earlier bundle stays.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
    ...licencesOf(moduleIds),
  ];
  const comment = header.map((line) => `// ${line}`.trimEnd()).join('\n');
  writeFileSync(file, `#!/usr/bin/env node\n${comment}\n${code}`);
}

/** The licences of onhand and of the packages that the bundle contains. */
function licencesOf(moduleIds: readonly string[]): readonly string[] {
  const packages = moduleIds.flatMap(
    (id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [],
  );
  return [fileURLToPath(root), ...new Set(packages)].flatMap((folder) => {
    const { name, licence } = manifestIn(folder);
    const [file] = readdirSync(folder).filter((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
    return ['', `${name} (${licence})`, ...text.split('\n')];
  });
}

function manifestIn(folder: string): { name: string; version: string; licence: string } {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const member = (key: string): string => {
    const value: unknown =
      typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, key) : undefined;
    return typeof value === 'string' ? value : 'unknown';
  };
  return { name: member('name'), version: member('version'), licence: member('license') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await bundleSupplierTool();
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    process.stderr.write('rolldown is not installed: /download/ offers the Python tool only.\n');
  }
}
