import { randomInt } from 'node:crypto';
import { benchSkuId, type BenchServer } from './server.ts';

/** How lines are sent. */
export interface LoadShape {
  /** 1 is a single update; 0 is an empty array, which measures the cost of a request without lines. */
  readonly linesPerRequest: number;
  /** Each connection sends one request at a time. */
  readonly connections: number;
}

export interface LoadFigures extends LoadShape {
  readonly requestsPerSecond: number;
  readonly linesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of this command, in percent of one core. Near 100 it limits the measurement. */
  readonly loadCorePercent: number;
}

interface LoadOptions {
  readonly seconds: number;
  /** Each line picks one of this many SKUs at random. */
  readonly skuCount: number;
  readonly isStopped: () => boolean;
}

const QUANTITY_BOUND = 1_000_000;

/** Sends requests for some seconds and measures them. Rejects if a request or a line fails. */
export async function runLoad(
  server: BenchServer,
  shape: LoadShape,
  { seconds, skuCount, isStopped }: LoadOptions,
): Promise<LoadFigures> {
  const { linesPerRequest, connections } = shape;
  const durationsMs: number[] = [];
  const send = (): Promise<void> => server.update(bodyOf(linesPerRequest, skuCount));
  const onEachConnection = (work: () => Promise<void>): Promise<unknown> =>
    Promise.all(Array.from({ length: connections }, work));
  // The first request of each connection opens it and is not counted.
  await onEachConnection(send);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await onEachConnection(async () => {
    do {
      const sentMs = performance.now();
      await send();
      durationsMs.push(performance.now() - sentMs);
    } while (performance.now() - startedMs < seconds * 1000 && !isStopped());
  });
  const elapsedSeconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const requestsPerSecond = durationsMs.length / elapsedSeconds;
  const sorted = durationsMs.toSorted((a, b) => a - b);
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
