import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** One folder for each released version, made by `npm run release:fixture`. */
export const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));

/** The released versions that have fixtures. */
export const RELEASES = readdirSync(FIXTURES).toSorted();

/** A file of a fixture, unzipped. */
export function fixtureOf(release: string, name: string): Buffer {
  return gunzipSync(readFileSync(join(FIXTURES, release, `${name}.gz`)));
}
