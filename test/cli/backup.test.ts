import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newAgeKeys } from '../../src/backup/encoding.ts';
import { driverOf } from '../../src/databases.ts';
import { fixtureOf, RELEASES } from '../upgrade/fixtures.ts';
import { Workplace } from './onhand.ts';

let work: Workplace;
beforeEach(async () => {
  work = await Workplace.make();
  await work.succeed('organization', 'create', '--type', 'supplier', 'Acme');
  await writeFile(work.path('c.csv'), 'sku_id,title,quantity_in_stock\na,Cup,3\nb,Plate,4\n');
  await work.succeed('import', 'c.csv', '--supplier', 'Acme');
});
afterEach(() => work.remove());

const backedUp = (stdout: string): string => /^Backed up to (.*)\.$/m.exec(stdout)?.[1] ?? '';

/** What a database holds, without opening it as a server does. */
function titlesIn(path: string): unknown {
  const db = new Sqlite(path, { readonly: true });
  try {
    return db.prepare('SELECT sku_id, title FROM skus ORDER BY sku_id').raw().all();
  } finally {
    db.close();
  }
}
const SKUS = [
  ['a', 'Cup'],
  ['b', 'Plate'],
];

describe('a backup into a directory', () => {
  test('is compressed, and restores into a database that passes all checks', async () => {
    const file = backedUp(await work.succeed('backup', '.'));
    expect(file).toMatch(/\/onhand-\d{8}T\d{6}Z\.db\.zst$/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { code, stdout, stderr } = await work.run([
      'restore',
      file,
      '--database',
      'sqlite:restored.db',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('ok    the audit log is unchanged');
    expect(stdout).toContain(`Restored ${work.path('restored.db')}`);
    expect(stdout).toMatch(/The schema has version \d+, as in the backup\./);
    expect(titlesIn(work.path('restored.db'))).toEqual(SKUS);
    const left = (await readdir(work.folder)).filter((name) => name.includes('unfinished'));
    expect(left).toEqual([]);
    expect((await work.run(['doctor', '--database', 'sqlite:restored.db'])).code).toBe(0);
  });

  test('deletes the oldest beyond the number to keep, except those of the last days, and no other file', async () => {
    const nowMs = Date.now();
    const nameAt = (daysAgo: number): string =>
      `onhand-${new Date(nowMs - daysAgo * 86_400_000)
        .toISOString()
        .replace(/\.\d+Z/, 'Z')
        .replaceAll(/[-:]/g, '')}.db.zst`;
    const old = [1, 2, 3, 10].map(nameAt);
    const others = ['other-20200101T000000Z.db.zst', 'onhand-notes.txt', 'onhand-old.db.zst'];
    for (const name of [...old, ...others]) await writeFile(work.path(name), '');
    const { stderr } = await work.run(['backup', '.', '--keep', '2', '--keep-days', '5']);
    expect(stderr).toBe(`Deleted the old backup ${old[3]}.\n`);
    const left = await readdir(work.folder);
    expect(left).toEqual(expect.arrayContaining([...old.slice(0, 3), ...others]));
  });

  test('is what the settings name', async () => {
    const environment = { ONHAND_BACKUP_DIRECTORY: '.', ONHAND_BACKUPS_KEPT: '1' };
    await writeFile(work.path('onhand-20200101T000000Z.db.zst'), '');
    const { stdout, stderr } = await work.run(['backup'], { environment });
    expect(backedUp(stdout)).toMatch(/\.db\.zst$/);
    expect(stderr).toBe('Deleted the old backup onhand-20200101T000000Z.db.zst.\n');
    const without = await work.run(['backup']);
    expect(without.stderr).toContain('set ONHAND_BACKUP_DIRECTORY');
  });
});

describe('an encrypted backup', () => {
  test('restores with the private key of a recipient, and not without or with another', async () => {
    const [mine, other] = [await newAgeKeys(), await newAgeKeys()];
    await writeFile(work.path('mine.key'), `# created: today\n${mine.identity}\n`);
    await writeFile(work.path('other.key'), `${other.identity}\n`);
    const file = backedUp(await work.succeed('backup', '.', '--recipient', mine.recipient));
    expect(file).toMatch(/\.db\.zst\.age$/);
    expect(await readFile(file, 'latin1')).toMatch(/^age-encryption\.org\/v1\n/);

    const restore = ['restore', file, '--database', 'sqlite:restored.db'];
    const without = await work.run(restore);
    expect(without.stderr).toContain('is encrypted: name the file with your private key');
    const wrong = await work.run([...restore, '--identity-file', 'other.key']);
    expect(wrong.stderr).toContain('cannot be read: no identity matched');
    expect(wrong.code).toBe(1);
    const { code } = await work.run([...restore, '--identity-file', 'mine.key']);
    expect(code).toBe(0);
    expect(titlesIn(work.path('restored.db'))).toEqual(SKUS);
  });

  test('needs a key of age, and a file name that says so', async () => {
    const { recipient } = await newAgeKeys();
    const wrongKey = await work.run(['backup', '.', '--recipient', 'age1nonsense']);
    expect(wrongKey.stderr).toContain('"age1nonsense" is no public key of age');
    const wrongName = await work.run(['backup', 'x.db', '--recipient', recipient]);
    expect(wrongName.stderr).toContain('needs a name that ends in .age');
    const noKey = await work.run(['backup', 'x.db.age']);
    expect(noKey.stderr).toContain('there is no --recipient');
    expect(await readdir(work.folder)).not.toContain('x.db.age');
  });
});

test('no message repeats a private key, whether it is mistyped or given as a public one', async () => {
  const { identity, recipient } = await newAgeKeys();
  const mistyped = identity.slice(0, -1) + (identity.endsWith('Q') ? 'P' : 'Q');
  await writeFile(work.path('mistyped.key'), mistyped);
  const file = backedUp(await work.succeed('backup', '.', '--recipient', recipient));
  const restore = ['restore', file, '--database', 'sqlite:r.db', '--identity-file', 'mistyped.key'];
  const environment = { ONHAND_BACKUP_RECIPIENTS: identity };
  const results = [
    await work.run(restore),
    await work.run(['backup', '.', '--recipient', identity]),
    await work.run(['backup', '.'], { environment }),
  ];
  expect(results.map(({ code }) => code)).toEqual([1, 1, 1]);
  const messages = results.map(({ stderr }) => stderr);
  expect(messages.join('')).not.toContain(identity.slice(0, 30));
  expect(messages).toEqual([
    expect.stringContaining('A private key in the identity file is not valid'),
    expect.stringContaining('Use the public key, which begins with age1'),
    expect.stringContaining('ONHAND_BACKUP_RECIPIENTS must be public keys of age'),
  ]);
});

describe('onhand restore', () => {
  test('reads a backup that is not compressed, or was compressed by gzip', async () => {
    await work.succeed('backup', 'plain.db');
    await writeFile(work.path('backup.gz'), gzipSync(await readFile(work.path('plain.db'))));
    for (const backup of ['plain.db', 'backup.gz'])
      await work.succeed('restore', backup, '--database', `sqlite:from-${backup}.db`);
    expect(titlesIn(work.path('from-backup.gz.db'))).toEqual(SKUS);
  });

  test('never overwrites a database or the log of one, nor the place of a running server', async () => {
    await work.succeed('backup', 'copy.db.zst');
    const there = await work.run(['restore', 'copy.db.zst']);
    expect(there.code).toBe(1);
    expect(there.stderr).toContain('a restore never overwrites');
    await writeFile(work.path('gone.db-wal'), 'changes');
    const log = await work.run(['restore', 'copy.db.zst', '--database', 'sqlite:gone.db']);
    expect(log.stderr).toContain('gone.db-wal exists');
    const lock = await driverOf('sqlite:x').lock(`sqlite:${work.path('served.db')}`, 'a test');
    const served = await work.run(['restore', 'copy.db.zst', '--database', 'sqlite:served.db']);
    lock.release();
    expect(served.stderr).toContain('Another server is running');
    expect(await readdir(work.folder)).not.toContain('served.db');
  });

  test.for(RELEASES)(
    'migrates a backup of version %s, and the result passes all checks',
    async (release) => {
      await writeFile(work.path('old.db'), fixtureOf(release, 'sqlite.db'));
      const stdout = await work.succeed('restore', 'old.db', '--database', 'sqlite:restored.db');
      expect(stdout).toMatch(/The schema (was migrated from version \d+ to|has version) \d+/);
      // The file is complete by itself: no log that was removed had a part of it.
      expect(await work.succeed('doctor', '--database', 'sqlite:restored.db')).toContain(
        'All checks passed.',
      );
      expect(titlesIn(work.path('restored.db'))).toContainEqual(['A-1', 'Kettle']);
    },
  );

  test('refuses a backup of a newer version', async () => {
    await work.succeed('backup', 'newer.db');
    const db = new Sqlite(work.path('newer.db'));
    db.pragma('user_version = 999');
    db.close();
    const restored = await work.run(['restore', 'newer.db', '--database', 'sqlite:restored.db']);
    expect(restored.code).toBe(1);
    expect(restored.stderr).toContain('Use a newer onhand.');
    expect(await readdir(work.folder)).not.toContain('restored.db');
  });

  test('restores nothing that is damaged, cut short, or not of onhand', async () => {
    const file = backedUp(await work.succeed('backup', '.'));
    const bytes = await readFile(file);
    await writeFile(work.path('cut.zst'), bytes.subarray(0, bytes.length - 100));
    await writeFile(work.path('text'), 'these are no pages\n'.repeat(100));
    const db = new Sqlite(work.path('damaged.db'));
    db.close();
    await work.succeed('backup', 'wrong.db');
    const wrong = new Sqlite(work.path('wrong.db'));
    wrong.exec('UPDATE suppliers SET sku_count = 7');
    wrong.close();
    const expected = {
      'cut.zst': 'cannot be read',
      text: 'not a database',
      'damaged.db': 'holds no database of onhand',
      'wrong.db': 'Nothing was restored: 1 of the checks failed.',
      'no-such-file': 'There is no backup',
    };
    for (const [name, message] of Object.entries(expected)) {
      const restored = await work.run(['restore', name, '--database', 'sqlite:restored.db']);
      expect(restored.stderr, name).toContain(message);
      expect(restored.code, name).toBe(1);
    }
    const left = (await readdir(work.folder)).filter((name) => name.startsWith('restored'));
    expect(left).toEqual(['restored.db-serve']);
  });

  test('refers to PostgreSQL’s own tools', async () => {
    const url = 'postgres://u:secret@127.0.0.1:1/d';
    const { code, stderr } = await work.run(['restore', 'x', '--database', url]);
    expect(code).toBe(1);
    expect(stderr).toContain('pg_restore');
    expect(stderr).not.toContain('secret');
  });
});
