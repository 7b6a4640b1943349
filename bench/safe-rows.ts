import type { RequestOption } from './load.ts';
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

/** The minimum share of the plain rate that each option must reach. */
const GOALS: Readonly<Record<RequestOption, number>> = {
  'errors-only': 0.9,
  key: 0.8,
  'as-of': 0.6,
  effects: 0.4,
  'dry-run': 0.4,
};
const OPTIONS = ['errors-only', 'key', 'as-of', 'effects', 'dry-run'] as const;

/** Safe writes compared with plain ones of the same run. */
export const safeRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const plan = { connections: 4, linesPerRequest: 1000, lines: 200_000 };
    const rows = [];
    for (const option of OPTIONS) {
      const name = `1,000 lines, ${option}`;
      const results = await eachRound(name, rounds, async () => ({
        plain: await stage.load(plan),
        withOption: await stage.load({ ...plan, option }),
      }));
      const withOption = results.map((result) => result.withOption);
      rows.push(
        row(
          name,
          [medianOf(withOption, (load) => load.linesPerSecond), 'lines/s'],
          medianOf(results, (result) => result.plain.linesPerSecond),
          { atLeast: GOALS[option] },
          conditionsOf(withOption, 'limit: the same without it'),
        ),
      );
    }
    return rows;
  });
