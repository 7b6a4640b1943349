import { open, writeFile } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { textMatching } from '../matching.ts';
import { Workplace } from './onhand.ts';

describe('onhand doctor', () => {
  let work: Workplace;

  beforeEach(async () => {
    work = await Workplace.make();
    await work.succeed('organization', 'create', '--type', 'supplier', 'Acme');
    const rows = Array.from({ length: 500 }, (_, i) => `S${i},${'title '.repeat(20)},${i}\n`);
    await writeFile(work.path('c.csv'), `sku_id,title,quantity_in_stock\n${rows.join('')}`);
    await work.succeed('import', 'c.csv', '--supplier', 'Acme');
  });

  afterEach(() => work.remove());

  const alter = (sql: string): void => {
    const db = new Sqlite(work.path('onhand.db'));
    db.exec(sql);
    db.close();
  };

  test('passes an intact database, printing each check: exit 0', async () => {
    const { code, stdout, stderr } = await work.run(['doctor']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.at(-1)).toBe('All checks passed.');
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^ok {4}\S/);
  });

  test.for([
    [
      'inventory that the changes do not account for',
      'UPDATE inventory SET quantity_in_stock = 77 WHERE quantity_in_stock = 7',
      /^WRONG replaying the changes gives the inventory: SKU 8 of supplier 1 does not hold/m,
    ],
    [
      'a gap in the sequence',
      'DELETE FROM changes WHERE sequence = 250',
      /^WRONG suppliers' sequences have no gap: supplier 1 counts from 0 to 500, has 499 changes/m,
    ],
    [
      'a schema of another version',
      'PRAGMA user_version = 99',
      /^WRONG schema is migrated: schema version is 99/m,
    ],
  ] as const)('finds %s and prints what and where: exit 1', async ([, sql, finding]) => {
    alter(sql);
    const { code, stdout, stderr } = await work.run(['doctor']);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(finding);
    expect(stdout).toMatch(/^\d+ of the checks failed\.\n$/m);
  });

  test('finds damaged pages: exit 1, without a stack trace', async () => {
    alter('PRAGMA wal_checkpoint(TRUNCATE)');
    const file = await open(work.path('onhand.db'), 'r+');
    const { size } = await file.stat();
    // The pages of the schema, which come first, stay as they are.
    for (let at = 80 * 2048; at < size; at += 4 * 2048) {
      await file.write(Buffer.alloc(2048, 0xa5), 0, 2048, at);
    }
    await file.close();
    const { code, stdout, stderr } = await work.run(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^WRONG pages and indexes are intact: /m);
    expect(stderr).toBe('');
  });

  test('rejects a file that is not a database, and one that does not exist', async () => {
    await writeFile(work.path('notes.txt'), 'These are notes, not a database.\n'.repeat(100));
    const [notes, missing] = await Promise.all([
      work.run(['doctor', '--database', 'sqlite:notes.txt']),
      work.run(['doctor', '--database', 'sqlite:missing.db']),
    ]);
    expect(notes).toEqual({
      code: 1,
      stdout: '',
      stderr: textMatching(/notes\.txt cannot be opened\. The file is not a database\.\n$/),
    });
    expect(missing).toEqual({
      code: 1,
      stdout: '',
      stderr: textMatching(/missing\.db cannot be opened\. There is no such file\.\n$/),
    });
  });
});
