import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleSupplierTool } from '../../scripts/bundle-supplier-tool.ts';
import { at, skuOf, textAt } from './answers.ts';
import { entry } from '../store/fixtures.ts';
import { TestServer } from './harness.ts';
import { RawConnection } from './request/raw.ts';

const TOOLS = [
  ['onhand-push.mjs', process.execPath],
  ['onhand_push.py', 'python3'],
] as const;
const run = promisify(execFile);

let server: TestServer;
let folder: string;
let token: string;

beforeAll(async () => {
  await bundleSupplierTool();
  folder = await mkdtemp(join(tmpdir(), 'onhand-download-'));
  server = await TestServer.start();
  const acme = await server.createSupplier('Acme', [entry('A-1'), entry('A-2')]);
  ({ token } = acme);
  for (const [file] of TOOLS) {
    await writeFile(join(folder, file), (await server.ask('GET', `/download/${file}`)).text);
  }
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

test('the page has the commands for this server, with checksums', async () => {
  const { status, text, headers } = await server.ask('GET', '/download');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  for (const [file] of TOOLS) {
    const sha256 = createHash('sha256')
      .update(await readFile(join(folder, file)))
      .digest('hex');
    expect(text).toContain(
      `curl -fO ${server.url}/download/${file}\necho &quot;${sha256}  ${file}`,
    );
  }
});

test('the page does not repeat a Host header that is not an address', async () => {
  const connection = await RawConnection.open(server.url);
  await connection.send(
    'GET /download/ HTTP/1.1\r\nHost: a"><script>\r\nConnection: close\r\n\r\n',
  );
  const text = await connection.rest();
  expect(text).toContain('https://&lt;this server&gt;/download/onhand_push.py');
  expect(text).not.toContain('<script>');
});

test('the tools carry their licences', async () => {
  for (const [file] of TOOLS) {
    const text = await readFile(join(folder, file), 'utf8');
    expect(text.slice(0, 2000)).toContain('Copyright (c) 2026 the onhand maintainers');
  }
});

const stockOf = (skuId: string) => skuOf(server, token, skuId);

describe.for(TOOLS)('%s', ([file, command]) => {
  // A machine without Python can run the other tool.
  const isInstalled = spawnSync(command, ['--version']).status === 0;
  const state = () => join(folder, `state-${file}`);
  const push = async (
    rows: readonly string[],
    ...args: readonly string[]
  ): Promise<{ code: number; stdout: string; stderr: string }> => {
    const path = join(folder, `${file}.csv`);
    await writeFile(path, `${rows.join('\n')}\n`);
    const env = {
      ...process.env,
      ONHAND_TOKEN: token,
      ONHAND_URL: server.url,
      XDG_STATE_HOME: state(),
    };
    try {
      return { code: 0, ...(await run(command, [join(folder, file), path, ...args], { env })) };
    } catch (error) {
      return {
        code: Number(at(error, 'code')),
        stdout: textAt(error, 'stdout'),
        stderr: textAt(error, 'stderr'),
      };
    }
  };
  const ROWS = ['sku_id,Qty on hand', 'A-1,7', 'A-2,x', 'NONE,3'];

  test.runIf(isInstalled)('shows what a dry run would change, and changes nothing', async () => {
    const before = await stockOf('A-1');
    const { code, stdout } = await push(ROWS, '--dry-run');
    expect(code).toBe(3);
    expect(stdout).toMatch(/dry run/);
    expect(await stockOf('A-1')).toEqual(before);
  });

  test.runIf(isInstalled)('sends a file, sums it up and saves the results', async () => {
    const { code, stdout } = await push(ROWS);
    expect(code).toBe(3);
    expect(stdout).toMatch(/: done\n +1 +200 applied\n +1 +400 invalid\n +1 +404 no such SKU\n/);
    expect(stdout).toContain('"x" is not a whole number');
    expect(await readFile(join(folder, `${file}.csv.results.csv`), 'utf8')).toMatch(
      /\nA-1,7,200,success\nA-2,x,400,/,
    );
    expect(await stockOf('A-1')).toMatchObject({ quantity_in_stock: 7 });
  });

  test.runIf(isInstalled)(
    'exits 0 and prints nothing with --quiet if all rows were applied',
    async () => {
      expect(await push(['sku_id,Qty on hand', 'A-1,9'], '--quiet')).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      });
    },
  );

  test.runIf(isInstalled)('asks, and applies the file with the answer it suggests', async () => {
    const rows = ['Code,Free,Qty reserved', 'A-1,7,1', 'A-1,8,1'];
    const mapping = ['--map', 'Code=sku_id', '--map', 'Free=quantity_in_stock'];
    const { code, stdout } = await push(rows, ...mapping);
    expect(code).toBe(4);
    expect(stdout).toMatch(/"A-1" has 7 in row 2 and 8 in row 3/);
    expect(stdout).toMatch(/POST \S+\/confirm\/\?locations=last\n {2}or send/);
    expect(stdout).toMatch(/onhand.push\S* .*--locations last\n/);
    expect(stdout).toContain('  columns not used: Qty reserved\n');
    expect((await push(rows, ...mapping, '--locations', 'last')).code).toBe(0);
    expect(await stockOf('A-1')).toMatchObject({ quantity_in_stock: 8 });
  });

  test.runIf(isInstalled)('says why a file is refused', async () => {
    const { code, stdout } = await push(['colour', 'red']);
    expect(code).toBe(4);
    expect(stdout).toMatch(/refused|rejected/);
  });

  test.runIf(isInstalled)(
    'gives up with exit 1 if no server answers, and resumes with the same key',
    async () => {
      const unreachable = ['--url', 'http://127.0.0.1:1', '--retry-minutes', '0'];
      const first = await push(ROWS, ...unreachable);
      expect(first.code).toBe(1);
      expect(first.stderr).toContain(
        'Run the same command again to resume; nothing is applied twice.',
      );
      if (file.endsWith('.py'))
        expect((await push(ROWS, ...unreachable)).stderr).toContain('resuming an interrupted push');
    },
  );
});
