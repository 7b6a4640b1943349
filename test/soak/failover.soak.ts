import { test } from 'vitest';
import { CuttingProxy } from '../durability/cutting-proxy.ts';
import { prepareCountingTarget } from '../durability/keyed-kill.ts';
import { prepareKillTarget } from '../durability/kill.ts';
import { PostgresProcess } from '../durability/postgres-process.ts';
import { ServerProcess } from '../durability/server-process.ts';
import { Random } from '../random.ts';
import { failoverRound, replicableOptions, standbyAwayRound, type Failover } from './failover.ts';

const ROUNDS = 10;

test(`${ROUNDS} failovers to a standby under the load of two nodes lose nothing acknowledged`, async ({
  skip,
}) => {
  const options = replicableOptions();
  if (options === undefined) skip('no PostgreSQL with pg_basebackup and pg_ctl is installed');
  else await failOver(options);
});

async function failOver(options: Failover['options']): Promise<void> {
  const first = await PostgresProcess.start(options);
  const proxy = await CuttingProxy.start(first.port);
  const url = new URL(first.url('postgres'));
  url.port = String(proxy.port);
  const database = { url: url.href, remove: () => Promise.resolve() };
  const failover: Failover = {
    options,
    proxy,
    counted: await prepareCountingTarget(database),
    plain: await prepareKillTarget(database),
    nodes: [await ServerProcess.start(database), await ServerProcess.start(database)],
    random: new Random(14),
    primary: first,
  };
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const figures = await failoverRound(failover);
      process.stderr.write(`failover ${round}: ${JSON.stringify(figures)}\n`);
    }
    await standbyAwayRound(failover);
  } finally {
    for (const node of failover.nodes) await node.kill();
    await proxy.close();
    await failover.primary.remove();
  }
}
