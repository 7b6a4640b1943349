import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  dropKillRound,
  expectFilesApplied,
  prepareFileTarget,
  uploadKillRound,
} from '../durability/file-kill.ts';
import { forgetClaims } from '../durability/forgotten-claims.ts';
import { Random } from '../random.ts';
import { problemsOf, sqliteDatabase, type TestDatabase } from '../store/fixtures.ts';
import { postgresDatabase } from '../store/postgres/database.ts';

const SERIES = 10;
/** For uploads and for the drop folder each. A short series, because every server has to finish all earlier files. */
const KILLS_OF_SERIES = 3;

test.each([
  ['SQLite', sqliteDatabase, () => Promise.resolve()],
  ['PostgreSQL', postgresDatabase, forgetClaims],
] as const)(
  `on %s ${2 * SERIES * KILLS_OF_SERIES} kills of a server that processes files lose no file and apply none twice`,
  async (kind, create, forget) => {
    const random = new Random(13);
    let files = 0;
    for (let series = 1; series <= SERIES; series += 1) {
      const database: TestDatabase = await create();
      const folder = await mkdtemp(join(tmpdir(), 'onhand-files-'));
      const target = await prepareFileTarget(database, folder, () => forget(database));
      for (let kill = 0; kill < KILLS_OF_SERIES; kill += 1) {
        await uploadKillRound(target, random);
        await dropKillRound(target, random);
      }
      files += await expectFilesApplied(target);
      expect(await problemsOf(database)).toEqual([]);
      await database.remove();
      await rm(folder, { recursive: true });
      process.stderr.write(`file kill on ${kind}: series ${series} of ${SERIES}, ${files} files\n`);
    }
    expect(files).toBeGreaterThan(0);
  },
);
