import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SETTINGS } from '../../src/config.ts';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

describe('onhand config', () => {
  let work: Workplace;
  let file: string;

  beforeAll(async () => {
    work = await Workplace.make();
    file = work.path('test.toml');
  });

  afterAll(() => work.remove());

  test('check lists everything that is wrong, and exits 1', async () => {
    await writeFile(file, 'line_max = 5\nport = 70000\ndatabase = "mysql:x"\n');
    const environment = { ONHAND_CONFIG: file, ONHAND_LINES_MAX: '0', ONHAND_PROT: '1' };
    const checked = await work.run(['config', 'check'], { environment });
    expect(checked).toMatchObject({ code: 1, stderr: '' });
    expect(checked.stdout.trim().split('\n')).toEqual([
      'Unknown environment variable ONHAND_PROT (did you mean ONHAND_PORT?).',
      `${file}:1: unknown setting line_max (did you mean lines_max?).`,
      `${file}:2: port is "70000"; it must be a whole number from 0 to 65535.`,
      'ONHAND_LINES_MAX is "0"; it must be a whole number of at least 1.',
      textMatching(/test\.toml:3: database: The database "mysql:x" cannot be used/),
    ]);
  });

  test('check finds a setting that has no effect', async () => {
    await writeFile(file, 'uploads_max = 10\norganization_uploads_max = 11\n');
    expect(await work.run(['config', 'check', '--config', file])).toMatchObject({
      code: 1,
      stdout: textMatching(/test\.toml:2: organization_uploads_max is 11 and has no effect/),
    });
  });

  test('check exits 0 if all settings are correct', async () => {
    await writeFile(file, 'uploads_max = 10\n');
    expect(await work.run(['--config', file, 'config', 'check'])).toEqual({
      code: 0,
      stdout: `${file}: all settings are correct.\n`,
      stderr: '',
    });
    expect((await work.run(['config', 'check'])).stdout).toMatch(
      /^There is no configuration file;/,
    );
  });

  test('show prints each setting with its source, and no secret', async () => {
    await writeFile(file, 'lines_max = 77\ndatabase = "postgres://me:hunter2@db/onhand"\n');
    const environment = { ONHAND_TOKEN: 'hunter3', ONHAND_HOST: '::1' };
    const args = ['config', 'show', '--config', file];
    const table = await work.run(args, { environment });
    expect(table.stdout).toMatch(/^KEY +VALUE +SOURCE +PLACE\n/);
    expect(table.stdout).toMatch(/^lines_max +77 +file +.*test\.toml:1$/m);
    const { stdout } = await work.run([...args, '--json'], { environment });
    expect(table.stdout + stdout).not.toMatch(/hunter/);
    const shown: unknown = JSON.parse(stdout);
    expect(shown).toHaveLength(SETTINGS.length);
    expect(shown).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: 'token', value: '********', source: 'environment' }),
        expect.objectContaining({ key: 'host', value: '::1', source: 'environment' }),
        expect.objectContaining({
          key: 'port',
          value: '8080',
          default: '8080',
          source: 'default',
          place: null,
        }),
        expect.objectContaining({ key: 'lines_max', variable: 'ONHAND_LINES_MAX', source: 'file' }),
      ]),
    );
  });

  test('commands use the file of --config and ONHAND_CONFIG, and the environment takes precedence', async () => {
    await writeFile(file, `database = "sqlite:${work.path('of-file.db')}"\n`);
    const create = ['organization', 'create', '--type', 'supplier', 'Acme'];
    const { stderr } = await work.run([...create, '--config', file]);
    expect(stderr).toContain(work.path('of-file.db'));
    const list = ['organization', 'list'];
    expect((await work.run(list, { environment: { ONHAND_CONFIG: file } })).stdout).toContain(
      'Acme',
    );
    const environment = { ONHAND_CONFIG: file, ONHAND_DATABASE: 'sqlite:none.db' };
    expect((await work.run(list, { environment })).stderr).toContain('none.db cannot be opened');
  });

  test('commands refuse a file with an unknown setting', async () => {
    await writeFile(file, 'databse = "sqlite:x.db"\n');
    expect(await work.run(['organization', 'list', '--config', file])).toMatchObject({
      code: 1,
      stderr: textMatching(
        /test\.toml:1: unknown setting databse \(did you mean database\?\)\. "onhand config check" checks/,
      ),
    });
  });

  test('the file in the default place is used if there is one', async () => {
    await writeFile(work.path('default.toml'), 'lines_max = 78\n');
    const { stdout } = await work.run(['config', 'show'], {
      configurationFile: work.path('default.toml'),
    });
    expect(stdout).toMatch(/^lines_max +78 +file/m);
  });
});
