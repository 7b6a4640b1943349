import { runClient } from './client-load.ts';
import {
  eachRound,
  LOADED,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  type BenchRow,
  type Row,
} from './stage.ts';

/** The TypeScript client, compared with requests that are built in advance and have keys too. */
export const clientRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const rows: Row[] = [];
    for (const by of ['update', 'stream'] as const) {
      const name = `TypeScript client, ${by}`;
      const results = await eachRound(name, rounds, async () => {
        const { connections: calls, lines, linesPerRequest: chunkLines } = LOADED;
        const { url } = stage.server;
        const { tokens, skuCount } = stage.database;
        const plan = { url, tokens, skuCount, by, calls, lines: lines / calls, chunkLines };
        const client = await runClient(plan);
        if (client.failed > 0) throw new Error(`${client.failed} lines failed`);
        return { client, raw: await stage.load({ ...LOADED, option: 'key' }) };
      });
      const core = medianOf(results, ({ client }) => client.coreShare) * 100;
      rows.push(
        row(
          name,
          [medianOf(results, ({ client }) => client.linesPerSecond), 'lines/s'],
          medianOf(results, ({ raw }) => raw.linesPerSecond),
          { atLeast: 0.8 },
          `limit: plain HTTP with keys; both 1,000 lines, 10 connections; client ${core.toFixed(0)} % of a core`,
        ),
      );
    }
    return rows;
  });
