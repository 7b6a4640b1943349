import { describeContract } from '../store/contract/contract.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { prepareCountingTarget } from '../durability/keyed-kill.ts';
import { databaseKillRound } from '../durability/postgres-kill.ts';
import { PostgresProcess } from '../durability/postgres-process.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { Random } from '../random.ts';
import { openTestStore, problemsOf, type TestDatabase } from '../store/fixtures.ts';
import { describeFollowers } from '../store/followers.ts';
import { readPostgresChanges } from '../store/postgres/rows.ts';
import {
  emptyPostgresDatabase,
  postgresDatabase,
  reusedPostgresDatabase,
} from '../store/postgres/database.ts';
import { simulate } from '../store/simulation.ts';
import { isPgbouncerInstalled, Pgbouncer } from './pgbouncer.ts';

const SEEDS_OF_NODE = 100;
const NODES = 8;
const KILLS = 10;

describe.runIf(isPgbouncerInstalled)('through pgbouncer in transaction mode', () => {
  let bouncer: Pgbouncer;

  beforeAll(async () => {
    const database = await postgresDatabase();
    bouncer = await Pgbouncer.start(database.url);
    await database.remove();
  });
  afterAll(() => bouncer.stop());

  const databaseBehind = async (): Promise<TestDatabase> =>
    bouncer.before(await reusedPostgresDatabase());

  describeContract('pooled PostgreSQL', databaseBehind);
  describeFollowers('pooled PostgreSQL', databaseBehind, 3);

  test(`nodes that start concurrently migrate the database once`, async () => {
    const database = bouncer.before(await emptyPostgresDatabase());
    const stores = await Promise.all(Array.from({ length: NODES }, () => openTestStore(database)));
    await Promise.all(stores.map((store) => store.probe()));
    await Promise.all(stores.map((store) => store.close()));
    expect(await problemsOf(database)).toEqual([]);
    await database.remove();
  });

  test(`two concurrent nodes have the same results as the model, for ${2 * SEEDS_OF_NODE} seeds`, async () => {
    const database = await databaseBehind();
    await Promise.all(
      [1, 2].map(async (number) => {
        const node = await openTestStore(database);
        for (let seed = 1; seed <= SEEDS_OF_NODE; seed += 1) {
          await simulate(node, number * 10_000 + seed, (supplierId) =>
            readPostgresChanges(database, supplierId),
          );
        }
        await node.close();
      }),
    );
    expect(await problemsOf(database)).toEqual([]);
    await database.remove();
  });
});

test.runIf(isPgbouncerInstalled)(
  `two nodes recover from ${KILLS} kills of the database behind pgbouncer`,
  async () => {
    const postgres = await PostgresProcess.start({ isDurable: true });
    const bouncer = await Pgbouncer.start(postgres.url('postgres'));
    try {
      const database = bouncer.before({
        url: postgres.url('postgres'),
        remove: () => Promise.resolve(),
      });
      const target = await prepareCountingTarget(database);
      const nodes = [await ServerProcess.start(database), await ServerProcess.start(database)];
      const random = new Random(13);
      let retries = 0;
      for (let round = 1; round <= KILLS; round += 1) {
        retries += await databaseKillRound(postgres, nodes, target, random);
      }
      process.stderr.write(`pgbouncer: ${KILLS} kills, ${retries} retries\n`);
      for (const node of nodes) expect(await node.stop()).toBe(0);
    } finally {
      await bouncer.stop();
      await postgres.remove();
    }
  },
);
