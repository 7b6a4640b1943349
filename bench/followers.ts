/**
 * Followers: clients that each keep a stream of changes open, and measure the delay from the time of a
 * batch to the arrival of its changes. Runs in a child process (`Followers`), which also sends the updates.
 */
import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { skuIdOf } from './catalogue.ts';
import { open } from './load.ts';
import { forkModule, isChild, nextMessage, quantile } from './support.ts';

export interface FollowersPlan {
  readonly url: string;
  /** The tokens of the followed suppliers, used in turn. */
  readonly tokens: readonly string[];
  readonly count: number;
  /** Single updates per second, for each supplier in turn. */
  readonly updatesPerSecond: number;
  readonly skuCount: number;
}

export interface FollowersResult {
  /** Changes that all followers together received. */
  readonly received: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class Followers {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all followers are connected. */
  static async start(plan: FollowersPlan): Promise<Followers> {
    const child = forkModule(import.meta.url);
    child.send(plan);
    await once(child, 'message');
    return new Followers(child);
  }

  async stop(): Promise<FollowersResult> {
    const result = nextMessage<FollowersResult>(this.#child);
    this.#child.send('stop');
    await result;
    this.#child.disconnect();
    await once(this.#child, 'exit');
    return result;
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

if (isChild(import.meta.url)) {
  process.once('message', (plan: FollowersPlan) => void execute(plan));
}
