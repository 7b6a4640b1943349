import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { ConnectionPool, read } from '../../src/store/postgres/connection/pool.ts';
import type { CuttingProxy } from '../durability/cutting-proxy.ts';
import {
  expectCounted,
  newRequest,
  sendKeyed,
  type CountingTarget,
} from '../durability/keyed-kill.ts';
import { acknowledge, expectNothingLost, sendBatch, type KillTarget } from '../durability/kill.ts';
import {
  PostgresProcess,
  systemBinaries,
  type PostgresOptions,
} from '../durability/postgres-process.ts';
import type { ServerProcess } from '../durability/server-process.ts';
import type { Random } from '../random.ts';

const KEYED_CLIENTS = 4;
const ANSWERS = 20;
const ASK_EVERY_MS = 50;
/** The maximum age of a response of `/readyz`. */
const READY_HELD_MS = 1000;
/** How long there is no database at all; after that, the nodes find a standby that is not promoted yet. */
const AWAY_MS = 2000;
const STANDBY_MS = 1000;

/** Options of servers that support a standby; undefined if none is installed. */
export function replicableOptions(): PostgresOptions | undefined {
  const binaries = process.env['TEST_POSTGRES_BINARIES'] ?? systemBinaries();
  const has = (program: string): boolean =>
    binaries !== undefined && existsSync(join(binaries, program));
  return binaries !== undefined && ['postgres', 'pg_basebackup', 'pg_ctl'].every(has)
    ? { binaries, isDurable: true }
    : undefined;
}

/** The state of a round, passed on to the next one. */
export interface Failover {
  readonly options: PostgresOptions;
  /** The proxy through which nodes connect to the database. */
  readonly proxy: CuttingProxy;
  readonly nodes: readonly ServerProcess[];
  readonly counted: CountingTarget;
  readonly plain: KillTarget;
  readonly random: Random;
  primary: PostgresProcess;
}

export interface FailoverFigures {
  /** The number of answered requests with keys, and of retries. */
  readonly keyed: number;
  readonly retries: number;
  readonly plainLines: number;
  /** From the kill until every node reported that it is not ready. */
  readonly notReadyAfterMs: number;
  /** From the promotion until every node was ready. */
  readonly backAfterMs: number;
}

interface Sample {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly status: number;
}

/** Polls the readiness of nodes. */
class Watch {
  readonly samples: Sample[][];
  #isOver = false;
  readonly #watching: Promise<unknown>;

  constructor(nodes: readonly ServerProcess[]) {
    this.samples = nodes.map(() => []);
    this.#watching = Promise.all(
      nodes.map(({ url }, i) => this.#watch(url, this.samples[i] ?? [])),
    );
  }

  async #watch(url: string, samples: Sample[]): Promise<void> {
    while (!this.#isOver) {
      const startedAtMs = performance.now();
      const { status } = await fetch(`${url}/readyz`);
      samples.push({ startedAtMs, endedAtMs: performance.now(), status });
      await delay(ASK_EVERY_MS);
    }
  }

  /** Resolves when every node has returned `status` to a request after `sinceMs`, to the time of the last one. */
  async allReturned(status: number, sinceMs: number): Promise<number> {
    const firsts = () =>
      this.samples.map((samples) =>
        samples.find((sample) => sample.startedAtMs >= sinceMs && sample.status === status),
      );
    await expect.poll(() => firsts().every(Boolean), { timeout: 60_000 }).toBe(true);
    return Math.max(...firsts().map((sample) => sample?.endedAtMs ?? 0));
  }

  /** Expects that every response between two times was 503. */
  expectNotReady(fromMs: number, toMs: number): void {
    const responses = this.samples
      .flat()
      .filter(({ startedAtMs, endedAtMs }) => startedAtMs > fromMs && endedAtMs < toMs);
    expect(responses.length).toBeGreaterThan(0);
    expect(responses.filter(({ status }) => status !== 503)).toEqual([]);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }
}

/** Clients that write continuously: some add to stock with keys and retry, others set it without retries. */
class Load {
  /** The number of answered requests with keys, and of retries. */
  keyed = 0;
  retries = 0;
  plainLines = 0;
  readonly #failover: Failover;
  readonly #clients: Promise<unknown>;
  #isOver = false;

  constructor(failover: Failover) {
    this.#failover = failover;
    this.#clients = Promise.all([
      ...Array.from({ length: KEYED_CLIENTS }, (_, client) => this.#runKeyed(client)),
      ...failover.plain.clients.map((client, i) => this.#runPlain(client, i)),
    ]);
  }

  async #runKeyed(client: number): Promise<void> {
    const { counted, random } = this.#failover;
    while (!this.#isOver) {
      const request = newRequest(counted, random);
      for (let attempt = client; ; attempt += 1) {
        if (await sendKeyed(this.#node(attempt).url, counted, request)) break;
        this.retries += 1;
        await delay(ASK_EVERY_MS);
      }
      this.keyed += 1;
    }
  }

  async #runPlain(client: KillTarget['clients'][number], i: number): Promise<void> {
    const { plain, random } = this.#failover;
    const { url } = this.#node(i);
    while (!this.#isOver && (await sendBatch(url, plain, client, random)) === 'applied') {
      this.plainLines += acknowledge(client);
    }
  }

  #node(i: number): ServerProcess {
    const { nodes } = this.#failover;
    const node = nodes[i % nodes.length];
    if (node === undefined) throw new Error('missing node');
    return node;
  }

  /** Resolves when `count` more requests have been answered. */
  async awaitAnswers(count: number): Promise<void> {
    const before = this.keyed;
    await expect.poll(() => this.keyed, { timeout: 60_000 }).toBeGreaterThan(before + count);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#clients;
  }
}

/**
 * One round: adds a synchronous standby, kills the primary under load with -9, and promotes the standby. Then every
 * acknowledged line must have been applied once.
 */
export async function failoverRound(failover: Failover): Promise<FailoverFigures> {
  const { options, proxy, nodes, primary } = failover;
  const standby = await PostgresProcess.standbyOf(primary, options);
  await makeSynchronous(primary);
  const watch = new Watch(nodes);
  const load = new Load(failover);
  await load.awaitAnswers(ANSWERS);
  await delay(failover.random.below(200));

  await primary.kill();
  const killedAtMs = performance.now();
  const notReadyAtMs = await watch.allReturned(503, killedAtMs);
  await delay(AWAY_MS);
  proxy.pointTo(standby.port);
  await delay(STANDBY_MS);
  const orderedAtMs = performance.now();
  await standby.promote();
  const backAtMs = await watch.allReturned(200, orderedAtMs);
  await load.awaitAnswers(ANSWERS);

  await load.end();
  await watch.end();
  watch.expectNotReady(killedAtMs + READY_HELD_MS, orderedAtMs);
  await expectCounted(failover.counted);
  await expectNothingLost(failover.plain);
  await primary.remove();
  failover.primary = standby;
  return {
    keyed: load.keyed,
    retries: load.retries,
    plainLines: load.plainLines,
    notReadyAfterMs: Math.round(notReadyAtMs - killedAtMs),
    backAfterMs: Math.round(backAtMs - orderedAtMs),
  };
}

/**
 * Kills the synchronous standby: nothing is acknowledged and no node is ready until it is back. Then removes the
 * standby.
 */
export async function standbyAwayRound(failover: Failover): Promise<void> {
  const standby = await PostgresProcess.standbyOf(failover.primary, failover.options);
  await makeSynchronous(failover.primary);
  const watch = new Watch(failover.nodes);
  const load = new Load(failover);
  await load.awaitAnswers(ANSWERS);

  await standby.kill();
  const notReadyAtMs = await watch.allReturned(503, performance.now());
  const answered = load.keyed;
  await delay(AWAY_MS);
  expect(load.keyed, 'acknowledged without a copy on the standby').toBe(answered);
  const restartedAtMs = performance.now();
  watch.expectNotReady(notReadyAtMs, restartedAtMs);
  await standby.restart();
  await watch.allReturned(200, restartedAtMs);
  await load.awaitAnswers(ANSWERS);

  await load.end();
  await watch.end();
  await expectCounted(failover.counted);
  await expectNothingLost(failover.plain);
  await setStandbys(failover.primary, '');
  await standby.remove();
}

/** Makes commits wait until the standby has them on its disk. */
export async function makeSynchronous(primary: PostgresProcess): Promise<void> {
  await setStandbys(primary, '*');
  const pool = new ConnectionPool({ url: primary.url('postgres'), connectionsMax: 1 });
  try {
    await expect
      .poll(() => read(pool, 'SELECT sync_state FROM pg_stat_replication'), { timeout: 20_000 })
      .toEqual([{ sync_state: 'sync' }]);
  } finally {
    await pool.close();
  }
}

async function setStandbys(primary: PostgresProcess, names: string): Promise<void> {
  const pool = new ConnectionPool({ url: primary.url('postgres'), connectionsMax: 1 });
  await pool.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
  await pool.query('SELECT pg_reload_conf()');
  await pool.close();
}
