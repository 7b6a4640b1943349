import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

describe('onhand organization, connection and user', () => {
  let work: Workplace;

  beforeAll(async () => {
    work = await Workplace.make();
    await work.succeed('organization', 'create', '--type', 'supplier', ' Acme Housewares ');
    await work.succeed('organization', 'create', '--type', 'retailer', 'Corner Shop');
  });

  afterAll(() => work.remove());

  test('creates an organization once, and lists it', async () => {
    const [table, json, again] = await Promise.all([
      work.run(['organization', 'list']),
      work.run(['organization', 'list', '--json']),
      work.run(['organization', 'create', '--type', 'retailer', 'Acme Housewares']),
    ]);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(
      /^NAME +TYPE +UUID +CREATED +DISABLED\nAcme Housewares +supplier .*\nCorner Shop +retailer .*\n$/,
    );
    expect(JSON.parse(json.stdout)).toMatchObject([
      { name: 'Acme Housewares', type: 'supplier', uuid: textMatching(/^[0-9a-f-]{36}$/) },
      { name: 'Corner Shop', type: 'retailer' },
    ]);
    expect(again).toEqual({
      code: 1,
      stdout: '',
      stderr: 'onhand: The name "Acme Housewares" is taken by another organization.\n',
    });
  });

  test('creates, lists and removes a connection', async () => {
    const pair = ['--supplier', 'Acme Housewares', '--retailer', 'Corner Shop'];
    expect(await work.succeed('connection', 'create', ...pair)).toBe(
      '"Corner Shop" can now read the SKUs of "Acme Housewares".\n',
    );
    expect(await work.succeed('connection', 'create', ...pair)).toContain('can already read');
    expect(JSON.parse(await work.succeed('connection', 'list', '--json'))).toMatchObject([
      { supplier: 'Acme Housewares', retailer: 'Corner Shop' },
    ]);
    expect(await work.succeed('connection', 'remove', ...pair)).toContain('can no longer read');
    const [again, reversed] = await Promise.all([
      work.run(['connection', 'remove', ...pair]),
      work.run(['connection', 'create', '--supplier', 'Corner Shop', '--retailer', 'Corner Shop']),
    ]);
    expect(again).toMatchObject({
      code: 1,
      stdout: '',
      stderr: textMatching(/is not connected to/),
    });
    expect(reversed).toMatchObject({
      code: 1,
      stderr: 'onhand: "Corner Shop" is a retailer, not a supplier.\n',
    });
  });

  test('reads the password of a user from the first line of stdin, and rejects a second user of that name', async () => {
    const create = ['user', 'create', '--organization', 'Acme Housewares', '--username', 'wile'];
    expect(await work.runProcess(create, { stdin: 'a secret of four words\r\nignored\n' })).toEqual(
      {
        code: 0,
        stdout: textMatching(
          /^Created the user "wile" of "Acme Housewares" \([0-9a-f-]{36}\)\.\n$/,
        ),
        stderr: '',
      },
    );
    expect(await work.run(create, { stdin: 'another secret word\n' })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'onhand: The username "wile" is taken.\n',
    });
  });

  test('creates the first user of an operator, in a new database too', async () => {
    const database = ['--database', `sqlite:${work.folder}/first.db`];
    const create = ['user', 'create', '--username', 'root', ...database];
    const stdin = 'four quite random words\n';
    expect((await work.run([...create, '--operator'], { stdin })).stdout).toMatch(
      /^Created the user "root" of the operator "Operator" /,
    );
    const users: unknown = JSON.parse(await work.succeed('user', 'list', '--json', ...database));
    expect(users).toMatchObject([{ username: 'root', organization: 'Operator' }]);
    const neither = await work.run(create, { stdin });
    expect(neither.stderr).toContain('Give either --organization or --operator');
    const supplier = ['--operator', 'Acme Housewares'];
    const taken = await work.run(['user', 'create', '--username', 'root', ...supplier], { stdin });
    expect(taken.stderr).toContain('"Acme Housewares" is a supplier');
  });

  test('lists users, changes a password, and disables a user', async () => {
    const password = ['user', 'password', 'road'];
    await work.run(['user', 'create', '--organization', 'Corner Shop', '--username', 'road'], {
      stdin: 'a very fast runner\n',
    });
    expect(await work.run(password, { stdin: 'short\n' })).toMatchObject({
      code: 1,
      stderr: textMatching(/has only 5 characters/),
    });
    expect((await work.run(password, { stdin: 'beep beep says he\n' })).stdout).toContain(
      'has a new password',
    );
    const unknown = await work.run(['user', 'password', 'no'], { stdin: 'beep beep says he\n' });
    expect(unknown.stderr).toContain('There is no user "no"');
    await work.succeed('user', 'disable', 'road');
    const users: unknown = JSON.parse(await work.succeed('user', 'list', '--json'));
    expect(users).toContainEqual({
      username: 'road',
      organization: 'Corner Shop',
      permissions: ['view_items', 'manage_webhooks'],
      created: textMatching(/^2/),
      disabled: textMatching(/^2/),
    });
    await work.succeed('user', 'enable', 'road');
    expect(JSON.parse(await work.succeed('user', 'list', '--json'))).toContainEqual(
      expect.objectContaining({ username: 'road', disabled: null }),
    );
  });

  test('renames an organization, and disables and enables it', async () => {
    await work.succeed('organization', 'create', '--type', 'supplier', 'Old');
    const rename = ['organization', 'rename', 'Old', ' New '];
    expect(await work.succeed(...rename)).toBe('"Old" is now "New".\n');
    expect((await work.run(rename)).stderr).toContain('There is no organization "Old"');
    const taken = await work.run(['organization', 'rename', 'New', 'Corner Shop']);
    expect(taken.stderr).toContain('is taken by another organization');
    expect(await work.succeed('organization', 'disable', 'New')).toBe('"New" is now disabled.\n');
    expect(await work.succeed('organization', 'disable', 'New')).toContain('already disabled');
    expect(JSON.parse(await work.succeed('organization', 'list', '--json'))).toContainEqual(
      expect.objectContaining({ name: 'New', disabled: textMatching(/^2/) }),
    );
    expect(await work.succeed('organization', 'enable', 'New')).toContain('now enabled');
    expect(await work.succeed('organization', 'list')).toMatch(/New .* -\n/);
  });

  test.for([
    ['without a password', 'Acme Housewares', [], '', 1, /^onhand: There is no password/],
    [
      'with an empty password',
      'Acme Housewares',
      [],
      '\n',
      1,
      /^onhand: The new password is empty/,
    ],
    [
      'with a common password',
      'Acme Housewares',
      [],
      'P@ssword1234\n',
      1,
      /^onhand: The new password is one of the most common ones/,
    ],
    [
      'of an unknown organization',
      'Nope',
      [],
      'x\n',
      1,
      /^onhand: There is no organization "Nope"/,
    ],
    [
      'with a permission that the organization cannot have',
      'Corner Shop',
      ['--permission', 'edit_items'],
      'x\n',
      1,
      /^onhand: The permission edit_items is not allowed for a retailer/,
    ],
    [
      'with the password as an argument',
      'Acme Housewares',
      ['--password', 'x'],
      '',
      1,
      /^error: unknown option '--password'/,
    ],
  ] as const)('rejects a user %s', async ([, organization, more, stdin, code, message]) => {
    const create = ['user', 'create', '--organization', organization, '--username', 'road'];
    const refused = await work.run([...create, ...more], { stdin });
    expect(refused).toEqual({ code, stdout: '', stderr: textMatching(message) });
  });
});
