import { describeContract } from '../store/contract/contract.ts';
import { describe, expect, test } from 'vitest';
import { systemBinaries } from '../durability/postgres-process.ts';
import { openTestStore, problemsOf } from '../store/fixtures.ts';
import { describeFollowers } from '../store/followers.ts';
import { readPostgresChanges } from '../store/postgres/rows.ts';
import {
  postgresDatabase,
  reusedPostgresDatabase,
  type ServerKind,
} from '../store/postgres/database.ts';
import { simulate } from '../store/simulation.ts';

const SEEDS = 200;
const PARTITIONS = 8;

interface TestedServer {
  readonly kind: ServerKind;
  readonly name: string;
  readonly isThere: boolean;
}

const SERVERS: readonly TestedServer[] = [
  {
    kind: 'system',
    name: 'the installed PostgreSQL',
    isThere: systemBinaries() !== undefined,
  },
  {
    kind: 'given',
    name: 'the PostgreSQL at SOAK_POSTGRES_URL',
    isThere: process.env['SOAK_POSTGRES_URL'] !== undefined,
  },
];

for (const { kind: server, name, isThere } of SERVERS) {
  describe.runIf(isThere)(`${name} fulfills every contract`, () => {
    describe.for([
      { partitions: 0, kind: 'PostgreSQL' },
      { partitions: PARTITIONS, kind: 'partitioned PostgreSQL' },
    ])('$kind', ({ partitions, kind }) => {
      const database = () => reusedPostgresDatabase(partitions, server);
      describeContract(kind, database);
      describeFollowers(kind, database, 3);
    });

    test(`random batches have the same results as in the model, for ${SEEDS} seeds`, async () => {
      const database = await postgresDatabase(0, server);
      const store = await openTestStore(database);
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        await simulate(store, seed, (supplierId) => readPostgresChanges(database, supplierId));
      }
      await store.close();
      expect(await problemsOf(database)).toEqual([]);
      await database.remove();
    });
  });
}
