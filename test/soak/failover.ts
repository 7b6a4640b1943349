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
/** How long an answer of `/readyz` may be old. */
const READY_HELD_MS = 1000;
/** How long nobody takes over, as nobody does at once; then the nodes find a standby, not yet promoted. */
const AWAY_MS = 2000;
const STANDBY_MS = 1000;

/** How servers are run that can have a standby; undefined where none is installed that can. */
export function replicableOptions(): PostgresOptions | undefined {
  const binaries = process.env['TEST_POSTGRES_BINARIES'] ?? systemBinaries();
  const has = (program: string): boolean =>
    binaries !== undefined && existsSync(join(binaries, program));
  return binaries !== undefined && ['postgres', 'pg_basebackup', 'pg_ctl'].every(has)
    ? { binaries, isDurable: true }
    : undefined;
}

/** What a round needs, and hands on to the next. */
export interface Failover {
  readonly options: PostgresOptions;
  /** What nodes take for the database. */
  readonly proxy: CuttingProxy;
  readonly nodes: readonly ServerProcess[];
  readonly counted: CountingTarget;
  readonly plain: KillTarget;
  readonly random: Random;
  primary: PostgresProcess;
}

export interface FailoverFigures {
  /** Requests with keys that were answered, and how often one had to be sent again. */
  readonly keyed: number;
  readonly sentAgain: number;
  readonly plainLines: number;
  /** From the kill until every node had said that it is not ready. */
  readonly toldAfterMs: number;
  /** From the order to take over until every node was ready. */
  readonly backAfterMs: number;
}

interface Sample {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly status: number;
}

/** Asks nodes whether they are ready, over and over. */
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

  /** When the last of the nodes was first heard to say so, asked after a time. */
  async heard(status: number, sinceMs: number): Promise<number> {
    const firsts = () =>
      this.samples.map((samples) =>
        samples.find((sample) => sample.startedAtMs >= sinceMs && sample.status === status),
      );
    await expect.poll(() => firsts().every(Boolean), { timeout: 60_000 }).toBe(true);
    return Math.max(...firsts().map((sample) => sample?.endedAtMs ?? 0));
  }

  /** Nobody that asked and was answered in between was told to come. */
  expectNotReady(fromMs: number, toMs: number): void {
    const told = this.samples
      .flat()
      .filter(({ startedAtMs, endedAtMs }) => startedAtMs > fromMs && endedAtMs < toMs);
    expect(told.length).toBeGreaterThan(0);
    expect(told.filter(({ status }) => status !== 503)).toEqual([]);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }
}

/** Clients that write all the time: some add to stock and insist, with keys, others set it and give up. */
class Load {
  /** Requests with keys that were answered, and how often one had to be sent again. */
  keyed = 0;
  sentAgain = 0;
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
        this.sentAgain += 1;
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
    if (node === undefined) throw new Error('there is no node');
    return node;
  }

  /** Resolves once so many more requests were answered. */
  async answers(count: number): Promise<void> {
    const before = this.keyed;
    await expect.poll(() => this.keyed, { timeout: 60_000 }).toBeGreaterThan(before + count);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#clients;
  }
}

/**
 * One round: a standby is made that every commit waits for; under load the primary is killed with -9 and
 * the standby takes over. Then every line that was answered is there, once.
 */
export async function failoverRound(failover: Failover): Promise<FailoverFigures> {
  const { options, proxy, nodes, primary } = failover;
  const standby = await PostgresProcess.standbyOf(primary, options);
  await waitForStandby(primary);
  const watch = new Watch(nodes);
  const load = new Load(failover);
  await load.answers(ANSWERS);
  await delay(failover.random.below(200));

  await primary.kill();
  const killedAtMs = performance.now();
  const toldAtMs = await watch.heard(503, killedAtMs);
  await delay(AWAY_MS);
  proxy.pointTo(standby.port);
  await delay(STANDBY_MS);
  const orderedAtMs = performance.now();
  await standby.promote();
  const backAtMs = await watch.heard(200, orderedAtMs);
  await load.answers(ANSWERS);

  await load.end();
  await watch.end();
  watch.expectNotReady(killedAtMs + READY_HELD_MS, orderedAtMs);
  await expectCounted(failover.counted);
  await expectNothingLost(failover.plain);
  await primary.remove();
  failover.primary = standby;
  return {
    keyed: load.keyed,
    sentAgain: load.sentAgain,
    plainLines: load.plainLines,
    toldAfterMs: Math.round(toldAtMs - killedAtMs),
    backAfterMs: Math.round(backAtMs - orderedAtMs),
  };
}

/**
 * The standby that every commit waits for is killed: nothing is answered and no node is ready until it is
 * there again; then all goes on. It is then let go of.
 */
export async function standbyAwayRound(failover: Failover): Promise<void> {
  const standby = await PostgresProcess.standbyOf(failover.primary, failover.options);
  await waitForStandby(failover.primary);
  const watch = new Watch(failover.nodes);
  const load = new Load(failover);
  await load.answers(ANSWERS);

  await standby.kill();
  const toldAtMs = await watch.heard(503, performance.now());
  const answered = load.keyed;
  await delay(AWAY_MS);
  expect(load.keyed, 'answered while nobody else had it').toBe(answered);
  const restartedAtMs = performance.now();
  watch.expectNotReady(toldAtMs, restartedAtMs);
  await standby.restart();
  await watch.heard(200, restartedAtMs);
  await load.answers(ANSWERS);

  await load.end();
  await watch.end();
  await expectCounted(failover.counted);
  await expectNothingLost(failover.plain);
  await setStandbys(failover.primary, '');
  await standby.remove();
}

/** From now on no commit is answered before the standby has it on its disk. */
async function waitForStandby(primary: PostgresProcess): Promise<void> {
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
