import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

const HEADER = 'organization,type,connections,expected_minutes,token,token_expires_in';
const PARTNERS = [
  HEADER,
  'Corner Shop,retailer,,,view_items,',
  'Acme,supplier,Corner Shop|Big Box,1440,all,30d',
  'Acme,,,,view_items,',
  '"Bolts, Nuts",supplier,,never,,',
  'Big Box,retailer,"Bolts, Nuts",,,',
];

describe('onhand apply', () => {
  let work: Workplace;

  beforeEach(async () => {
    work = await Workplace.make();
  });

  afterEach(() => work.remove());

  const apply = async (rows: readonly string[], ...args: readonly string[]) => {
    await writeFile(work.path('partners.csv'), rows.join('\n'));
    return work.run(['apply', 'partners.csv', ...args]);
  };
  const list = async (what: string): Promise<unknown> =>
    JSON.parse(await work.succeed(what, 'list', '--json'));

  test('creates what the database lacks once, and writes new tokens to a file of mode 0600', async () => {
    const first = await apply(PARTNERS, '--tokens', 'tokens.csv');
    expect(first).toMatchObject({
      code: 0,
      stderr: textMatching(
        /Created or changed 4 organizations, 3 connections, 1 expected intervals, 3 tokens\.\n$/,
      ),
    });
    expect(first.stdout.split('\n')).toContain('+ connection: "Corner Shop" reads "Acme"');
    expect(statSync(work.path('tokens.csv')).mode & 0o777).toBe(0o600);
    const tokens = await readFile(work.path('tokens.csv'), 'utf8');
    expect(tokens).toMatch(
      /^organization,permissions,expires,token\nCorner Shop,view_items,,\w{40}\n/,
    );
    expect(first.stdout + first.stderr).not.toMatch(/[0-9a-f]{40}/);
    expect(await list('connection')).toHaveLength(3);
    expect(await list('token')).toMatchObject([
      { organization: 'Corner Shop', permissions: ['view_items'], expires: null },
      { organization: 'Acme', expires: textMatching(/^2/) },
      { organization: 'Acme', permissions: ['view_items'], expires: null },
    ]);

    const again = await apply(PARTNERS);
    expect(again).toMatchObject({
      code: 0,
      stdout: '',
      stderr: textMatching(/nothing: the database has/),
    });
    const changed = await apply([HEADER, 'Acme,,,never,,'], '--dry-run');
    expect(changed.stdout).toBe('~ "Acme" is expected to report every: 1440 minutes → never\n');
    await work.succeed('token', 'revoke', '3');
    const replaced = await apply(PARTNERS, '--tokens', '-');
    expect(replaced.stdout).toMatch(/^organization,.*\nAcme,view_items,,\w{40}\n$/);
  });

  test('changes nothing with --dry-run, and nothing if tokens have nowhere to go', async () => {
    const dry = await apply(PARTNERS, '--dry-run');
    expect(dry.stdout.split('\n')).toHaveLength(12);
    expect(await apply(PARTNERS)).toMatchObject({
      code: 1,
      stderr: textMatching(/^onhand: 3 tokens would be created.*--tokens/),
    });
    expect(existsSync(work.path('onhand.db'))).toBe(false);
    await writeFile(work.path('tokens.csv'), 'mine');
    const refused = await apply(PARTNERS, '--tokens', 'tokens.csv');
    expect(refused.stderr).toContain('tokens.csv exists already');
    expect(await list('organization')).toEqual([]);
  });

  test('names the row and column of every error, and applies nothing', async () => {
    const { code, stderr } = await apply([
      HEADER,
      'Acme,,,,,',
      'Bolts,shop,,,,',
      'Corner,retailer,Nope,60,edit_items,3',
      ',supplier,,,,',
      'Screws,supplier,Screws,x,,,,more',
    ]);
    expect(code).toBe(1);
    for (const error of [
      'Row 2, column organization: "Acme" does not exist yet',
      'Row 3, column type: "shop" is neither supplier nor retailer.',
      'Row 4, column expected_minutes: Only a supplier',
      'Row 4, column token: The permission edit_items is not allowed',
      'Row 4, column token_expires_in: A time is',
      'Row 4, column connections: "Nope" is neither in the file nor in the database.',
      'Row 5, column organization: The name is empty.',
      'Row 6 has more cells than the header.',
      'Row 6, column connections: "Screws" is a supplier too',
    ]) {
      expect(stderr).toContain(error);
    }
    expect(existsSync(work.path('onhand.db'))).toBe(false);
    expect((await apply(['organisation', 'Acme'])).stderr).toContain(
      'there is no column "organisation"',
    );
  });
});
