import { setTimeout as delay } from 'node:timers/promises';
import { ServerProcess } from '../test/durability/server-process.ts';
import {
  conditionsOf,
  eachRound,
  LOADED,
  medianOf,
  onStage,
  row,
  Stage,
  type BenchRow,
  type Row,
} from './stage.ts';
import { showProgress } from './support.ts';

const SMALL_CATALOGUE = 10_000;
const MEMORY_GOAL_MIB = 400;
const MINUTE_MS = 60_000;
const MINUTES = 10;

interface SizeGoals {
  readonly skuCount: number;
  /** The rate compared with a catalogue of 10,000 SKUs. */
  readonly atLeast: number;
  /** Opening after a kill, in milliseconds. */
  readonly openingMs: number;
}

/** A large catalogue compared with a small one, its memory use, and opening it after a kill under load. */
export function sizeRows({ skuCount, atLeast, openingMs }: SizeGoals): BenchRow {
  return (rounds) =>
    onStage(Stage.open(SMALL_CATALOGUE), (small) =>
      onStage(Stage.open(skuCount), async (large) => {
        await small.warmUp();
        await large.warmUp();
        await delay(1000);
        const name = `${nameOf(skuCount)} beside ${SMALL_CATALOGUE.toLocaleString('en')}`;
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
            { atLeast },
            conditionsOf(loads, 'limit: the small catalogue'),
          ),
          memoryRow(name, large),
          row(
            `${nameOf(skuCount)}: opening after kill -9`,
            [await openingAfterKillMs(large), 'ms'],
            openingMs,
            { atMost: 1 },
            'until it listens; limit: the goal',
          ),
        ];
      }),
    );
}

/** Ten minutes of load: the last minute compared with the first. */
export function sustainedRows(skuCount: number): BenchRow {
  return () =>
    onStage(Stage.open(skuCount), async (stage) => {
      await stage.warmUp();
      const rates: number[] = [];
      for (let minute = 1; minute <= MINUTES; minute += 1) {
        showProgress(`${nameOf(skuCount)}: minute ${minute} of ${MINUTES}`);
        rates.push(await rateOfMinute(stage));
      }
      const name = `${nameOf(skuCount)}: minute ${MINUTES} of load`;
      const [first = Number.NaN] = rates;
      return [
        row(
          name,
          [rates.at(-1) ?? Number.NaN, 'lines/s'],
          first,
          { atLeast: 0.9 },
          `limit: the first minute; slowest ${Math.round(Math.min(...rates)).toLocaleString('en')} lines/s`,
        ),
        memoryRow(name, stage),
      ];
    });
}

function nameOf(skuCount: number): string {
  return `${skuCount.toLocaleString('en')} SKUs`;
}

function memoryRow(name: string, stage: Stage): Row {
  return row(
    `${name}: memory`,
    [stage.server.residentMib(), 'MiB'],
    MEMORY_GOAL_MIB,
    { atMost: 1 },
    'the most that was resident; limit: the goal',
  );
}

/** The median rate of the loads of a minute: the time to prepare a load does not count. */
async function rateOfMinute(stage: Stage): Promise<number> {
  const loads = [];
  const endMs = performance.now() + MINUTE_MS;
  while (performance.now() < endMs) loads.push(await stage.load(LOADED));
  return medianOf(loads, (load) => load.linesPerSecond);
}

/** Kills the server right after load, before it can sweep what the table lacks, and opens its database again. */
async function openingAfterKillMs(stage: Stage): Promise<number> {
  const { path } = stage.database;
  await stage.load(LOADED);
  await stage.server.kill();
  const startedMs = performance.now();
  const database = { url: `sqlite:${path}`, remove: () => Promise.resolve() };
  const again = await ServerProcess.start(database);
  const tookMs = performance.now() - startedMs;
  await again.stop();
  return tookMs;
}
