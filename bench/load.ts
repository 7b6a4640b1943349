/**
 * The load: connections that each send their own random lines, one request after another. Bodies are
 * made before the clock starts and replies are only checked by their head and their length, so that
 * it costs the machine as little as it can. Runs as a process of its own (`runLoad`).
 */
import { fork } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { INITIAL_QUANTITY, skuIdOf } from './catalogue.ts';
import { quantile } from './statistics.ts';

const QUANTITY_BOUND = 1_000_000;

export interface LoadPlan {
  readonly url: string;
  /** Connection *i* sends with token *i*, and begins again where there are fewer. */
  readonly tokens: readonly string[];
  readonly connections: number;
  readonly linesPerRequest: number;
  /** All connections together. */
  readonly requests: number;
  readonly skuCount: number;
  readonly single?: boolean;
  /** Share of the lines that say what the SKU has had from the beginning; 0 where left out. */
  readonly unchangedShare?: number;
  /** What requests ask for beyond the plain thing. */
  readonly asking?: Asking;
}

/** What a safe write may ask for, and costs. */
export type Asking = 'key' | 'as-of' | 'effects' | 'dry-run' | 'errors-only';

/** Of a request: what it adds to the path, and which headers it has. */
const ASKED: Readonly<Record<Asking, () => readonly [query: string, headers: string]>> = {
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
  /** Requests that were not answered 200, or not with a success for every line. */
  readonly failed: number;
  /** How much of a core the load itself took, 0 … 1. */
  readonly coreShare: number;
}

/** Runs a plan in a process of its own and resolves with what it saw. */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, ONHAND_BENCH_LOAD: '1' },
  });
  child.send(plan);
  const message = await new Promise<unknown>((resolve) => child.once('message', resolve));
  child.disconnect();
  await once(child, 'exit');
  return parseResult(message);
}

function parseResult(message: unknown): LoadResult {
  const numberAt = (member: string): number => {
    const value: unknown =
      typeof message === 'object' && message !== null ? Reflect.get(message, member) : undefined;
    if (typeof value !== 'number') throw new Error(`the load did not tell ${member}`);
    return value;
  };
  return {
    linesPerSecond: numberAt('linesPerSecond'),
    p50Ms: numberAt('p50Ms'),
    p99Ms: numberAt('p99Ms'),
    maxMs: numberAt('maxMs'),
    failed: numberAt('failed'),
    coreShare: numberAt('coreShare'),
  };
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
    ? '{"message":"success"}'.length
    : 2 + plan.linesPerRequest * (SUCCESS.length + 1) - 1;
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
        const isWhole = plan.asking !== undefined || reply.bodyBytes === expectedBytes;
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

/** A whole request with random lines, to be sent as it is. */
export function requestOf(
  plan: Pick<LoadPlan, 'linesPerRequest' | 'skuCount' | 'single' | 'unchangedShare' | 'asking'>,
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
  const [query, headers] = plan.asking === undefined ? ['', ''] : ASKED[plan.asking]();
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

/** Replies of one connection, of which only the status and the length are looked at. */
export class Replies {
  #head: Buffer = Buffer.alloc(0);
  #missingBytes = 0;
  #current: Reply | undefined;
  #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  /** No further reply is waited for. */
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

if (process.env['ONHAND_BENCH_LOAD'] === '1') {
  process.once('message', (plan: LoadPlan) => {
    void execute(plan).then((result) => process.send?.(result));
  });
}
