/**
 * The load of streams: connections that each send one stream of random lines as fast as the server reads
 * it, and read the results at the same time. Runs in a child process (`runStreams`).
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { skuIdOf } from './catalogue.ts';
import { executePlans, runInChild } from './support.ts';

export interface StreamPlan {
  readonly url: string;
  /** Stream *i* uses token *i*, modulo the number of tokens. */
  readonly tokens: readonly string[];
  readonly streams: number;
  /** Per stream. */
  readonly lines: number;
  readonly skuCount: number;
}

export interface StreamResult {
  readonly linesPerSecond: number;
  /** Streams whose reply does not have a success for every line. */
  readonly failed: number;
  /** The CPU share of the load itself: 1 is one core. */
  readonly coreShare: number;
}

export function runStreams(plan: StreamPlan): Promise<StreamResult> {
  return runInChild<StreamResult>(import.meta.url, plan);
}

const SUCCESS_ROW = '{"status_code":200,"message":"success"}\n';
const QUANTITY_BOUND = 1_000_000;
const CHUNK_LINES = 1000;

async function execute({
  url,
  tokens,
  streams,
  lines,
  skuCount,
}: StreamPlan): Promise<StreamResult> {
  const bodies = Array.from({ length: streams }, () => chunksOf(lines, skuCount));
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  const received = await Promise.all(
    bodies.map((chunks, i) => stream(url, tokens[i % tokens.length] ?? '', chunks)),
  );
  const tookMs = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    linesPerSecond: (streams * lines * 1000) / tookMs,
    failed: received.filter((bytes) => bytes !== lines * SUCCESS_ROW.length).length,
    coreShare: (cpu.user + cpu.system) / 1000 / tookMs,
  };
}

/** Built before the measurement starts. */
function chunksOf(lines: number, skuCount: number): readonly Buffer[] {
  const line = () =>
    `{"sku_id":"${skuIdOf(randomInt(skuCount))}","quantity_in_stock":${randomInt(QUANTITY_BOUND)}}\n`;
  return Array.from({ length: Math.ceil(lines / CHUNK_LINES) }, (_, i) =>
    Buffer.from(
      Array.from({ length: Math.min(CHUNK_LINES, lines - i * CHUNK_LINES) }, line).join(''),
    ),
  );
}

/** Sends one stream. Returns how many bytes of results it received. */
async function stream(url: string, token: string, chunks: readonly Buffer[]): Promise<number> {
  const sent = request(`${url}/timp/products/skus/inventory/bulk/`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Token ${token}`, 'content-type': 'application/x-ndjson' },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('error', reject);
  });
  const send = async (): Promise<void> => {
    for (const chunk of chunks) if (!sent.write(chunk)) await once(sent, 'drain');
    sent.end();
  };
  const read = async (): Promise<number> => {
    const response = await answered;
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(response, 'end');
    return response.statusCode === 200 ? bytes : 0;
  };
  const [bytes] = await Promise.all([read(), send()]);
  return bytes;
}

executePlans(import.meta.url, execute);
