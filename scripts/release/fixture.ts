/**
 * Makes the upgrade fixture of this version, once for each release (docs/upgrading.md): `npm run release:fixture`.
 * Needs the programs of Debian's package postgresql, so that the dump comes from the oldest supported PostgreSQL.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fill, readAll, type UpgradeReads } from '../../test/upgrade/contents.ts';
import { PostgresProcess, systemBinaries } from '../../test/durability/postgres-process.ts';
import { testSettings } from '../../test/store/fixtures.ts';
import { FIXTURES } from '../../test/upgrade/fixtures.ts';
import { startServer } from '../../src/server.ts';
import { version } from '../../src/version.ts';

const folder = await mkdtemp(join(tmpdir(), 'onhand-fixture-'));
const target = join(FIXTURES, version());
await mkdir(target, { recursive: true });

async function fillAndRead(url: string): Promise<UpgradeReads> {
  const database = { url, remove: () => Promise.resolve() };
  const settings = testSettings(database, {
    filesDirectory: join(folder, 'files'),
    webhooksAllowHttp: true,
    webhooksAllowPrivateNetworks: true,
  });
  const server = await startServer(settings);
  try {
    return await readAll(server.url, await fill(server));
  } finally {
    await server.close();
  }
}

async function save(name: string, content: string | Buffer): Promise<void> {
  // A fixed level and no timestamp: the same content gives the same file.
  await writeFile(join(target, name), gzipSync(content, { level: 9 }));
}

const binaries = systemBinaries();
if (binaries === undefined) throw new Error('Install the package postgresql of Debian first.');
try {
  const file = join(folder, 'onhand.db');
  const sqliteReads = await fillAndRead(`sqlite:${file}`);
  await save('sqlite.db.gz', await readFile(file));
  await save('sqlite.json.gz', JSON.stringify(sqliteReads));

  const postgres = await PostgresProcess.start({ binaries });
  try {
    const url = postgres.url('postgres');
    const postgresReads = await fillAndRead(url);
    const dump = execFileSync(
      join(binaries, 'pg_dump'),
      ['--inserts', '--no-owner', '--no-privileges', `--dbname=${url}`],
      { encoding: 'utf8' },
    );
    // Commands of psql, which the server does not know.
    await save('postgres.sql.gz', dump.replace(/^\\.*$/gm, ''));
    await save('postgres.json.gz', JSON.stringify(postgresReads));
  } finally {
    await postgres.remove();
  }
  process.stdout.write(`${target}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
