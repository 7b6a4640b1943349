import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** The project's files whose path matches: tracked by git, or untracked and not ignored. */
export function filesMatching(pattern: RegExp): readonly SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\n'))]
    .filter((path) => path !== '' && pattern.test(path))
    .flatMap((path) => {
      const text = readIfThere(path);
      return text === undefined ? [] : [{ path, text }];
    });
}

/** Undefined for a file that git still lists although it is deleted. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}

/** The project's files that a file imports, as paths from the root; without packages that were bundled. */
export function ownImports({ path, text }: SourceFile): readonly string[] {
  return [
    ...text.matchAll(/^(?:import|export)\b[^'";]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm),
  ]
    .map((match) => posix.join(posix.dirname(path), match[1] ?? match[2] ?? ''))
    .filter((target) => !target.startsWith('bundled/'));
}
