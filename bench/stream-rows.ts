import {
  eachRound,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  type BenchRow,
  type Row,
} from './stage.ts';
import { runStreams } from './stream-load.ts';

const LINES = 400_000;
const BULK = { connections: 4, linesPerRequest: 10_000, lines: LINES };
const STREAMS = [1, 4];

/** Streams, compared with the same lines in arrays. */
export const streamRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const rows: Row[] = [];
    for (const streams of STREAMS) {
      const name = `${streams} ${streams === 1 ? 'stream' : 'streams at once'}`;
      const results = await eachRound(name, rounds, async () => {
        const { url } = stage.server;
        const { tokens, skuCount } = stage.database;
        const plan = { url, tokens, skuCount, streams, lines: LINES / streams };
        const load = await runStreams(plan);
        if (load.failed > 0) throw new Error(`${load.failed} streams failed`);
        return { load, bulk: await stage.load(BULK) };
      });
      const core = medianOf(results, ({ load }) => load.coreShare) * 100;
      rows.push(
        row(
          name,
          [medianOf(results, ({ load }) => load.linesPerSecond), 'lines/s'],
          medianOf(results, ({ bulk }) => bulk.linesPerSecond),
          { atLeast: 0.6 },
          `limit: arrays of 10,000, 4 connections; load ${core.toFixed(0)} % of a core`,
        ),
      );
    }
    return rows;
  });
