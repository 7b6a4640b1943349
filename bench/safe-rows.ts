import type { Asking } from './load.ts';
import {
  conditionsOf,
  eachRound,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  type BenchRow,
} from './stage.ts';

/** What each kind of safe write may cost: its share of the plain rate, at least. */
const GOALS: Readonly<Record<Asking, number>> = {
  'errors-only': 0.9,
  key: 0.8,
  'as-of': 0.6,
  effects: 0.4,
  'dry-run': 0.4,
};
const ASKINGS = ['errors-only', 'key', 'as-of', 'effects', 'dry-run'] as const;

/** Safe writes beside the plain ones of the same run: 1,000 lines a request. */
export const safeRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const plan = { connections: 4, linesPerRequest: 1000, lines: 200_000 };
    const rows = [];
    for (const asking of ASKINGS) {
      const name = `1,000 lines, ${asking}`;
      const results = await eachRound(name, rounds, async () => ({
        plain: await stage.load(plan),
        asked: await stage.load({ ...plan, asking }),
      }));
      const asked = results.map((result) => result.asked);
      rows.push(
        row(
          name,
          [medianOf(asked, (load) => load.linesPerSecond), 'lines/s'],
          medianOf(results, (result) => result.plain.linesPerSecond),
          { atLeast: GOALS[asking] },
          conditionsOf(asked, 'limit: the same without it'),
        ),
      );
    }
    return rows;
  });
