import { setTimeout as delay } from 'node:timers/promises';
import { ServerProcess } from '../test/durability/server-process.ts';
import { benchDatabase, removeDatabase, type BenchDatabase } from './catalogue.ts';
import { startFloor } from './floor.ts';
import { BareFsync } from './fsync.ts';
import { runLoad, type LoadPlan, type LoadResult } from './load.ts';
import { showProgress } from './progress.ts';
import { RawLoop } from './raw.ts';
import { ReadProbe } from './reads.ts';
import { median } from './statistics.ts';

/** One figure beside its limit. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the figure is held against, measured in the same run. */
  readonly limit: number;
  readonly ratio: number;
  /** What the ratio should be: at least this, or at most, where less is better. */
  readonly goal: number;
  readonly isMet: boolean;
  readonly conditions: string;
}

export type BenchRow = (rounds: number) => Promise<readonly Row[]>;

const SKUS = 1_000_000;

/** What a long-running server has behind it: its memory filled, its log at its full length. */
const WARM_UP_LINES = 400_000;

function row(
  name: string,
  [value, unit]: readonly [number, string],
  limit: number,
  goal: { readonly atLeast: number } | { readonly atMost: number },
  conditions: string,
): Row {
  const ratio = value / limit;
  const isMet = 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
  const bound = 'atLeast' in goal ? goal.atLeast : goal.atMost;
  return { name, value, unit, limit, ratio, goal: bound, isMet, conditions };
}

/** A warm server on a database of its own. */
class Stage {
  readonly database: BenchDatabase;
  readonly server: ServerProcess;

  private constructor(database: BenchDatabase, server: ServerProcess) {
    this.database = database;
    this.server = server;
  }

  static async open(skuCount: number, supplierCount = 1): Promise<Stage> {
    const database = await benchDatabase(skuCount, supplierCount);
    const server = await ServerProcess.start({
      url: `sqlite:${database.path}`,
      remove: () => Promise.resolve(),
    });
    return new Stage(database, server);
  }

  async warmUp(): Promise<void> {
    showProgress('warming the server up');
    await this.load({ connections: 4, linesPerRequest: 10_000, lines: WARM_UP_LINES });
  }

  async load(
    plan: Omit<LoadPlan, 'url' | 'tokens' | 'skuCount' | 'requests'> & { readonly lines: number },
    url: string = this.server.url,
  ): Promise<LoadResult> {
    const { tokens, skuCount } = this.database;
    const requests = plan.lines / plan.linesPerRequest;
    const result = await runLoad({ ...plan, url, tokens, skuCount, requests });
    if (result.failed > 0) throw new Error(`${result.failed} requests failed`);
    return result;
  }

  async close(): Promise<void> {
    await this.server.stop();
    await removeDatabase(this.database.path);
  }
}

async function onStage<T>(open: Promise<Stage>, measure: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await open;
  try {
    return await measure(stage);
  } finally {
    await stage.close();
  }
}

async function withRawLoop<T>(measure: (raw: RawLoop) => Promise<T>): Promise<T> {
  const database = await benchDatabase(SKUS);
  const raw = new RawLoop(database);
  try {
    showProgress('warming the raw loop up');
    raw.run('write', 10_000, WARM_UP_LINES);
    return await measure(raw);
  } finally {
    raw.close();
    await removeDatabase(database.path);
  }
}

async function eachRound<T>(
  name: string,
  rounds: number,
  measure: () => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    showProgress(`${name}: round ${round} of ${rounds}`);
    results.push(await measure());
  }
  return results;
}

const medianOf = <T>(results: readonly T[], of: (result: T) => number): number =>
  median(results.map(of));

function conditionsOf(loads: readonly LoadResult[], what: string): string {
  const [p50, p99] = [medianOf(loads, (l) => l.p50Ms), medianOf(loads, (l) => l.p99Ms)];
  const core = medianOf(loads, (l) => l.coreShare) * 100;
  return `${what}; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; load ${core.toFixed(0)} % of a core`;
}

interface BulkScenario {
  readonly linesPerRequest: number;
  readonly connections: number;
  /** Of one round. */
  readonly lines: number;
  readonly rawGroupLines: number;
  readonly goal: number;
  readonly p99GoalMs?: number;
}

const BULK_SCENARIOS: readonly BulkScenario[] = [
  { linesPerRequest: 100, connections: 10, lines: 100_000, rawGroupLines: 100, goal: 2 },
  {
    linesPerRequest: 1000,
    connections: 10,
    lines: 300_000,
    rawGroupLines: 1000,
    goal: 2,
    p99GoalMs: 100,
  },
  { linesPerRequest: 10_000, connections: 4, lines: 400_000, rawGroupLines: 10_000, goal: 1.5 },
  { linesPerRequest: 100_000, connections: 1, lines: 200_000, rawGroupLines: 10_000, goal: 1 },
];

/** Lines in bulk, beside the raw loop. */
export const bulkRows: BenchRow = (rounds) =>
  withRawLoop((raw) =>
    onStage(Stage.open(SKUS), async (stage) => {
      await stage.warmUp();
      const rows: Row[] = [];
      for (const scenario of BULK_SCENARIOS) {
        const { linesPerRequest, connections, lines, rawGroupLines, goal, p99GoalMs } = scenario;
        const name = `${linesPerRequest.toLocaleString('en')} lines a request, ${connections} connections`;
        const results = await eachRound(name, rounds, async () => ({
          limit: raw.run('write', rawGroupLines, Math.min(lines, 100_000)),
          load: await stage.load({ connections, linesPerRequest, lines }),
        }));
        const loads = results.map(({ load }) => load);
        const limit = medianOf(results, (result) => result.limit);
        const value = medianOf(loads, (load) => load.linesPerSecond);
        rows.push(
          row(
            name,
            [value, 'lines/s'],
            limit,
            { atLeast: goal },
            conditionsOf(loads, `limit: raw, ${rawGroupLines} lines a transaction`),
          ),
        );
        if (p99GoalMs !== undefined) {
          const p99 = medianOf(loads, (load) => load.p99Ms);
          rows.push(row(`${name}: p99`, [p99, 'ms'], p99GoalMs, { atMost: 1 }, 'limit: the goal'));
        }
      }
      return rows;
    }),
  );

const SINGLE = { connections: 64, linesPerRequest: 1, lines: 30_000, single: true };

/** Single updates, beside one transaction each, the floor, and a bare fsync under the same load. */
export const singleRows: BenchRow = (rounds) =>
  withRawLoop((raw) =>
    onStage(Stage.open(SKUS), async (stage) => {
      await stage.warmUp();
      const idle = await benchDatabase(1000);
      const floor = await startFloor(`sqlite:${idle.path}`);
      const idleStage = { ...stage.database, tokens: idle.tokens };
      try {
        const results = await eachRound('single updates', rounds, async () => {
          const oneEach = raw.run('write', 1, 3000);
          const bare = await runLoad({
            ...SINGLE,
            ...idleStage,
            url: floor.url,
            requests: SINGLE.lines,
          });
          const fsync = new BareFsync(`${stage.database.path}-fsync`);
          const load = await stage.load(SINGLE);
          return { oneEach, bare, load, fsyncMs: await fsync.stop() };
        });
        const loads = results.map(({ load }) => load);
        const value: [number, string] = [medianOf(loads, (l) => l.linesPerSecond), 'lines/s'];
        const p99: [number, string] = [medianOf(loads, (l) => l.p99Ms), 'ms'];
        const fsyncMs = medianOf(results, (result) => result.fsyncMs);
        const name = 'single updates, 64 connections';
        return [
          row(
            name,
            value,
            medianOf(results, ({ oneEach }) => oneEach),
            { atLeast: 5 },
            conditionsOf(loads, 'limit: raw, one transaction each'),
          ),
          row(
            `${name}: of the floor`,
            value,
            medianOf(results, ({ bare }) => bare.linesPerSecond),
            { atLeast: 0.6 },
            'limit: the same server with no store behind it',
          ),
          row(
            `${name}: p99`,
            p99,
            fsyncMs + 20,
            { atMost: 1 },
            `limit: 20 ms above a bare fsync's p99 under the same load (${fsyncMs.toFixed(1)} ms)`,
          ),
        ];
      } finally {
        await floor.stop();
        await removeDatabase(idle.path);
      }
    }),
  );

/** The whole catalogue sent again with little that is new, beside a raw loop that only looks SKUs up. */
export const unchangedRows: BenchRow = (rounds) =>
  withRawLoop((raw) =>
    onStage(Stage.open(SKUS), async (stage) => {
      const plan = {
        connections: 4,
        linesPerRequest: 10_000,
        lines: 500_000,
        unchangedShare: 0.99,
      };
      const name = 'catalogue sent again, 1 % changed';
      await stage.load(plan);
      const results = await eachRound(name, rounds, async () => ({
        limit: raw.run('look-up', 10_000, 300_000),
        load: await stage.load(plan),
      }));
      const loads = results.map(({ load }) => load);
      return [
        row(
          name,
          [medianOf(loads, (load) => load.linesPerSecond), 'lines/s'],
          medianOf(results, (result) => result.limit),
          { atLeast: 0.8 },
          conditionsOf(loads, 'limit: raw loop that only looks up'),
        ),
      ];
    }),
  );

const LOADED = { connections: 10, linesPerRequest: 1000, lines: 300_000 };

/** Ten suppliers at once beside one. */
export const supplierRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), (one) =>
    onStage(Stage.open(SKUS, 10), async (ten) => {
      await one.warmUp();
      await ten.warmUp();
      const name = 'ten suppliers at once';
      const results = await eachRound(name, rounds, async () => ({
        limit: (await one.load(LOADED)).linesPerSecond,
        load: await ten.load(LOADED),
      }));
      const loads = results.map(({ load }) => load);
      return [
        row(
          name,
          [medianOf(loads, (load) => load.linesPerSecond), 'lines/s'],
          medianOf(results, (result) => result.limit),
          { atLeast: 0.9 },
          conditionsOf(loads, 'limit: one supplier alone, as many SKUs'),
        ),
      ];
    }),
  );

const READ_P99_GOAL_MS = 50;
const GIANT_WAIT_GOAL_MS = 500;

/** What others notice of a loaded server: reads, and single updates while a giant is applied. */
export const neighbourRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const [token = ''] = stage.database.tokens;
    const name = 'beside others';
    const results = await eachRound(name, rounds, async () => {
      const page = new ReadProbe(stage.server.url, '/timp/products/skus/?limit=100', token);
      const one = await ReadProbe.ofOneSku(stage.server.url, token);
      await stage.load(LOADED);
      const [pageMs, oneMs] = [await page.stop(), await one.stop()];
      const update = ReadProbe.ofUpdates(stage.server.url, token);
      await stage.load({ connections: 1, linesPerRequest: 100_000, lines: 200_000 });
      return { pageMs: pageMs.p99, oneMs: oneMs.p99, waitMs: (await update.stop()).max };
    });
    const load = 'under 1,000 lines a request, 10 connections; limit: the goal';
    return [
      row(
        'a page of 100 SKUs, p99',
        [medianOf(results, ({ pageMs }) => pageMs), 'ms'],
        READ_P99_GOAL_MS,
        { atMost: 1 },
        load,
      ),
      row(
        'one SKU, p99',
        [medianOf(results, ({ oneMs }) => oneMs), 'ms'],
        READ_P99_GOAL_MS,
        { atMost: 1 },
        load,
      ),
      row(
        'single updates beside 100,000 lines, longest wait',
        [medianOf(results, ({ waitMs }) => waitMs), 'ms'],
        GIANT_WAIT_GOAL_MS,
        { atMost: 1 },
        'limit: the goal',
      ),
    ];
  });

const SMALL_CATALOGUE = 10_000;
const CACHE_MIB = 256;
const MEMORY_BESIDE_CACHE_MIB = 200;

/** A large catalogue beside a small one, and the memory that it takes. */
export function sizeRows(skuCount: number): BenchRow {
  return (rounds) =>
    onStage(Stage.open(SMALL_CATALOGUE), (small) =>
      onStage(Stage.open(skuCount), async (large) => {
        await small.warmUp();
        await large.warmUp();
        await delay(1000);
        const name = `${skuCount.toLocaleString('en')} SKUs beside ${SMALL_CATALOGUE.toLocaleString('en')}`;
        const results = await eachRound(name, rounds, async () => ({
          limit: (await small.load(LOADED)).linesPerSecond,
          load: await large.load(LOADED),
        }));
        const loads = results.map(({ load }) => load);
        return [
          row(
            name,
            [medianOf(loads, (load) => load.linesPerSecond), 'lines/s'],
            medianOf(results, (result) => result.limit),
            { atLeast: 0.5 },
            conditionsOf(loads, 'limit: the small catalogue'),
          ),
          row(
            `${name}: memory`,
            [large.server.residentMib(), 'MiB'],
            CACHE_MIB + MEMORY_BESIDE_CACHE_MIB,
            { atMost: 1 },
            'the most that was resident; limit: cacheBytesMax + 200 MiB',
          ),
        ];
      }),
    );
}
