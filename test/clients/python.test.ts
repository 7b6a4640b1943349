import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../client/src/version.ts';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { TestServer } from '../http/harness.ts';
import { isPythonUsable, PYTHON, PYTHON_CLIENT, PythonPrograms } from './python.ts';
import { SCENARIOS } from './scenarios.ts';
import { play } from './world.ts';

const execute = promisify(execFile);
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

  test.for(SCENARIOS)('$title', async (scenario) => {
    await play(server, scenario, (program, input) => python.run(program, input));
  });

  test('has an error class for each problem type of the server', async () => {
    const codes: unknown = await python.run('problem_codes');
    expect(codes).toEqual([...ERROR_CODES].toSorted());
  });

  test('is also a single file, which a program beside it imports', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'onhand-python-'));
    try {
      const source = join(PYTHON_CLIENT, 'onhand_client', '__init__.py');
      await copyFile(source, join(folder, 'onhand_client.py'));
      const program =
        'import onhand_client as c; c.Onhand("http://127.0.0.1"); print(c.__version__)';
      const env = { ...process.env, PYTHONPATH: '', PYTHONDONTWRITEBYTECODE: '1' };
      const { stdout } = await execute(PYTHON, ['-c', program], { cwd: folder, env });
      expect(stdout.trim()).toBe(VERSION);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test.runIf(!isUsable)('is not tested: no python3 of version 3.9 or newer was found', () => {
  expect(isUsable).toBe(false);
});
