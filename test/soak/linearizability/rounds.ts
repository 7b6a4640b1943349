import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { COMMIT, CuttingProxy } from '../../durability/cutting-proxy.ts';
import { prepareCountingTarget } from '../../durability/keyed-kill.ts';
import { PostgresProcess, type PostgresOptions } from '../../durability/postgres-process.ts';
import { ServerProcess } from '../../durability/server-process.ts';
import { Random } from '../../random.ts';
import { makeSynchronous } from '../failover.ts';
import { StockClients } from './clients.ts';
import { faultOf } from './stock.ts';

const NODES = 2;
const CLIENTS = 6;
const SKUS = 3;
/** Operations that are answered before the primary is killed, and after the standby was promoted. */
const ANSWERS = 60;
const AWAY_MS_MAX = 1500;
const STANDBY_MS_MAX = 1500;
/** How often a connection to the database is cut at a commit. */
const CUT_EVERY_MS = 2000;

export interface RoundFigures {
  readonly operations: number;
  /** Writes without an answer: they may have been applied or not. */
  readonly unknown: number;
  /** Why a SKU's history is not linearizable. */
  readonly faults: readonly string[];
}

/** Two server processes on a PostgreSQL that is killed and replaced by its standby, again and again. */
export class FailoverCluster {
  readonly #options: PostgresOptions;
  readonly #proxy: CuttingProxy;
  readonly #nodes: readonly ServerProcess[];
  readonly #token: string;
  readonly #random: Random;
  #primary: PostgresProcess;
  #rounds = 0;

  private constructor(
    options: PostgresOptions,
    proxy: CuttingProxy,
    nodes: readonly ServerProcess[],
    token: string,
    primary: PostgresProcess,
    random: Random,
  ) {
    this.#options = options;
    this.#proxy = proxy;
    this.#nodes = nodes;
    this.#token = token;
    this.#primary = primary;
    this.#random = random;
  }

  static async start(options: PostgresOptions, seed: number): Promise<FailoverCluster> {
    const primary = await PostgresProcess.start(options);
    const proxy = await CuttingProxy.start(primary.port);
    const url = new URL(primary.url('postgres'));
    url.port = String(proxy.port);
    const database = { url: url.href, remove: () => Promise.resolve() };
    const { token } = await prepareCountingTarget(database);
    const nodes: ServerProcess[] = [];
    for (let i = 0; i < NODES; i += 1) nodes.push(await ServerProcess.start(database));
    return new FailoverCluster(options, proxy, nodes, token, primary, new Random(seed));
  }

  /** One failover under the load of clients, whose connections are also cut at commits. */
  async round(): Promise<RoundFigures> {
    this.#rounds += 1;
    const standby = await PostgresProcess.standbyOf(this.#primary, this.#options);
    await makeSynchronous(this.#primary);
    const urls = this.#nodes.map(({ url }) => url);
    const prefix = `round-${this.#rounds}`;
    const clients = new StockClients(urls, this.#token, this.#random, prefix);
    await clients.start(SKUS, CLIENTS);
    const cutting = setInterval(() => {
      this.#proxy.cutNext(COMMIT, this.#random.chance(0.7) ? 'answer' : 'request');
    }, CUT_EVERY_MS);
    await this.#answers(clients);
    await this.#primary.kill();
    await delay(this.#random.below(AWAY_MS_MAX));
    this.#proxy.pointTo(standby.port);
    await delay(this.#random.below(STANDBY_MS_MAX));
    await standby.promote();
    await this.#answers(clients);
    clearInterval(cutting);
    await clients.end();
    await this.#primary.remove();
    this.#primary = standby;
    const histories = clients.skus.map(({ history }) => history);
    return {
      operations: histories.flat().length,
      unknown: histories.flat().filter(({ output }) => output === undefined).length,
      faults: clients.skus.flatMap(({ skuId, history, initial }) => {
        const fault = faultOf(history, initial);
        return fault === undefined ? [] : [`${skuId}: ${fault}`];
      }),
    };
  }

  async #answers(clients: StockClients): Promise<void> {
    const before = clients.answered;
    await expect
      .poll(() => clients.answered, { timeout: 600_000, interval: 20 })
      .toBeGreaterThan(before + ANSWERS);
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.kill();
    await this.#proxy.close();
    await this.#primary.remove();
  }
}
