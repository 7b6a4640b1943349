import { expect, test } from 'vitest';
import { replicableOptions } from './failover.ts';
import { FailoverCluster } from './linearizability/rounds.ts';

/** `TEST_FAILOVERS=100 TEST_SEED=7 npm run soak linearizability` runs more of them. */
const FAILOVERS = Number(process.env['TEST_FAILOVERS'] ?? 5);
const SEED = Number(process.env['TEST_SEED'] ?? 21);
/** Each cluster has a seed and a database of its own. */
const FAILOVERS_OF_CLUSTER = 10;

test(`reads and writes of each SKU through two nodes are linearizable over ${FAILOVERS} failovers`, async ({
  skip,
}) => {
  const options = replicableOptions();
  if (options === undefined) skip('no PostgreSQL with pg_basebackup and pg_ctl is installed');
  else
    for (let done = 0; done < FAILOVERS; done += FAILOVERS_OF_CLUSTER) {
      const seed = SEED + done / FAILOVERS_OF_CLUSTER;
      const cluster = await FailoverCluster.start(options, seed);
      try {
        const rounds = Math.min(FAILOVERS_OF_CLUSTER, FAILOVERS - done);
        for (let round = 1; round <= rounds; round += 1) {
          const { faults, ...figures } = await cluster.round();
          process.stderr.write(
            `failover ${done + round}, seed ${seed}: ${JSON.stringify(figures)}\n`,
          );
          expect(faults).toEqual([]);
        }
      } finally {
        await cluster.stop();
      }
    }
});
