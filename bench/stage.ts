import { ServerProcess } from '../test/durability/server-process.ts';
import { benchDatabase, removeDatabase, type BenchDatabase } from './catalogue.ts';
import { runLoad, type LoadPlan, type LoadResult } from './load.ts';
import { showProgress } from './support.ts';
import { RawLoop } from './raw.ts';
import { median } from './support.ts';

/** A measured value and its limit. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The value to compare with, usually measured in the same run. */
  readonly limit: number;
  readonly ratio: number;
  /** The minimum of the ratio, or its maximum if lower is better. */
  readonly goal: number;
  readonly isMet: boolean;
  readonly conditions: string;
}

export type BenchRow = (rounds: number) => Promise<readonly Row[]>;

export const SKUS = 1_000_000;

/** Fills caches and the write-ahead log as on a long-running server. */
const WARM_UP_LINES = 400_000;

export function row(
  name: string,
  [value, unit]: readonly [number, string],
  limit: number,
  goal: { readonly atLeast: number } | { readonly atMost: number },
  conditions: string,
): Row {
  const ratio = value / limit;
  const isMet = 'atLeast' in goal ? ratio >= goal.atLeast : ratio <= goal.atMost;
  const bound = 'atLeast' in goal ? goal.atLeast : goal.atMost;
  return { name, value, unit, limit, ratio, goal: bound, isMet, conditions };
}

/** A server with its own database. */
export class Stage {
  readonly database: BenchDatabase;
  readonly server: ServerProcess;

  private constructor(database: BenchDatabase, server: ServerProcess) {
    this.database = database;
    this.server = server;
  }

  static async open(
    skuCount: number,
    supplierCount = 1,
    environment: Record<string, string> = {},
  ): Promise<Stage> {
    const database = await benchDatabase(skuCount, supplierCount);
    const url = `sqlite:${database.path}`;
    const server = await ServerProcess.start({ url, remove: () => Promise.resolve() }, environment);
    return new Stage(database, server);
  }

  async warmUp(): Promise<void> {
    showProgress('warming the server up');
    await this.load({ connections: 4, linesPerRequest: 10_000, lines: WARM_UP_LINES });
  }

  async load(
    plan: Omit<LoadPlan, 'url' | 'tokens' | 'skuCount' | 'requests'> &
      Partial<Pick<LoadPlan, 'tokens'>> & { readonly lines: number },
    url: string = this.server.url,
  ): Promise<LoadResult> {
    const { tokens, skuCount } = this.database;
    const requests = plan.lines / plan.linesPerRequest;
    const result = await runLoad({ tokens, ...plan, url, skuCount, requests });
    if (result.failed > 0) throw new Error(`${result.failed} requests failed`);
    return result;
  }

  async close(): Promise<void> {
    if (this.server.isRunning) await this.server.stop();
    await removeDatabase(this.database.path);
  }
}

export async function onStage<T>(
  open: Promise<Stage>,
  measure: (stage: Stage) => Promise<T>,
): Promise<T> {
  const stage = await open;
  try {
    return await measure(stage);
  } finally {
    await stage.close();
  }
}

export async function withRawLoop<T>(measure: (raw: RawLoop) => Promise<T>): Promise<T> {
  const database = await benchDatabase(SKUS);
  const raw = new RawLoop(database);
  try {
    showProgress('warming the raw loop up');
    raw.run('write', 10_000, WARM_UP_LINES);
    return await measure(raw);
  } finally {
    raw.close();
    await removeDatabase(database.path);
  }
}

export async function eachRound<T>(
  name: string,
  rounds: number,
  measure: () => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    showProgress(`${name}: round ${round} of ${rounds}`);
    results.push(await measure());
  }
  return results;
}

export const medianOf = <T>(results: readonly T[], of: (result: T) => number): number =>
  median(results.map(of));

export function conditionsOf(loads: readonly LoadResult[], what: string): string {
  const [p50, p99] = [medianOf(loads, (l) => l.p50Ms), medianOf(loads, (l) => l.p99Ms)];
  const core = medianOf(loads, (l) => l.coreShare) * 100;
  return `${what}; p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; load ${core.toFixed(0)} % of a core`;
}

/** The load of most measurements. */
export const LOADED = { connections: 10, linesPerRequest: 1000, lines: 300_000 };
