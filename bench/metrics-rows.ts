import { eachRound, row, Stage, type BenchRow, type Row } from './stage.ts';
import { median } from './support.ts';

const METRICS_TOKEN = 'the-token-of-the-bench';
const SKU_COUNT = 100_000;
/** The processor time per line may grow by this much. */
const RATIO_MAX = 1.02;

const PLANS = [
  { connections: 10, linesPerRequest: 1000, lines: 400_000 },
  { connections: 64, linesPerRequest: 1, lines: 40_000 },
];

/** What metrics cost: processor time per line with them and without, in alternating rounds on two servers. */
export const metricsRows: BenchRow = async (rounds) => {
  const plain = await Stage.open(SKU_COUNT);
  try {
    const measured = await Stage.open(SKU_COUNT, 1, { ONHAND_METRICS_TOKEN: METRICS_TOKEN });
    try {
      await plain.warmUp();
      await measured.warmUp();
      const rows: Row[] = [];
      for (const plan of PLANS) rows.push(await compare({ plain, measured, plan, rounds }));
      return rows;
    } finally {
      await measured.close();
    }
  } finally {
    await plain.close();
  }
};

interface Comparison {
  readonly plain: Stage;
  readonly measured: Stage;
  readonly plan: (typeof PLANS)[number];
  readonly rounds: number;
}

async function compare({ plain, measured, plan, rounds }: Comparison): Promise<Row> {
  const name = `metrics, ${plan.linesPerRequest.toLocaleString('en')} lines per request`;
  const results = await eachRound(name, rounds, async () => ({
    without: await microsPerLine(plain, plan),
    with: await microsPerLine(measured, plan, () => scrape(measured)),
  }));
  const ratios = results.map((result) => result.with / result.without);
  const [without, ratio] = [median(results.map((result) => result.without)), median(ratios)];
  return row(
    name,
    [without * ratio, 'µs CPU/line'],
    without,
    { atMost: RATIO_MAX },
    `limit: the same without metrics; ratios ${ratios.map((one) => one.toFixed(3)).join(', ')}; a scrape at the end of each round`,
  );
}

/** The processor time of the server for each line, in microseconds. */
async function microsPerLine(
  stage: Stage,
  plan: Comparison['plan'],
  atTheEnd: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const before = stage.server.cpuMs();
  await stage.load(plan);
  await atTheEnd();
  return ((stage.server.cpuMs() - before) * 1000) / plan.lines;
}

async function scrape({ server }: Stage): Promise<void> {
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
  const response = await fetch(`${server.url}/metrics`, { headers });
  if (!response.ok) throw new Error(`the scrape was answered ${response.status}`);
  await response.text();
}
