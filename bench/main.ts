/**
 * `npm run bench`: figures of this machine, each beside the limit measured in the same run.
 *
 *   npm run bench              the main rows, about a minute
 *   npm run bench -- --full    more rounds
 *   npm run bench -- --json    one JSON object a row
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { ServerProcess } from '../test/durability/server-process.ts';
import { benchDatabase, removeDatabase, type BenchDatabase } from './catalogue.ts';
import { runLoad, type LoadPlan, type LoadResult } from './load.ts';
import { measureRaw } from './raw.ts';

const { values: options } = parseArgs({
  options: { full: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

const SKUS = 1_000_000;
const ROUNDS = options.full ? 7 : 3;

interface Scenario {
  readonly name: string;
  readonly linesPerRequest: number;
  readonly connections: number;
  /** Of one round. */
  readonly lines: number;
  /** How many lines the raw loop puts into one transaction. */
  readonly rawGroupLines: number;
  readonly single?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'single updates',
    linesPerRequest: 1,
    connections: 64,
    lines: 20_000,
    rawGroupLines: 1,
    single: true,
  },
  {
    name: '1 line a request',
    linesPerRequest: 1,
    connections: 64,
    lines: 20_000,
    rawGroupLines: 1,
  },
  {
    name: '100 lines a request',
    linesPerRequest: 100,
    connections: 10,
    lines: 100_000,
    rawGroupLines: 100,
  },
  {
    name: '1,000 lines a request',
    linesPerRequest: 1000,
    connections: 10,
    lines: 200_000,
    rawGroupLines: 1000,
  },
  {
    name: '10,000 lines a request',
    linesPerRequest: 10_000,
    connections: 4,
    lines: 400_000,
    rawGroupLines: 10_000,
  },
  {
    name: '100,000 lines in one request',
    linesPerRequest: 100_000,
    connections: 1,
    lines: 200_000,
    rawGroupLines: 10_000,
  },
];

interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  readonly ratio: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly conditions: string;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function measure(database: BenchDatabase, scenario: Scenario): Promise<Row> {
  const raw: number[] = [];
  const loads: LoadResult[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    process.stderr.write(`\r\x1b[K${scenario.name}: round ${round + 1} of ${ROUNDS}`);
    // A single line a transaction is slow: a sample tells the rate as well.
    const rawLines = scenario.rawGroupLines === 1 ? 5000 : scenario.lines;
    raw.push(measureRaw(database, scenario.rawGroupLines, rawLines, 'write'));
    loads.push(await measureServer(database, scenario));
  }
  process.stderr.write('\r\x1b[K');
  const failed = loads.reduce((sum, load) => sum + load.failed, 0);
  if (failed > 0) throw new Error(`${scenario.name}: ${failed} requests failed`);
  const value = median(loads.map((load) => load.linesPerSecond));
  const limit = median(raw);
  return {
    name: scenario.name,
    value: Math.round(value),
    unit: 'lines/s',
    limit: Math.round(limit),
    ratio: Number((value / limit).toFixed(2)),
    p50Ms: Number(median(loads.map((load) => load.p50Ms)).toFixed(1)),
    p99Ms: Number(median(loads.map((load) => load.p99Ms)).toFixed(1)),
    conditions:
      `${scenario.connections} connections; limit: raw loop, ${scenario.rawGroupLines} lines a transaction; ` +
      `load took ${(median(loads.map((load) => load.coreShare)) * 100).toFixed(0)} % of a core`,
  };
}

async function measureServer(database: BenchDatabase, scenario: Scenario): Promise<LoadResult> {
  const server = await ServerProcess.start({
    url: `sqlite:${database.path}`,
    remove: () => Promise.resolve(),
  });
  const plan: LoadPlan = {
    url: server.url,
    tokens: database.tokens,
    connections: scenario.connections,
    linesPerRequest: scenario.linesPerRequest,
    requests: scenario.lines / scenario.linesPerRequest,
    skuCount: database.skuCount,
    ...(scenario.single === undefined ? {} : { single: scenario.single }),
  };
  try {
    return await runLoad(plan);
  } finally {
    await server.stop();
  }
}

const database = await benchDatabase(SKUS);
try {
  const rows: Row[] = [];
  for (const scenario of SCENARIOS) rows.push(await measure(database, scenario));
  if (options.json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
  else printTable(rows);
} finally {
  await removeDatabase(database.path);
}

function printTable(rows: readonly Row[]): void {
  const [cpu] = cpus();
  process.stdout.write(
    `${SKUS.toLocaleString('en')} SKUs, picked at random; synchronous=FULL; medians of ${ROUNDS} rounds; ` +
      `${cpus().length} cores (${cpu?.model ?? 'unknown'}), Node ${process.version}\n\n`,
  );
  const cells = [
    ['what', 'lines/s', 'raw', 'ratio', 'p50 ms', 'p99 ms', 'conditions'],
    ...rows.map((row) => [
      row.name,
      row.value.toLocaleString('en'),
      row.limit.toLocaleString('en'),
      `${row.ratio.toFixed(2)}x`,
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      row.conditions,
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of cells) {
    process.stdout.write(
      `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`,
    );
  }
}
