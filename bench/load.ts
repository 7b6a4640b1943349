/**
 * The load: connections that each send random lines, one request after another. To cost little CPU time,
 * bodies are built in advance, and only the status and length of replies are checked. Runs in a child
 * process (`runLoad`).
 */
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { INITIAL_QUANTITY, skuIdOf } from './catalogue.ts';
import { executePlans, quantile, runInChild } from './support.ts';

const QUANTITY_BOUND = 1_000_000;

export interface LoadPlan {
  readonly url: string;
  /** Connection *i* uses token *i*, modulo the number of tokens. */
  readonly tokens: readonly string[];
  readonly connections: number;
  readonly linesPerRequest: number;
  /** All connections together. */
  readonly requests: number;
  readonly skuCount: number;
  readonly single?: boolean;
  /** Share of lines that do not change their SKU; 0 by default. */
  readonly unchangedShare?: number;
  /** An option that all requests use. */
  readonly option?: RequestOption;
}

/** The options of safe writes. */
export type RequestOption = 'key' | 'as-of' | 'effects' | 'dry-run' | 'errors-only';

const OPTIONS: Readonly<Record<RequestOption, () => readonly [query: string, headers: string]>> = {
  key: () => ['', `Idempotency-Key: ${randomUUID()}\r\n`],
  'as-of': () => ['', `As-Of: ${new Date().toISOString()}\r\n`],
  effects: () => ['', 'Prefer: return=representation\r\n'],
  'dry-run': () => ['?dry_run=true', ''],
  'errors-only': () => ['?errors_only=true', ''],
};

export interface LoadResult {
  readonly linesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Requests whose reply is not 200, or does not have a success for every line. */
  readonly failed: number;
  /** The CPU share of the load itself: 1 is one core. */
  readonly coreShare: number;
}

export function runLoad(plan: LoadPlan): Promise<LoadResult> {
  return runInChild<LoadResult>(import.meta.url, plan);
}

const SUCCESS = '{"status_code":200,"message":"success"}';

async function execute(plan: LoadPlan): Promise<LoadResult> {
  const perConnection = Math.max(1, Math.round(plan.requests / plan.connections));
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, async (_, i) => ({
      socket: await open(plan.url),
      requests: Array.from({ length: perConnection }, () =>
        requestOf(plan, plan.tokens[i % plan.tokens.length] ?? ''),
      ),
    })),
  );
  const expectedBytes = plan.single
    ? '{"message":"success"}\n'.length
    : '[]\n'.length + plan.linesPerRequest * (SUCCESS.length + 1) - 1;
  const latenciesMs: number[] = [];
  let failed = 0;
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  await Promise.all(
    connections.map(async ({ socket, requests }) => {
      const replies = new Replies(socket);
      for (const request of requests) {
        const sentMs = performance.now();
        socket.write(request);
        const reply = await replies.next();
        latenciesMs.push(performance.now() - sentMs);
        const isWhole = plan.option !== undefined || reply.bodyBytes === expectedBytes;
        if (reply.status !== 200 || !isWhole) failed += 1;
      }
      socket.destroy();
    }),
  );
  const tookMs = performance.now() - startedMs;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    linesPerSecond: (perConnection * plan.connections * plan.linesPerRequest * 1000) / tookMs,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    maxMs: quantile(latenciesMs, 1),
    failed,
    coreShare: (cpu.user + cpu.system) / 1000 / tookMs,
  };
}

/** Builds an HTTP request with random lines. */
export function requestOf(
  plan: Pick<LoadPlan, 'linesPerRequest' | 'skuCount' | 'single' | 'unchangedShare' | 'option'>,
  token: string,
): Buffer {
  const unchanged = plan.unchangedShare ?? 0;
  const quantity = () => (Math.random() < unchanged ? INITIAL_QUANTITY : randomInt(QUANTITY_BOUND));
  const line = () =>
    `{"sku_id":"${skuIdOf(randomInt(plan.skuCount))}","quantity_in_stock":${quantity()}}`;
  const path = plan.single
    ? '/timp/products/skus/inventory/'
    : '/timp/products/skus/inventory/bulk/';
  const body = plan.single
    ? line()
    : `[${Array.from({ length: plan.linesPerRequest }, line).join(',')}]`;
  const [query, headers] = plan.option === undefined ? ['', ''] : OPTIONS[plan.option]();
  return Buffer.from(
    `POST ${path}${query} HTTP/1.1\r\nHost: bench\r\nAuthorization: Token ${token}\r\n${headers}` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

interface Reply {
  readonly status: number;
  readonly bodyBytes: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** Reads the status and body length of replies on one connection. */
export class Replies {
  #head: Buffer = Buffer.alloc(0);
  #missingBytes = 0;
  #current: Reply | undefined;
  #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  /** Stops waiting for a reply. */
  abandon(): void {
    this.#waiting = undefined;
  }

  next(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #take(chunk: Buffer): void {
    if (this.#current === undefined) {
      this.#head = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf(HEAD_END);
      if (end < 0) return;
      const head = this.#head.toString('latin1', 0, end);
      const bodyBytes = Number(/\r\ncontent-length: *([0-9]+)/i.exec(head)?.[1]);
      this.#current = { status: Number(head.slice(9, 12)), bodyBytes };
      this.#missingBytes = bodyBytes - (this.#head.length - end - HEAD_END.length);
      this.#head = Buffer.alloc(0);
    } else {
      this.#missingBytes -= chunk.length;
    }
    if (this.#missingBytes > 0) return;
    const reply = this.#current;
    this.#current = undefined;
    this.#waiting?.resolve(reply);
  }
}

executePlans(import.meta.url, execute);
