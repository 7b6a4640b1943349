import { existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import pg from 'pg';
import {
  POSTGRES_PASSWORD,
  POSTGRES_USER,
  PostgresProcess,
  systemBinaries,
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
  readonly workers: readonly PostgresProcess[];

  private constructor(coordinator: PostgresProcess, workers: readonly PostgresProcess[]) {
    this.coordinator = coordinator;
    this.workers = workers;
  }

  static async start({
    workers = 2,
    isDurable = false,
    settings = {},
  }: {
    readonly workers?: number;
    readonly isDurable?: boolean;
    readonly settings?: Readonly<Record<string, string>>;
  } = {}): Promise<CitusCluster> {
    const binaries = systemBinaries();
    if (binaries === undefined) throw new Error('PostgreSQL is not installed');
    const start = () =>
      PostgresProcess.start({ binaries, isDurable, settings: { ...SETTINGS, ...settings } });
    const [coordinator, ...others] = await Promise.all(
      Array.from({ length: workers + 1 }, start),
    );
    if (coordinator === undefined) throw new Error('no server was started');
    return new CitusCluster(coordinator, others);
  }

  /** Creates a database on all servers, known to each other. Returns its URL. */
  async createDatabase(name: string): Promise<string> {
    for (const server of [...this.workers, this.coordinator]) {
      await query(server.url('postgres'), `CREATE DATABASE ${name}`);
      await query(server.url(name), 'CREATE EXTENSION citus');
      await query(
        server.url(name),
        `INSERT INTO pg_dist_authinfo VALUES (0, '${POSTGRES_USER}', 'password=${POSTGRES_PASSWORD}')`,
      );
    }
    const url = this.coordinator.url(name);
    await query(url, `SELECT citus_set_coordinator_host('127.0.0.1', ${this.coordinator.port})`);
    for (const worker of this.workers) await this.addWorker(name, worker);
    return url;
  }

  async addWorker(name: string, worker: PostgresProcess): Promise<void> {
    await query(
      this.coordinator.url(name),
      `SELECT citus_add_node('127.0.0.1', ${worker.port})`,
    );
  }

  async remove(): Promise<void> {
    for (const server of [this.coordinator, ...this.workers]) await server.remove();
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
