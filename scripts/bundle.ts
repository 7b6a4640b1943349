/** What the scripts share that bundle a part of onhand into one file of JavaScript. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences of packages, as lines of text. */
export function licencesOf(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) => {
    const { name, licence } = manifestIn(folder);
    const [file] = readdirSync(folder).filter((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
    return ['', `${name} (${licence})`, ...text.split('\n')];
  });
}

/** The folders of the packages that a bundle contains. */
export function packagesOf(moduleIds: readonly string[]): readonly string[] {
  const packages = moduleIds.flatMap(
    (id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [],
  );
  return [...new Set(packages)];
}

/** Lines of text as a comment of JavaScript. */
export function commentOf(lines: readonly string[]): string {
  return lines.map((line) => `// ${line}`.trimEnd()).join('\n');
}

export function manifestIn(folder: string): { name: string; version: string; licence: string } {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const member = (key: string): string => {
    const value: unknown =
      typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, key) : undefined;
    return typeof value === 'string' ? value : 'unknown';
  };
  return { name: member('name'), version: member('version'), licence: member('license') };
}

/** Runs a script that bundles; tells what is missing without the bundler, which `npm ci --omit=dev` leaves out. */
export async function bundling(bundle: () => Promise<void>, without: string): Promise<void> {
  try {
    await bundle();
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    if (!isMissing) throw error;
    process.stderr.write(`rolldown is not installed: ${without}\n`);
  }
}
