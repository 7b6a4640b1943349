import { benchDatabase, removeDatabase } from './catalogue.ts';
import { startFloor } from './floor.ts';
import { BareFsync } from './fsync.ts';
import { runLoad } from './load.ts';
import {
  conditionsOf,
  eachRound,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  withRawLoop,
  type BenchRow,
  type Row,
} from './stage.ts';

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
