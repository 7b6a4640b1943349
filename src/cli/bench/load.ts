import { randomInt } from 'node:crypto';
import type { BenchServer } from './server.ts';
import { benchSkuId } from './skus.ts';

/** One way to send lines. */
export interface LoadShape {
  /** 1 is a single update; 0 an empty array: all that a request costs before there is a line in it. */
  readonly linesPerRequest: number;
  /** Each sends one request after another. */
  readonly connections: number;
}

export interface LoadFigures extends LoadShape {
  readonly requestsPerSecond: number;
  readonly linesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How much of a core the load itself took, in percent: near 100 it is what was measured. */
  readonly loadCorePercent: number;
}

interface Loading {
  readonly seconds: number;
  /** The lines pick among so many SKUs at random. */
  readonly skuCount: number;
  readonly isStopped: () => boolean;
}

const QUANTITY_BOUND = 1_000_000;

/** Sends for some seconds and measures. Rejects where a request or a line is refused. */
export async function runLoad(
  server: BenchServer,
  shape: LoadShape,
  { seconds, skuCount, isStopped }: Loading,
): Promise<LoadFigures> {
  const { linesPerRequest, connections } = shape;
  const tookMs: number[] = [];
  const send = (): Promise<void> => server.update(bodyOf(linesPerRequest, skuCount));
  const each = (work: () => Promise<void>): Promise<unknown> =>
    Promise.all(Array.from({ length: connections }, work));
  // The first of each connection opens it, and is not counted.
  await each(send);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await each(async () => {
    do {
      const sentMs = performance.now();
      await send();
      tookMs.push(performance.now() - sentMs);
    } while (performance.now() - startedMs < seconds * 1000 && !isStopped());
  });
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const requestsPerSecond = tookMs.length / elapsedSeconds;
  const sorted = tookMs.toSorted((a, b) => a - b);
  const quantile = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    ...shape,
    requestsPerSecond,
    linesPerSecond: requestsPerSecond * linesPerRequest,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    loadCorePercent: (user + system) / 10_000 / elapsedSeconds,
  };
}

function bodyOf(lines: number, skuCount: number): string {
  const line = (): string =>
    `{"sku_id":"${benchSkuId(randomInt(skuCount))}","quantity_in_stock":${randomInt(QUANTITY_BOUND)}}`;
  return lines === 1 ? line() : `[${Array.from({ length: lines }, line).join(',')}]`;
}
