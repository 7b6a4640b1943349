/**
 * The load of streams: connections that each send one stream of random lines as fast as it is taken, and
 * read its results meanwhile. Runs as a process of its own (`runStreams`).
 */
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { skuIdOf } from './catalogue.ts';

export interface StreamPlan {
  readonly url: string;
  /** Stream *i* is sent with token *i*, and so on from the first where there are fewer. */
  readonly tokens: readonly string[];
  readonly streams: number;
  /** Of each stream. */
  readonly lines: number;
  readonly skuCount: number;
}

export interface StreamResult {
  readonly linesPerSecond: number;
  /** Streams that were not answered with a success for every line. */
  readonly failed: number;
  /** How much of a core the load itself took, 0 … 1. */
  readonly coreShare: number;
}

/** Runs a plan in a process of its own and resolves with what it saw. */
export async function runStreams(plan: StreamPlan): Promise<StreamResult> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, ONHAND_BENCH_STREAMS: '1' },
  });
  child.send(plan);
  const message = await new Promise<unknown>((resolve) => child.once('message', resolve));
  child.disconnect();
  await once(child, 'exit');
  const numberAt = (member: string): number => {
    const value: unknown =
      typeof message === 'object' && message !== null ? Reflect.get(message, member) : undefined;
    if (typeof value !== 'number') throw new Error(`the load did not tell ${member}`);
    return value;
  };
  return {
    linesPerSecond: numberAt('linesPerSecond'),
    failed: numberAt('failed'),
    coreShare: numberAt('coreShare'),
  };
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

/** Made before the clock starts. */
function chunksOf(lines: number, skuCount: number): readonly Buffer[] {
  const line = () =>
    `{"sku_id":"${skuIdOf(randomInt(skuCount))}","quantity_in_stock":${randomInt(QUANTITY_BOUND)}}\n`;
  return Array.from({ length: Math.ceil(lines / CHUNK_LINES) }, (_, i) =>
    Buffer.from(
      Array.from({ length: Math.min(CHUNK_LINES, lines - i * CHUNK_LINES) }, line).join(''),
    ),
  );
}

/** Sends one stream; gives how many bytes of results came. */
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

if (process.env['ONHAND_BENCH_STREAMS'] === '1') {
  process.once('message', (plan: StreamPlan) => {
    void execute(plan).then((result) => process.send?.(result));
  });
}
