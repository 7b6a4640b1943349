/**
 * Followers: clients that each hold a stream of changes open and note how long after its batch was applied each change
 * came. Runs as a process of its own (`Followers`), which also sends what they are to be told of.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { skuIdOf } from './catalogue.ts';
import { open } from './load.ts';
import { quantile } from './statistics.ts';

export interface FollowersPlan {
  readonly url: string;
  /** Of the suppliers that are followed, shared out evenly. */
  readonly tokens: readonly string[];
  readonly count: number;
  /** Single updates a second, of each supplier in turn. */
  readonly updatesPerSecond: number;
  readonly skuCount: number;
}

export interface FollowersResult {
  /** How many changes came, all followers together. */
  readonly received: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Followers at work. */
export class Followers {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all of them follow. */
  static async start(plan: FollowersPlan): Promise<Followers> {
    const child = fork(fileURLToPath(import.meta.url), {
      env: { ...process.env, ONHAND_BENCH_FOLLOWERS: '1' },
    });
    child.send(plan);
    await once(child, 'message');
    return new Followers(child);
  }

  async stop(): Promise<FollowersResult> {
    const told = new Promise<unknown>((resolve) => this.#child.once('message', resolve));
    this.#child.send('stop');
    const message = await told;
    this.#child.disconnect();
    await once(this.#child, 'exit');
    const numberAt = (member: string): number => {
      const value: unknown =
        typeof message === 'object' && message !== null ? Reflect.get(message, member) : undefined;
      if (typeof value !== 'number') throw new Error(`the followers did not tell ${member}`);
      return value;
    };
    return {
      received: numberAt('received'),
      p50Ms: numberAt('p50Ms'),
      p99Ms: numberAt('p99Ms'),
    };
  }
}

const TIME = /"time":"([^"]+)"/g;

async function follow(url: string, token: string, delaysMs: number[]): Promise<Socket> {
  const socket = await open(url);
  socket.write(
    'GET /timp/products/skus/inventory/changes/?from=now HTTP/1.1\r\nHost: bench\r\n' +
      `Authorization: Token ${token}\r\nAccept: text/event-stream\r\n\r\n`,
  );
  await once(socket, 'data');
  socket.on('data', (bytes: Buffer) => {
    const nowMs = Date.now();
    for (const [, time = ''] of bytes.toString('latin1').matchAll(TIME))
      delaysMs.push(nowMs - Date.parse(time));
  });
  return socket;
}

async function execute(plan: FollowersPlan): Promise<void> {
  const delaysMs: number[] = [];
  const sockets: Socket[] = [];
  const tokenOf = (n: number): string => plan.tokens[n % plan.tokens.length] ?? '';
  for (let n = 0; n < plan.count; n += 1)
    sockets.push(await follow(plan.url, tokenOf(n), delaysMs));
  let sent = 0;
  const timer = setInterval(() => {
    const token = tokenOf(sent);
    sent += 1;
    const body = `{"sku_id":"${skuIdOf(randomInt(plan.skuCount))}","quantity_in_stock":${randomInt(1e9)}}`;
    void fetch(`${plan.url}/timp/products/skus/inventory/`, {
      method: 'POST',
      headers: { authorization: `Token ${token}`, 'content-type': 'application/json' },
      body,
    }).then((response) => response.arrayBuffer());
  }, 1000 / plan.updatesPerSecond);
  process.send?.('ready');
  process.once('message', () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
    process.send?.({
      received: delaysMs.length,
      p50Ms: quantile(delaysMs, 0.5),
      p99Ms: quantile(delaysMs, 0.99),
    });
  });
}

if (process.env['ONHAND_BENCH_FOLLOWERS'] === '1') {
  process.once('message', (plan: FollowersPlan) => void execute(plan));
}
