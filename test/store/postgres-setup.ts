import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { ConnectionPool } from '../../src/store/postgres/connection.ts';
import { migrate } from '../../src/store/postgres/migrate.ts';
import { PostgresProcess } from '../durability/postgres-process.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers `GET /PARTITIONS` with the URL of a migrated database, to be cloned, not used. */
    postgresTemplates: string;
  }
}

/**
 * One PostgreSQL for a whole run of tests. It is started when the first test asks for it, so that runs
 * which need none do not wait for it; that is why tests ask over a socket. `TEST_POSTGRES_BINARIES` names the
 * folder of another version's programs (`pg_config --bindir`).
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<PostgresProcess> | undefined;
  const templates = new Map<string, Promise<string>>();
  const templateOf = (partitions: string): Promise<string> => {
    const binaries = process.env['TEST_POSTGRES_BINARIES'];
    server ??= PostgresProcess.start({
      ...(binaries === undefined ? {} : { binaries }),
      settings: { full_page_writes: 'off', synchronous_commit: 'off' },
    });
    let template = templates.get(partitions);
    if (template === undefined) {
      template = server.then((started) => makeTemplate(started, Number(partitions)));
      templates.set(partitions, template);
    }
    return template;
  };
  const answering = createServer((request, response) => {
    templateOf(request.url?.slice(1) ?? '').then(
      (url) => response.end(url),
      (error) => response.writeHead(500).end(String(error)),
    );
  });
  answering.listen(0, '127.0.0.1');
  await once(answering, 'listening');
  project.provide('postgresTemplates', urlOf(answering.address()));
  return async () => {
    answering.close();
    answering.closeAllConnections();
    await server?.then(
      (started) => started.remove(),
      () => undefined,
    );
  };
}

function urlOf(address: string | AddressInfo | null): string {
  if (address === null || typeof address === 'string') throw new Error('no port to be had');
  return `http://127.0.0.1:${address.port}`;
}

async function makeTemplate(server: PostgresProcess, partitions: number): Promise<string> {
  const name = `template_${partitions}`;
  const maker = new ConnectionPool({ url: server.url('postgres'), connectionsMax: 1 });
  await maker.query(`CREATE DATABASE ${name}`);
  await maker.end();
  const pool = new ConnectionPool({ url: server.url(name), connectionsMax: 1 });
  await migrate(pool, { partitions });
  await pool.end();
  return server.url(name);
}
