import { PostgresProcess } from '../test/durability/postgres-process.ts';
import { ServerProcess } from '../test/durability/server-process.ts';
import { BarePostgres, runOnPostgres } from './bare-postgres.ts';
import { addTokens, fillWithSkus } from './catalogue.ts';
import { runLoad, type LoadPlan, type LoadResult } from './load.ts';
import { showProgress } from './support.ts';
import { conditionsOf, eachRound, medianOf, row, SKUS, type BenchRow, type Row } from './stage.ts';

const SUPPLIERS = 4;
const WARM_UP_LINES = 200_000;

/** Typical settings for a small machine. */
export const SERVER_SETTINGS = { shared_buffers: '512MB', max_wal_size: '4GB' };

interface Scenario {
  readonly name: string;
  readonly plan: Pick<LoadPlan, 'connections' | 'linesPerRequest' | 'single'>;
  /** Per round. */
  readonly lines: number;
  readonly bareLines: number;
  readonly goal: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'PostgreSQL, 1,000 lines a request, 4 suppliers, 8 connections',
    plan: { connections: 8, linesPerRequest: 1000 },
    lines: 80_000,
    bareLines: 80_000,
    goal: 0.85,
  },
  {
    name: 'PostgreSQL, 10,000 lines a request, 4 suppliers, 8 connections',
    plan: { connections: 8, linesPerRequest: 10_000 },
    lines: 160_000,
    bareLines: 160_000,
    goal: 0.85,
  },
  {
    name: 'PostgreSQL, single updates, 4 suppliers, 64 connections',
    plan: { connections: 64, linesPerRequest: 1, single: true },
    lines: 20_000,
    bareLines: 3000,
    goal: 5,
  },
];

/** One node with its own PostgreSQL, compared with a bare client that sends the same statements. */
export const postgresRows: BenchRow = async (rounds) => {
  const server = await PostgresProcess.start({ isDurable: true, settings: SERVER_SETTINGS });
  try {
    const url = server.url('postgres');
    await fillWithSkus(url, SKUS, SUPPLIERS);
    await runOnPostgres(url, ['VACUUM ANALYZE', 'CHECKPOINT']);
    const { supplierIds, tokens } = await addTokens(url);
    const node = await ServerProcess.start({ url, remove: () => Promise.resolve() });
    const skuCount = SKUS / SUPPLIERS;
    const load = (plan: Scenario['plan'], lines: number): Promise<LoadResult> =>
      runLoad({ ...plan, url: node.url, tokens, skuCount, requests: lines / plan.linesPerRequest });
    const bare = new BarePostgres(url, Math.max(...SCENARIOS.map((s) => s.plan.connections)), {
      supplierIds,
      skuCount,
    });
    try {
      showProgress('warming PostgreSQL up');
      await load({ connections: 4, linesPerRequest: 10_000 }, WARM_UP_LINES);
      const rows: Row[] = [];
      for (const scenario of SCENARIOS) rows.push(await measure(scenario, rounds, load, bare));
      return rows;
    } finally {
      await bare.close();
      await node.stop();
    }
  } finally {
    await server.remove();
  }
};

async function measure(
  { name, plan, lines, bareLines, goal }: Scenario,
  rounds: number,
  load: (plan: Scenario['plan'], lines: number) => Promise<LoadResult>,
  bare: BarePostgres,
): Promise<Row> {
  const results = await eachRound(name, rounds, async () => ({
    limit: await bare.run(plan.connections, plan.linesPerRequest, bareLines),
    load: await load(plan, lines),
  }));
  const loads = results.map((result) => result.load);
  if (loads.some(({ failed }) => failed > 0)) throw new Error(`${name}: requests failed`);
  return row(
    name,
    [medianOf(loads, ({ linesPerSecond }) => linesPerSecond), 'lines/s'],
    medianOf(results, ({ limit }) => limit),
    { atLeast: goal },
    conditionsOf(loads, `limit: a bare client, ${plan.linesPerRequest} lines a transaction`),
  );
}
