/**
 * The load of the TypeScript client: updates at once, each of lines made in advance. The client cuts and prints them
 * and reads the results. Runs in a child process (`runClient`), which sends as many lines before the measurement: a new
 * process spends its first second on loading `fetch` and on compiling.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { Onhand } from '../client/src/index.ts';
import { skuIdOf } from './catalogue.ts';
import { executePlans, runInChild } from './support.ts';

export interface ClientPlan {
  readonly url: string;
  /** Update *i* uses token *i*, modulo the number of tokens. */
  readonly tokens: readonly string[];
  readonly by: ClientWay;
  /** Each has one connection. */
  readonly calls: number;
  /** Per call. */
  readonly lines: number;
  readonly chunkLines: number;
  readonly skuCount: number;
}

/** `fetch` is no client: the least that a program needs, which is to print lines and to look at each result. */
export type ClientWay = 'update' | 'stream' | 'fetch';

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

const BULK_PATH = '/timp/products/skus/inventory/bulk/';
const QUANTITY_BOUND = 1_000_000;

async function execute(plan: ClientPlan): Promise<ClientResult> {
  const { calls, lines, skuCount } = plan;
  const send = (given: readonly (readonly BenchLine[])[]): Promise<readonly number[]> =>
    Promise.all(given.map((callLines, i) => appliedOf(plan, i, callLines)));
  const made = () => Array.from({ length: calls }, () => linesOf(lines, skuCount));
  await send(made());
  const given = made();
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const applied = await send(given);
  const tookMs = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    linesPerSecond: (calls * lines * 1000) / tookMs,
    failed: calls * lines - applied.reduce((sum, count) => sum + count, 0),
    coreShare: (cpu.user + cpu.system) / 1000 / tookMs,
  };
}

/** How many of the lines of a call are applied. */
async function appliedOf(
  { url, tokens, by, chunkLines }: ClientPlan,
  call: number,
  lines: readonly BenchLine[],
): Promise<number> {
  const token = tokens[call % tokens.length] ?? '';
  let count = 0;
  if (by === 'fetch') {
    for (let start = 0; start < lines.length; start += chunkLines) {
      count += await appliedByFetch(url, token, lines.slice(start, start + chunkLines));
    }
    return count;
  }
  const { inventory } = new Onhand({ url, token });
  for await (const { isApplied } of inventory[by](lines, { chunkLines })) if (isApplied) count += 1;
  return count;
}

async function appliedByFetch(
  url: string,
  token: string,
  lines: readonly BenchLine[],
): Promise<number> {
  const response = await fetch(url + BULK_PATH, {
    method: 'POST',
    headers: {
      authorization: `Token ${token}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify(lines),
  });
  const results: unknown = JSON.parse(await response.text());
  return Array.isArray(results) ? results.filter(isApplied).length : 0;
}

function isApplied(result: unknown): boolean {
  return (
    typeof result === 'object' &&
    result !== null &&
    'status_code' in result &&
    result.status_code === 200
  );
}

interface BenchLine {
  readonly sku_id: string;
  readonly quantity_in_stock: number;
}

/** Made before the measurement starts. */
function linesOf(count: number, skuCount: number): readonly BenchLine[] {
  return Array.from({ length: count }, () => ({
    sku_id: skuIdOf(randomInt(skuCount)),
    quantity_in_stock: randomInt(QUANTITY_BOUND),
  }));
}

executePlans(import.meta.url, execute);
