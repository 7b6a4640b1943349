import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../client/src/version.ts';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { at } from '../http/answers.ts';
import { SKUS, TestServer } from '../http/harness.ts';
import { ROOT } from '../house/sources.ts';
import { entry } from '../store/fixtures.ts';
import { isPythonUsable, PYTHON_CLIENT, PythonPrograms } from './python.ts';
import { SCENARIOS } from './scenarios.ts';
import { play } from './world.ts';

/** The programs of `async_programs.py`, each in one scenario of those that take seconds. */
const ASYNC_SCENARIOS = SCENARIOS.filter(
  ({ program, cuts }) =>
    [
      'update_lines',
      'update_in_two_runs',
      'consume_changes',
      'list_skus',
      'export_skus',
      'file',
      'deadline',
    ].includes(program) ||
    (program === 'stream_changes' && cuts !== undefined),
);

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'onhand-python-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const isUsable = isPythonUsable();

describe.runIf(isUsable)('the Python client', () => {
  let server: TestServer;
  let python: PythonPrograms;

  beforeAll(async () => {
    python = new PythonPrograms();
    server = await TestServer.start({
      webhooksAllowHttp: true,
      webhooksAllowPrivateNetworks: true,
    });
  });
  afterAll(async () => {
    await python.stop();
    await server.stop();
  });

  const runScript = (
    path: string,
    { token, ...given }: { token: string; folder: string; arguments?: readonly string[] },
  ): Promise<unknown> => {
    const environment = { ONHAND_URL: server.url, ONHAND_TOKEN: token };
    return python.run('script', { path, environment, arguments: [], ...given });
  };

  test.for(SCENARIOS)('$title', async (scenario) => {
    await play(server, scenario, (program, input) => python.run(program, input));
  });

  test.for(ASYNC_SCENARIOS)('with asyncio: $title', async (scenario) => {
    await play(server, scenario, (program, input) => python.run(program, input, true));
  });

  test('has an error class for each problem type of the server', async () => {
    const codes: unknown = await python.run('problem_codes');
    expect(codes).toEqual([...ERROR_CODES].toSorted());
  });

  test('has each method for asyncio too', async () => {
    // It is closed by `aclose`.
    expect(await python.run('without_async_twin')).toEqual(['.close']);
  });

  test('logs responses and retries but never the token, and reuses a connection of the caller', async () => {
    const { token } = await server.createSupplier('Logging');
    const output: unknown = await python.run('logged', { url: server.url, token });
    const rows = JSON.stringify(at(output, 'rows'));
    expect(rows).toMatch(/WARNING .*refused.*DEBUG .*: 200 after .*DEBUG .*: 200 after /);
    expect(rows).not.toContain(token);
    expect(at(output, 'opened')).toBe(2);
  });

  test('sends a CSV file by examples/python-pandas/send_stock.py, which prints the rows that failed', async () => {
    const { token } = await server.createSupplier('Acme', [entry('A-1'), entry('A-2')]);
    await inFolder(async (folder) => {
      const file = join(folder, 'stock.csv');
      await writeFile(file, 'sku_id,title,quantity_in_stock\nA-1,Kettle,5\nMISSING,,1\nA-2,,x\n');
      const path = join(ROOT, 'examples/python-pandas/send_stock.py');
      const output = await runScript(path, { folder, token, arguments: [file] });
      expect(at(output, 'code')).toBe(3);
      expect(at(output, 'stdout')).toMatch(/^row 3: 404 No sku found .*\nrow 4: 400 .*\n$/);
    });
    const { text } = await server.ask('GET', `${SKUS}?quantity_in_stock_min=5`, { token });
    expect(text).toContain('"A-1"');
  });

  test('does what the examples of its page and of the README say', async () => {
    const { token } = await server.createSupplier('Examples', [entry('xkuOwSQ3utl'), entry('A-1')]);
    const pages = ['docs/clients.md', 'README.md'].map((page) => join(ROOT, page));
    const text = (await Promise.all(pages.map((page) => readFile(page, 'utf8')))).join('\n');
    const examples = [...text.matchAll(/^```python\n(.*?)^```/gms)].map(([, code = '']) => code);
    await inFolder(async (folder) => {
      const path = join(folder, 'examples.py');
      await writeFile(path, examples.join('\n'));
      const output = await runScript(path, { folder, token });
      expect(at(output, 'stdout')).toMatch(
        /^NON-EXISTENT No sku found .*\n0 success\nsuccess\nNo sku found .*\n$/,
      );
    });
  });

  test('is also a single file, which a program beside it imports', async () => {
    await inFolder(async (folder) => {
      const source = join(PYTHON_CLIENT, 'onhand_client', '__init__.py');
      await copyFile(source, join(folder, 'onhand_client.py'));
      const output = await python.run('single_file', { folder });
      expect(output).toEqual({ file: join(folder, 'onhand_client.py'), version: VERSION });
    });
  });
});

test.runIf(!isUsable)('is not tested: no python3 of version 3.9 or newer was found', () => {
  expect(isUsable).toBe(false);
});
