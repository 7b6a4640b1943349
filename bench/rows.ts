import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { benchDatabase, removeDatabase } from './catalogue.ts';
import { startFloor } from './floor.ts';
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
import { quantile } from './support.ts';

interface BulkScenario {
  readonly linesPerRequest: number;
  readonly connections: number;
  /** Per round. */
  readonly lines: number;
  readonly rawGroupLines: number;
  readonly goal: number;
  /** Whether the row has one for its 99th percentile. */
  readonly hasP99?: boolean;
}

const BULK_SCENARIOS: readonly BulkScenario[] = [
  { linesPerRequest: 100, connections: 10, lines: 100_000, rawGroupLines: 100, goal: 4 },
  {
    linesPerRequest: 1000,
    connections: 10,
    lines: 300_000,
    rawGroupLines: 1000,
    goal: 6,
    hasP99: true,
  },
  { linesPerRequest: 10_000, connections: 4, lines: 400_000, rawGroupLines: 10_000, goal: 6 },
  { linesPerRequest: 100_000, connections: 1, lines: 200_000, rawGroupLines: 10_000, goal: 6 },
];

/** Bulk requests, compared with the raw loop. */
export const bulkRows: BenchRow = (rounds) =>
  withRawLoop((raw) =>
    onStage(Stage.open(SKUS), async (stage) => {
      await stage.warmUp();
      const rows: Row[] = [];
      for (const scenario of BULK_SCENARIOS) {
        const { linesPerRequest, connections, lines, rawGroupLines, goal, hasP99 } = scenario;
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
        if (hasP99 === true) {
          const p99 = medianOf(loads, (load) => load.p99Ms);
          const meanMs = (connections * linesPerRequest * 1000) / value;
          rows.push(
            row(
              `${name}: p99`,
              [p99, 'ms'],
              meanMs,
              { atMost: 1.5 },
              'limit: the mean, which is the lines in flight divided by the rate (Little)',
            ),
          );
        }
      }
      return rows;
    }),
  );

const SINGLE = { connections: 64, linesPerRequest: 1, lines: 30_000, single: true };

/** Single updates, compared with one raw transaction each, the floor, and a bare fsync under the same load. */
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
            { atLeast: 4.5 },
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

/** Re-sends a catalogue with few changes, compared with a raw loop that only looks up SKUs. */
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
          { atLeast: 0.9 },
          conditionsOf(loads, 'limit: raw loop that only looks up'),
        ),
      ];
    }),
  );

const PAGE = Buffer.alloc(4096, 1);
const PAUSE_MS = 4;

/** Measures fsync of one page while something else runs. `stop` returns the 99th percentile in ms. */
class BareFsync {
  readonly #path: string;
  readonly #tookMs: number[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(path: string) {
    this.#path = path;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    const file = openSync(this.#path, 'w');
    while (!this.#isStopped) {
      const startedMs = performance.now();
      writeSync(file, PAGE);
      fdatasyncSync(file);
      this.#tookMs.push(performance.now() - startedMs);
      await delay(PAUSE_MS);
    }
    closeSync(file);
    rmSync(this.#path, { force: true });
  }

  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#done;
    return quantile(this.#tookMs, 0.99);
  }
}
