import { type ClientResult, type ClientWay, runClient } from './client-load.ts';
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

/**
 * The TypeScript client, compared with requests that are built in advance, and with a loop around `fetch` that prints
 * lines and parses results as the client does; all with keys.
 */
export const clientRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const measured = await eachRound('clients', rounds, async () => ({
      raw: await stage.load({ ...LOADED, option: 'key' }),
      fetch: await load(stage, 'fetch'),
      update: await load(stage, 'update'),
      stream: await load(stage, 'stream'),
    }));
    const rateOf = (of: keyof (typeof measured)[0]): number =>
      medianOf(measured, (round) => round[of].linesPerSecond);
    const compared = (
      way: ClientWay,
      limit: 'raw' | 'fetch',
      atLeast: number,
      limitName: string,
    ): Row => {
      const core = (of: typeof way | typeof limit): string =>
        (medianOf(measured, (round) => round[of].coreShare) * 100).toFixed(0);
      return row(
        way === 'fetch' ? 'fetch without the client' : `TypeScript client, ${way}`,
        [rateOf(way), 'lines/s'],
        rateOf(limit),
        { atLeast },
        `limit: ${limitName}; both 1,000 lines, 10 connections; ${core(way)} and ${core(limit)} % of a core`,
      );
    };
    const ofRaw = 'plain HTTP with keys, built in advance';
    return [
      compared('update', 'raw', 0.8, ofRaw),
      compared('stream', 'raw', 0.8, ofRaw),
      compared('fetch', 'raw', 0.8, ofRaw),
      compared('update', 'fetch', 0.95, 'fetch that prints lines and parses results'),
    ];
  });

async function load(stage: Stage, by: ClientWay): Promise<ClientResult> {
  const { connections: calls, lines, linesPerRequest: chunkLines } = LOADED;
  const { url } = stage.server;
  const { tokens, skuCount } = stage.database;
  const plan = { url, tokens, skuCount, by, calls, lines: lines / calls, chunkLines };
  const result = await runClient(plan);
  if (result.failed > 0) throw new Error(`${result.failed} lines failed`);
  return result;
}
