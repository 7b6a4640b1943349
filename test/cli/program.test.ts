import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parsePort } from '../../src/cli/options.ts';
import { formatTable } from '../../src/cli/output.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { parseDurationMs } from '../../src/cli/admin/token.ts';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

const create = (name: string) => ['organization', 'create', '--type', 'supplier', name];

describe('the command line', () => {
  let work: Workplace;

  beforeAll(async () => {
    work = await Workplace.make();
  });

  afterAll(() => work.remove());

  test('prints help on stdout with --help, and exits 0', async () => {
    const help = await work.run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of [
      'serve',
      'demo',
      'organization',
      'connection',
      'user',
      'token',
      'import',
      'doctor',
    ]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${command} .*\\S`, 'm'));
    }
  });

  test('prints help on stderr without a command, and exits 1', async () => {
    const nothing = await work.runProcess([]);
    expect(nothing).toMatchObject({
      code: 1,
      stdout: '',
      stderr: textMatching(/^Usage: onhand .*doctor/s),
    });
  });

  test('prints its version', async () => {
    expect(await work.runProcess(['--version'])).toEqual({
      code: 0,
      stdout: textMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
  });

  // Each module costs about a millisecond of CPU. A command that needs none of a package must not load it.
  test.for([
    ['--version', 30],
    ['--help', 30],
    ['organization list', 110],
  ] as const)('%s loads at most %i modules', async ([command, most]) => {
    await work.run([...create('Loaded'), '--database', 'sqlite:loaded.db']);
    const NODE_OPTIONS = `--import=${new URL('loaded-modules.ts', import.meta.url).href}`;
    const environment = { NODE_OPTIONS, ONHAND_DATABASE: `sqlite:${work.path('loaded.db')}` };
    const { code, stderr } = await work.runProcess(command.split(' '), { environment });
    expect(code).toBe(0);
    const count = Number(/^modules: (\d+)$/m.exec(stderr)?.[1]);
    expect(count, 'was "npm run prepare" run, which bundles?').toBeLessThanOrEqual(most);
    expect(count).toBeGreaterThan(10);
  });

  test('prints the help of a command with "help" before its name', async () => {
    expect((await work.run(['help', 'import'])).stdout).toMatch(
      /^Usage: onhand import \[options\] <file>/,
    );
  });

  test.for([
    [['imprt'], /unknown command 'imprt'.*Did you mean import/s],
    [['organization', 'drop'], /unknown command 'drop'/],
    [['organization', 'create', 'Acme'], /required option '--type <type>' not specified/],
    [
      ['organization', 'create', '--type', 'shop', 'Acme'],
      /'shop' is invalid. Allowed choices are supplier, retailer/,
    ],
    [['import', 'file.csv'], /required option '--supplier <name>' not specified/],
    [['serve', '--port', 'http'], /A port is a whole number from 0 to 65535/],
    [['serve', 'now'], /too many arguments/],
    [['token', 'revoke', 'last'], /An ID is a whole number/],
    [
      ['token', 'create', '--organization', 'Acme', '--expires-in', '30'],
      /A time is a number and a unit of s, m, h or d/,
    ],
  ] as const)('rejects %j as a usage error: exit 1', async ([args, message]) => {
    const refused = await work.run(args);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: textMatching(message) });
    expect(refused.stderr).toMatch(/\(--help explains\)\n$/);
  });

  test('creates no database after a usage error', async () => {
    await work.run(['organization', 'create', 'Acme']);
    expect(await work.run(['doctor'])).toMatchObject({
      code: 1,
      stderr: textMatching(/onhand\.db cannot be opened\. There is no such file\.\n$/),
    });
  });

  test.for([
    ['organization', 'list'],
    ['token', 'create', '--organization', 'Acme'],
    ['import', 'program.csv', '--supplier', 'Acme'],
  ])('%j does not create a database whose name is mistyped', async (args) => {
    await writeFile(work.path('program.csv'), 'sku_id\nA-1\n');
    const refused = await work.run([...args, '--database', 'sqlite:mistyped.db']);
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: textMatching(
        /mistyped\.db cannot be opened\. There is no such file\. Check --database or/,
      ),
    });
    expect(existsSync(work.path('mistyped.db'))).toBe(false);
  });

  test('says when a command creates a database, which only its owner can read', async () => {
    const database = ['--database', 'sqlite:new.db'];
    expect((await work.run([...create('New'), ...database])).stderr).toBe(
      `onhand: creating the database ${work.path('new.db')}, since there is none\n`,
    );
    expect(statSync(work.path('new.db')).mode & 0o777).toBe(0o600);
    expect((await work.run([...create('Newer'), ...database])).stderr).toBe('');
  });

  test('rejects an unknown variable that starts with ONHAND_, and names the nearest known one', async () => {
    const refused = await work.run(create('Acme'), { environment: { ONHAND_LINE_MAX: '5' } });
    expect(refused).toMatchObject({
      code: 1,
      stderr: textMatching(/ONHAND_LINE_MAX \(did you mean ONHAND_LINES_MAX\?\)/),
    });
    const help = await work.run(['--help'], { environment: { ONHAND_LINE_MAX: '5' } });
    expect(help.code).toBe(0);
  });

  test('rejects an address in ONHAND_URL that is not one', async () => {
    const environment = { ONHAND_URL: 'stock.example.com', ONHAND_TOKEN: 'x' };
    expect(await work.run(['batches'], { environment })).toMatchObject({
      code: 1,
      stderr: 'onhand: ONHAND_URL is "stock.example.com". A URL starts with http:// or https://.\n',
    });
  });

  test.for([
    [
      'mysql://localhost/onhand',
      /^onhand: The database cannot be used: name a file as sqlite:PATH/,
    ],
    ['onhand.db', /^onhand: The database "onhand.db" cannot be used: name a file as sqlite:PATH/],
    ['a-password-alone', /^onhand: The database cannot be used: name a file as sqlite:PATH/],
    ['sqlite:', /cannot be used/],
    ['sqlite::memory:', /cannot be used/],
    ['sqlite:no/such/folder.db', /folder\.db cannot be opened\. There is no such folder\.\n$/],
  ] as const)('rejects the database %j: exit 1, in one line', async ([url, message]) => {
    const refused = await work.run(['organization', 'list', '--database', url]);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: textMatching(message) });
    expect(refused.stderr.split('\n')).toHaveLength(2);
  });

  test('uses the database of --database, otherwise of the environment, otherwise of the directory', async () => {
    const environment = { ONHAND_DATABASE: `sqlite:${work.path('second.db')}` };
    const third = ['--database', `sqlite:${work.path('third.db')}`];
    await Promise.all([
      work.run(create('First'), { environment: { ONHAND_DATABASE: '' } }),
      work.run(create('Second'), { environment }),
      work.run([...create('Third'), ...third], { environment }),
    ]);
    const [first, second, thirdList] = await Promise.all([
      work.run(['organization', 'list']),
      work.run(['organization', 'list'], { environment }),
      work.run(['organization', 'list', ...third]),
    ]);
    expect(first.stdout).toContain('First');
    expect(second.stdout).toContain('Second');
    expect(thirdList.stdout).toContain('Third');
    for (const { stdout } of [first, second, thirdList]) expect(stdout.split('\n')).toHaveLength(3);
  });
});

const program = await buildProgram();

describe('help', () => {
  const commands = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands,
  );

  test.for(commands.map((command) => [command.name(), command] as const))(
    'of %s describes the command and every option',
    ([, command]) => {
      expect(command.description()).not.toBe('');
      expect(command.summary()).not.toBe('');
      for (const option of command.options) expect(option.description).not.toBe('');
      const [onDatabase, onServer, onTwo] = ['--database', '--url', '--from'].map((name) =>
        command.options.some(({ long }) => long === name),
      );
      const isAlone = command.name() === 'demo' || command.parent?.name() === 'config';
      expect(onDatabase).toBe(!isAlone && onServer === false && onTwo === false);
      expect(command.helpInformation()).not.toMatch(/default: (\[\]|undefined)/);
    },
  );
});

describe('parseDurationMs', () => {
  test.for([
    ['45s', 45_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['36500d', 3_153_600_000_000],
  ] as const)('parses %j as %d ms', ([text, durationMs]) => {
    expect(parseDurationMs(text)).toBe(durationMs);
  });

  test.for(['', '30', 'd', '0d', '-1d', '1.5h', '1w', '30 d', '30D', '36501d', '9'.repeat(400)])(
    'rejects %j',
    (text) => {
      expect(() => parseDurationMs(text)).toThrow(/A time is/);
    },
  );
});

test.for(['', '-1', '65536', '80a', '0x50', '1e3', ' 80'])('rejects %j as a port', (text) => {
  expect(() => parsePort(text)).toThrow(/A port is/);
});

test('a table pads its columns and shows missing values as -', () => {
  expect(
    formatTable(
      ['id', 'long_name', 'items'],
      [
        { id: 1, long_name: null, items: ['a', 'b'] },
        { id: 22, long_name: 'x', items: [] },
      ],
    ),
  ).toBe('ID  LONG NAME  ITEMS\n1   -          a,b\n22  x          -');
});
