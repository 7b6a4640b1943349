import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import {
  POSTGRES_PASSWORD,
  POSTGRES_USER,
  PostgresProcess,
  systemBinaries,
  type PostgresOptions,
} from './postgres-process.ts';

const SETTINGS = {
  shared_preload_libraries: 'citus',
  wal_level: 'logical',
  max_prepared_transactions: '400',
  'citus.node_conninfo': 'sslmode=disable',
  'citus.shard_count': '8',
  'citus.max_cached_conns_per_worker': '4',
  // Seconds after which a commit in two phases that was interrupted is completed.
  'citus.recover_2pc_interval': '1000',
};

/** Whether the extension is installed beside the machine's PostgreSQL. */
export function hasCitus(): boolean {
  if (systemBinaries() === undefined) return false;
  const folder = execFileSync('pg_config', ['--sharedir'], { encoding: 'utf8' }).trim();
  return existsSync(join(folder, 'extension', 'citus.control'));
}

/** A Citus cluster: a coordinator and workers, each a server of its own on this machine. */
export class CitusCluster {
  readonly coordinator: PostgresProcess;
  readonly workers: PostgresProcess[];
  readonly #options: PostgresOptions;

  private constructor(
    coordinator: PostgresProcess,
    workers: PostgresProcess[],
    options: PostgresOptions,
  ) {
    this.coordinator = coordinator;
    this.workers = workers;
    this.#options = options;
  }

  /** @param isDurable whether commits wait for the disk */
  static async start({ isDurable = false } = {}): Promise<CitusCluster> {
    const binaries = systemBinaries();
    if (binaries === undefined) throw new Error('PostgreSQL is not installed');
    const options: PostgresOptions = { binaries, isDurable, settings: SETTINGS };
    const coordinator = await PostgresProcess.start(options);
    const workers = [await PostgresProcess.start(options), await PostgresProcess.start(options)];
    return new CitusCluster(coordinator, workers, options);
  }

  /** Creates a database on all servers, known to each other. Returns its URL. */
  async createDatabase(name: string): Promise<string> {
    const { coordinator, workers } = this;
    await createDatabase(coordinator, name);
    const url = coordinator.url(name);
    await query(url, `SELECT citus_set_coordinator_host('127.0.0.1', ${coordinator.port})`);
    for (const worker of workers) await this.#addWorker(worker, name);
    return url;
  }

  /** Starts another worker for a database. */
  async startWorker(name: string): Promise<PostgresProcess> {
    const worker = await PostgresProcess.start(this.#options);
    this.workers.push(worker);
    await this.#addWorker(worker, name);
    return worker;
  }

  async #addWorker(worker: PostgresProcess, name: string): Promise<void> {
    await createDatabase(worker, name);
    await query(this.coordinator.url(name), `SELECT citus_add_node('127.0.0.1', ${worker.port})`);
  }

  async remove(): Promise<void> {
    for (const server of [this.coordinator, ...this.workers]) await server.remove();
  }
}

async function createDatabase(server: PostgresProcess, name: string): Promise<void> {
  await query(server.url('postgres'), `CREATE DATABASE ${name}`);
  await query(server.url(name), 'CREATE EXTENSION citus');
  await query(
    server.url(name),
    `INSERT INTO pg_dist_authinfo VALUES (0, '${POSTGRES_USER}', 'password=${POSTGRES_PASSWORD}')`,
  );
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
