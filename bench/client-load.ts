/**
 * The load of the TypeScript client: updates at once, each of lines made in advance. The client cuts and prints them
 * and parses the results. Runs in a child process (`runClient`).
 */
import { randomInt } from 'node:crypto';
import { Onhand } from '../client/src/index.ts';
import { skuIdOf } from './catalogue.ts';
import { executePlans, runInChild } from './support.ts';

export interface ClientPlan {
  readonly url: string;
  /** Update *i* uses token *i*, modulo the number of tokens. */
  readonly tokens: readonly string[];
  readonly by: 'update' | 'stream';
  /** Each has one connection. */
  readonly calls: number;
  /** Per call. */
  readonly lines: number;
  readonly chunkLines: number;
  readonly skuCount: number;
}

export interface ClientResult {
  readonly linesPerSecond: number;
  /** Lines that were not applied or not answered. */
  readonly failed: number;
  /** The CPU share of the load itself: 1 is one core. */
  readonly coreShare: number;
}

export function runClient(plan: ClientPlan): Promise<ClientResult> {
  return runInChild<ClientResult>(import.meta.url, plan);
}

const QUANTITY_BOUND = 1_000_000;

async function execute(plan: ClientPlan): Promise<ClientResult> {
  const { url, tokens, by, calls, lines, chunkLines, skuCount } = plan;
  const given = Array.from({ length: calls }, () => linesOf(lines, skuCount));
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const applied = await Promise.all(
    given.map(async (callLines, i) => {
      const { inventory } = new Onhand({ url, token: tokens[i % tokens.length] ?? '' });
      let count = 0;
      const outcomes = inventory[by](callLines, { chunkLines });
      for await (const { isApplied } of outcomes) if (isApplied) count += 1;
      return count;
    }),
  );
  const tookMs = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    linesPerSecond: (calls * lines * 1000) / tookMs,
    failed: calls * lines - applied.reduce((sum, count) => sum + count, 0),
    coreShare: (cpu.user + cpu.system) / 1000 / tookMs,
  };
}

/** Made before the measurement starts. */
function linesOf(count: number, skuCount: number) {
  return Array.from({ length: count }, () => ({
    sku_id: skuIdOf(randomInt(skuCount)),
    quantity_in_stock: randomInt(QUANTITY_BOUND),
  }));
}

executePlans(import.meta.url, execute);
