import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

/** Built by `npm ci`. */
const DIST = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));
const KILOBYTE = 1000;

interface Chunk {
  readonly name: string;
  readonly text: string;
  readonly bytes: number;
}

const chunks: readonly Chunk[] = sourcesIn(join(DIST, 'assets')).map((name) => {
  const content = readFileSync(join(DIST, 'assets', name));
  return { name, text: content.toString(), bytes: gzipSync(content, { level: 6 }).length };
});

/** Without the compressed copies that the server sends. */
function sourcesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.endsWith('.gz'));
}

/** The files that an overview needs: those of the page, of the longest language and of the screen, with their static imports. */
function firstView(ofType: string): readonly Chunk[] {
  const page = readFileSync(join(DIST, 'index.html'), 'utf8');
  const named = (text: string): readonly Chunk[] =>
    chunks.filter(({ name }) => text.includes(name));
  const languages = chunks.filter(({ name }) => name.startsWith('messages-'));
  const [language] = languages.toSorted((one, other) => other.bytes - one.bytes);
  const overview = chunks.filter(({ name }) =>
    ['overview-', `${ofType}-overview-`].some((start) => name.startsWith(start)),
  );
  const found = new Set([
    ...named(page),
    ...(language === undefined ? [] : [language]),
    ...overview,
  ]);
  for (const chunk of found) {
    const imports = chunk.text.match(/(?:from|import)"\.\/[^"]+"/g) ?? [];
    for (const imported of named(imports.join('\n'))) found.add(imported);
  }
  return [...found];
}

function kilobytes(all: readonly Chunk[]): number {
  return all.reduce((sum, { bytes }) => sum + bytes, 0) / KILOBYTE;
}

test.for(['supplier', 'suppliers', 'operator'])(
  'the first view is at most 250 KB, compressed: %s-overview',
  (ofType) => {
    const files = firstView(ofType);
    expect(files.filter(({ name }) => name.startsWith(`${ofType}-overview-`))).not.toEqual([]);
    expect(kilobytes(files)).toBeLessThanOrEqual(250);
  },
);

test('the whole dashboard is at most 400 KB, compressed', () => {
  expect(kilobytes(chunks)).toBeLessThanOrEqual(400);
});
