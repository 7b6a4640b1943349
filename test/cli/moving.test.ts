import { writeFile } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ServerProcess } from '../durability/server-process.ts';
import { applyOne, batchOf, openTestStore, type TestDatabase } from '../store/fixtures.ts';
import { emptyPostgresDatabase } from '../store/postgres/database.ts';
import { Workplace } from './onhand.ts';

let work: Workplace;
beforeEach(async () => {
  work = await Workplace.make();
});
afterEach(() => work.remove());

async function fill(): Promise<void> {
  await work.succeed('organization', 'create', '--type', 'supplier', 'Acme');
  const rows = Array.from({ length: 2000 }, (_, i) => `S${i},${'title '.repeat(20)},${i}\n`);
  await writeFile(work.path('c.csv'), `sku_id,title,quantity_in_stock\n${rows.join('')}`);
  await work.succeed('import', 'c.csv', '--supplier', 'Acme');
}

describe('onhand backup', () => {
  test('copies the database as of one moment while stock is written', async () => {
    await fill();
    const store = await openTestStore(work.database);
    const done = new AbortController();
    const first = Promise.withResolvers<undefined>();
    let written = 0;
    const writing = (async () => {
      while (!done.signal.aborted) {
        written += 1;
        const lines = [1, 2, 3].map((i) => ({
          skuId: `S${i}`,
          fields: { quantityInStock: written },
        }));
        await applyOne(store, batchOf(1, lines));
        first.resolve(undefined);
      }
    })();
    await first.promise;
    const { code, stdout, stderr } = await work.run(['backup', 'copy.db']);
    done.abort();
    await writing;
    await store.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`Backed up to ${work.path('copy.db')}.\n`);
    expect(written).toBeGreaterThan(1);
    const doctor = await work.run(['doctor', '--database', 'sqlite:copy.db']);
    expect(doctor.stdout).toMatch(/All checks passed\.\n$/);
    const copy = await openTestStore({ ...work.database, url: `sqlite:${work.path('copy.db')}` });
    const page = { supplierIds: [1], filter: {}, from: { start: 1 }, limit: 3 };
    const { skus } = await copy.skus.list(page);
    await copy.close();
    expect(new Set(skus.map(({ inventory }) => inventory.quantityInStock)).size).toBe(1);
  });

  test('does not overwrite a file, and refers to PostgreSQL’s own tools', async () => {
    await fill();
    await writeFile(work.path('there.db'), 'mine');
    const there = await work.run(['backup', 'there.db']);
    expect(there.code).toBe(1);
    expect(there.stderr).toContain(`The file ${work.path('there.db')} exists already`);
    const postgres = await work.run([
      'backup',
      'x.db',
      '--database',
      'postgres://u:secret@127.0.0.1:1/d',
    ]);
    expect(postgres.code).toBe(1);
    expect(postgres.stderr).toContain('pg_dump');
    expect(postgres.stderr).not.toContain('secret');
  });
});

describe('onhand migrate', () => {
  test('--dry-run prints the SQL that creates the schema, and creates nothing', async () => {
    const { code, stdout, stderr } = await work.run(['migrate', '--dry-run']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^The schema would be migrated from version 0 to \d+\.\n$/);
    const db = new Sqlite(':memory:');
    db.exec(stdout);
    expect(db.prepare('SELECT count(*) FROM inventory').pluck().get()).toBe(0);
    db.close();

    const done = await work.run(['migrate']);
    expect(done.stderr).toMatch(/^The schema was migrated from version 0 to \d+\.\n$/);
    const again = await work.run(['migrate', '--dry-run']);
    expect(again.stdout).toBe('');
    expect(again.stderr).toMatch(/^The schema has version \d+, the newest/);
  });

  test('--distribute tells why a database cannot be distributed', async () => {
    const file = await work.run(['migrate', '--distribute', 'citus']);
    expect(file.code).toBe(1);
    expect(file.stderr).toContain('An SQLite database is one file');
    const postgres = await emptyPostgresDatabase();
    const server = await work.run(['migrate', '--distribute', 'citus', '--database', postgres.url]);
    expect(server.code).toBe(1);
    expect(server.stderr).toContain('The database has no extension citus.');
    await postgres.remove();
  });

  test('rejects a newer schema', async () => {
    await fill();
    const db = new Sqlite(work.path('onhand.db'));
    db.pragma('user_version = 99');
    db.close();
    const { code, stderr } = await work.run(['migrate', '--dry-run']);
    expect(code).toBe(1);
    expect(stderr).toContain('Use a newer onhand.');
  });
});

describe('onhand copy', () => {
  let postgres: TestDatabase;
  beforeEach(async () => {
    postgres = await emptyPostgresDatabase();
  });
  afterEach(() => postgres.remove());

  test('copies a database to PostgreSQL, prints what it copied, and the copy passes doctor', async () => {
    await fill();
    const command = ['copy', '--from', 'sqlite:onhand.db', '--to', postgres.url];
    const { code, stdout, stderr } = await work.run(command);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Everything was copied, and every row was compared.\n',
    });
    expect(stdout).toMatch(/^inventory +2000 +[0-9a-f]{64}$/m);
    expect((await work.run(['doctor', '--database', postgres.url])).code).toBe(0);
  });

  test('rejects a source that a server uses, and one that does not exist', async () => {
    await fill();
    const server = await ServerProcess.start(work.database);
    try {
      const served = await work.run(['copy', '--from', 'sqlite:onhand.db', '--to', 'sqlite:b.db']);
      expect(served.code).toBe(1);
      expect(served.stderr).toContain('Another server is running on');
    } finally {
      await server.stop();
    }
    const missing = await work.run(['copy', '--from', 'sqlite:nope.db', '--to', 'sqlite:b.db']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('There is no such file.');
  });
});
