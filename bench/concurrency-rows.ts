import { skuIdOf } from './catalogue.ts';
import { runOverload, type OverloadResult } from './overload.ts';
import {
  conditionsOf,
  eachRound,
  LOADED,
  medianOf,
  onStage,
  row,
  SKUS,
  Stage,
  type BenchRow,
} from './stage.ts';
import { quantile } from './support.ts';

/** Ten suppliers at the same time, compared with one. */
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
const GIANT_WAIT_GOAL_MS = 250;

/**
 * Latencies on a loaded server: reads, and single updates during a very large request, of the supplier that sends it and
 * of another.
 */
export const neighbourRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), (stage) =>
    onStage(Stage.open(SKUS, 2), async (two) => {
      await stage.warmUp();
      await two.warmUp();
      const [token = ''] = stage.database.tokens;
      const [sender = '', neighbour = ''] = two.database.tokens;
      const giant = { connections: 1, linesPerRequest: 100_000, lines: 200_000 };
      const results = await eachRound('beside others', rounds, async () => {
        const page = new LatencyProbe(stage.server.url, '/timp/products/skus/?limit=100', token);
        const one = await LatencyProbe.ofOneSku(stage.server.url, token);
        await stage.load(LOADED);
        const [pageMs, oneMs] = [await page.stop(), await one.stop()];
        const own = LatencyProbe.ofUpdates(stage.server.url, token);
        await stage.load(giant);
        const ownMs = await own.stop();
        const other = LatencyProbe.ofUpdates(two.server.url, neighbour);
        await two.load({ ...giant, tokens: [sender] });
        const otherMs = await other.stop();
        return { page: pageMs.p99, one: oneMs.p99, own: ownMs.max, other: otherMs.max };
      });
      const load = 'under 1,000 lines a request, 10 connections; limit: the goal';
      const rowOf = (
        what: string,
        name: keyof (typeof results)[number],
        goalMs: number,
        conditions: string,
      ) =>
        row(
          what,
          [medianOf(results, (result) => result[name]), 'ms'],
          goalMs,
          { atMost: 1 },
          conditions,
        );
      return [
        rowOf('a page of 100 SKUs, p99', 'page', READ_P99_GOAL_MS, load),
        rowOf('one SKU, p99', 'one', READ_P99_GOAL_MS, load),
        rowOf(
          'single updates beside 100,000 lines, longest wait',
          'own',
          GIANT_WAIT_GOAL_MS,
          'of the same supplier, whose batches keep their order; limit: the goal',
        ),
        rowOf(
          'the same of another supplier',
          'other',
          GIANT_WAIT_GOAL_MS,
          'of 500,000 SKUs each; limit: the goal',
        ),
      ];
    }),
  );

const OVERLOAD_FACTOR = 10;
/** More than can wait. A connection that is refused sends another request. */
const OVERLOAD_CONNECTIONS = 1500;
const OVERLOADED = { linesPerRequest: 1000, settleMs: 5000, measureMs: 10_000 };
/** Lines that one connection sends to ensure that the queues are empty. */
const DRAINED_LINES = 30_000;

/** Requests at ten times the rate that the server can handle. */
export const overloadRows: BenchRow = (rounds) =>
  onStage(Stage.open(SKUS), async (stage) => {
    await stage.warmUp();
    const name = `${OVERLOAD_FACTOR} times as many requests as it can do`;
    const results = await eachRound(name, rounds, async () => {
      const capacity = await stage.load(LOADED);
      const { tokens, skuCount } = stage.database;
      const over = await runOverload({
        ...OVERLOADED,
        url: stage.server.url,
        tokens,
        skuCount,
        connections: OVERLOAD_CONNECTIONS,
        requestsPerSecond: (OVERLOAD_FACTOR * capacity.linesPerSecond) / OVERLOADED.linesPerRequest,
      });
      if (over.failed > 0) throw new Error(`${over.failed} replies were neither 200 nor 503`);
      await stage.load({ connections: 1, linesPerRequest: 1000, lines: DRAINED_LINES });
      return { capacity: capacity.linesPerSecond, over };
    });
    const of = (measure: (over: OverloadResult) => number): string =>
      medianOf(results, ({ over }) => measure(over)).toFixed(1);
    return [
      row(
        `${name}: lines done`,
        [medianOf(results, ({ over }) => over.linesPerSecond), 'lines/s'],
        medianOf(results, ({ capacity }) => capacity),
        { atLeast: 0.85 },
        `limit: 10 connections that wait for their answers; ${of((o) => o.refusedPerSecond)} requests/s refused, ` +
          `p50 ${of((o) => o.refusedP50Ms)} ms, p99 ${of((o) => o.refusedP99Ms)} ms; ` +
          `those accepted p50 ${of((o) => o.acceptedP50Ms)} ms, p99 ${of((o) => o.acceptedP99Ms)} ms; ` +
          `${stage.server.residentMib().toFixed(0)} MiB resident at most`,
      ),
    ];
  });

interface Latencies {
  readonly p99: number;
  readonly max: number;
}

const SKUS_UPDATED = 1000;

/** Repeats a request until it is stopped, one at a time, and measures the latencies in ms. */
class LatencyProbe {
  readonly #url: string;
  readonly #init: () => RequestInit;
  readonly #tookMs: number[] = [];
  readonly #done: Promise<void>;
  #isStopped = false;

  constructor(server: string, path: string, token: string, init: () => RequestInit = () => ({})) {
    this.#url = server + path;
    this.#init = () => ({
      ...init(),
      headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
    });
    this.#done = this.#run();
  }

  static async ofOneSku(server: string, token: string): Promise<LatencyProbe> {
    const reply = await fetch(`${server}/timp/products/skus/?limit=1`, {
      headers: { authorization: `Token ${token}` },
    });
    const uuid = /"uuid":"([0-9a-f-]+)"/.exec(await reply.text())?.[1] ?? '';
    return new LatencyProbe(server, `/timp/products/skus/${uuid}/`, token);
  }

  static ofUpdates(server: string, token: string): LatencyProbe {
    let count = 0;
    return new LatencyProbe(server, '/timp/products/skus/inventory/', token, () => {
      count += 1;
      const line = { sku_id: skuIdOf(count % SKUS_UPDATED), quantity_in_stock: count };
      return { method: 'POST', body: JSON.stringify(line) };
    });
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const startedMs = performance.now();
      const reply = await fetch(this.#url, this.#init());
      await reply.arrayBuffer();
      if (reply.status !== 200) throw new Error(`${this.#url} returned ${reply.status}`);
      this.#tookMs.push(performance.now() - startedMs);
    }
  }

  async stop(): Promise<Latencies> {
    this.#isStopped = true;
    await this.#done;
    return { p99: quantile(this.#tookMs, 0.99), max: quantile(this.#tookMs, 1) };
  }
}
