import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestServer } from '../http/harness.ts';
import { entry } from '../store/fixtures.ts';

const CLIENT = new URL('../../client/src/', import.meta.url);
/** What a browser loads, in bytes. */
const SIZE_MAX = 15 * 1024;

let server: TestServer;
let token: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'onhand-examples-'));
  server = await TestServer.start();
  ({ token } = await server.createSupplier('Acme', [
    entry('xkuOwSQ3utl', { inventory: { quantityInStock: 40 } }),
  ]));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** The TypeScript examples of a page, in order. */
async function examplesOf(page: string): Promise<readonly string[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);
}

async function outputOf(code: string): Promise<string> {
  const file = join(folder, 'example.ts');
  const importing = code
    .replaceAll("'onhand-client'", `'${new URL('index.ts', CLIENT).href}'`)
    .replaceAll("'onhand-client/node'", `'${new URL('node.ts', CLIENT).href}'`);
  await writeFile(file, importing);
  const { stdout } = await promisify(execFile)(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, ONHAND_URL: server.url, ONHAND_TOKEN: token },
  });
  return stdout;
}

describe('the TypeScript client', () => {
  test('does what the examples of its page say', async () => {
    const [update = '', again = '', follow = ''] = await examplesOf('docs/clients.md');
    expect(await outputOf(update)).toMatch(/^NON-EXISTENT No sku found .*\n$/);
    expect(await outputOf(again)).toBe('0 true\n');
    expect(await outputOf(follow)).toBe('change 1\nchange 2\nchange 3\n');
  });

  test('does what the example of the README says', async () => {
    const [update = ''] = await examplesOf('README.md');
    expect(await outputOf(update)).toMatch(/No sku found/);
  });

  test('is at most 15 KB, bundled and compressed', async () => {
    const { output } = await build({
      input: fileURLToPath(new URL('index.ts', CLIENT)),
      write: false,
      output: { format: 'esm', minify: true },
    });
    expect(gzipSync(output[0].code).length).toBeLessThan(SIZE_MAX);
  });
});
