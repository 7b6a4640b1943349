import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { ConnectionPool } from '../../../src/store/postgres/connection/pool.ts';
import { migrate } from '../../../src/store/postgres/schema/migrations.ts';
import { PostgresProcess, systemBinaries } from '../../durability/postgres-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers `GET /KIND/PARTITIONS` with the URL of a migrated database to clone. */
    postgresTemplates: string;
  }
}

/** A PostgreSQL server for tests. */
interface TestedServer {
  /** The URL of a database on it. */
  url(database: string): string;
  remove(): Promise<void>;
}

/**
 * Starts one PostgreSQL server per kind for a whole test run, when the first test requests it. Test
 * processes request it over HTTP.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = new Map<string, Promise<TestedServer>>();
  const templates = new Map<string, Promise<string>>();
  const templateOf = (path: string): Promise<string> => {
    const [kind = '', partitions = ''] = path.split('/');
    const server = servers.get(kind) ?? startServer(kind);
    servers.set(kind, server);
    let template = templates.get(path);
    if (template === undefined) {
      template = server.then((started) => makeTemplate(started, Number(partitions)));
      templates.set(path, template);
    }
    return template;
  };
  const templateServer = createServer((request, response) => {
    templateOf(request.url?.slice(1) ?? '').then(
      (url) => response.end(url),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  templateServer.listen(0, '127.0.0.1');
  await once(templateServer, 'listening');
  project.provide('postgresTemplates', urlOf(templateServer.address()));
  return async () => {
    templateServer.close();
    templateServer.closeAllConnections();
    for (const started of await Promise.allSettled(servers.values())) {
      if (started.status === 'fulfilled') await started.value.remove();
    }
  };
}

/**
 * `default` is PostgreSQL from npm, or the version whose programs are in the folder `TEST_POSTGRES_BINARIES`
 * (`pg_config --bindir`). `system` is the machine's version. `given` already runs at `SOAK_POSTGRES_URL`.
 */
async function startServer(kind: string): Promise<TestedServer> {
  const existing = process.env['SOAK_POSTGRES_URL'];
  if (kind === 'given' && existing !== undefined) return existingServer(existing);
  // Seconds between the rounds of autovacuum, which gathers statistics.
  const naptime = process.env['TEST_AUTOVACUUM_NAPTIME'];
  const binaries = kind === 'system' ? systemBinaries() : process.env['TEST_POSTGRES_BINARIES'];
  return PostgresProcess.start({
    ...(binaries === undefined ? {} : { binaries }),
    settings: {
      full_page_writes: 'off',
      synchronous_commit: 'off',
      ...(naptime !== undefined && { autovacuum_naptime: naptime }),
    },
  });
}

/** The prefix of the names of this run's databases. */
const PREFIX = `onhand_test_${process.pid}`;

/** Uses a running server, and drops the databases of this run in the end. */
function existingServer(serverUrl: string): TestedServer {
  const url = (database: string): string => {
    const other = new URL(serverUrl);
    other.pathname = `/${database}`;
    return other.href;
  };
  return {
    url,
    remove: async () => {
      const pool = new ConnectionPool({ url: serverUrl, connectionsMax: 1 });
      const { rows } = await pool.query<{ name: string }>(
        `SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)`,
        [`${PREFIX}_`],
      );
      for (const { name } of rows) await pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await pool.end();
    },
  };
}

function urlOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

async function makeTemplate(server: TestedServer, partitions: number): Promise<string> {
  const name = `${PREFIX}_template_${partitions}`;
  const administration = new ConnectionPool({ url: server.url('postgres'), connectionsMax: 1 });
  await administration.query(`CREATE DATABASE ${name}`);
  await administration.end();
  const pool = new ConnectionPool({ url: server.url(name), connectionsMax: 1 });
  await migrate(pool, { partitions });
  await pool.end();
  return server.url(name);
}
