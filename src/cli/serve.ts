import { Command, Option } from 'commander';
import { DEFAULT_HOST, DEFAULT_PORT, readSettings } from '../config.ts';
import { startServer, type RunningServer } from '../main.ts';
import { databaseOption, parsePort } from './options.ts';

interface ServeOptions {
  readonly database: string;
  readonly host: string;
  readonly port: number;
  readonly trustProxy?: string | true;
}

export function serveCommand(): Command {
  return new Command('serve')
    .summary('serve the API on a database')
    .description(
      'Serves the API on a database, which is created and migrated when needed.\n' +
        'On SIGTERM or SIGINT the server finishes what it has accepted, then exits 0.\n' +
        'It speaks plain HTTP: TLS is the work of a proxy before it (--trust-proxy).',
    )
    .addOption(databaseOption())
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 takes any free one')
        .default(DEFAULT_PORT)
        .argParser(parsePort),
    )
    .addOption(new Option('--host <address>', 'address to listen on').default(DEFAULT_HOST))
    .addOption(
      new Option(
        '--trust-proxy [addresses]',
        'believe X-Forwarded-* headers, of all senders or of those listed (addresses and CIDR ranges, comma-separated)',
      ),
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand serve --database sqlite:/var/lib/onhand/onhand.db --port 8080\n' +
        '\nLimits and further settings are environment variables; see docs/operations.md.',
    )
    .action(async (options: ServeOptions) => {
      const server = await startServer(
        readSettings({
          database: options.database,
          host: options.host,
          port: options.port,
          trustProxy: options.trustProxy ?? false,
        }),
      );
      process.stderr.write(
        `onhand serves ${options.database} at ${server.url} (documentation: ${server.url}/docs)\n`,
      );
      warnOffLoopback(options);
      await untilStopped(server);
    });
}

function warnOffLoopback({ host, trustProxy }: ServeOptions): void {
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (isLoopback || trustProxy !== undefined) return;
  process.stderr.write(
    `onhand: warning: listening on ${host} without --trust-proxy: tokens and passwords cross the network unencrypted ` +
      'unless a proxy that speaks TLS stands before this server\n',
  );
}

/** Resolves when the server has been told to stop and has finished what it accepted. */
export async function untilStopped(server: RunningServer): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await server.close();
}
