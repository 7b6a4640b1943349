import { Command, Option } from 'commander';
import { DEFAULT_HOST, DEFAULT_PORT, readSettings, type Settings } from '../../config.ts';
import { OnhandError } from '../../domain/errors.ts';
import { shownDatabase } from '../../databases.ts';
import { startServer, type RunningServer } from '../../server.ts';
import { databaseOption, parsePort } from '../options.ts';

interface ServeOptions {
  readonly database: string;
  readonly host: string;
  readonly port: number;
  readonly trustProxy?: string | true;
  readonly inbox?: string;
}

export function serveCommand(): Command {
  return new Command('serve')
    .summary('serve the API on a database')
    .description(
      'Serves the API on a database, which is created and migrated when needed. ' +
        'On SIGTERM or SIGINT the server finishes what it has accepted, then exits 0. ' +
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
    .addOption(
      new Option(
        '--inbox <folder>',
        "drop folder: takes the files that are put into <folder>/<supplier's name>/in/",
      ),
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand serve --database sqlite:/var/lib/onhand/onhand.db --port 8080\n' +
        '\nLimits and further settings are environment variables; see docs/operations.md.',
    )
    .action(async (options: ServeOptions) => {
      const asked = stopAsked();
      const server = await startOnAddress(
        readSettings({
          database: options.database,
          host: options.host,
          port: options.port,
          trustProxy: options.trustProxy ?? false,
          ...(options.inbox !== undefined && { inbox: options.inbox }),
        }),
      );
      process.stderr.write(
        `onhand serves ${shownDatabase(options.database)} at ${server.url} (documentation: ${server.url}/docs)\n`,
      );
      warnOffLoopback(options);
      await asked;
      await server.close();
    });
}

async function startOnAddress(settings: Settings): Promise<RunningServer> {
  try {
    return await startServer(settings);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const because = ADDRESS_FAULTS[code];
    if (because === undefined) throw error;
    throw new OnhandError(
      'parameter_invalid',
      `Port ${settings.port} of ${settings.host} cannot be listened on: ${because}.`,
      { cause: error },
    );
  }
}

const ADDRESS_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is taken by another program; stop that one, or name another with --port',
  EADDRNOTAVAIL: 'this machine has no such address; name another with --host',
  EACCES: 'the operating system does not allow it; name another with --port, such as 8080',
  ENOTFOUND: 'there is no such host; name another with --host',
};

function warnOffLoopback({ host, trustProxy }: ServeOptions): void {
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (isLoopback || trustProxy !== undefined) return;
  process.stderr.write(
    `onhand: warning: listening on ${host} without --trust-proxy: tokens and passwords cross the network unencrypted ` +
      'unless a proxy that speaks TLS stands before this server\n',
  );
}

/**
 * Resolves when the process is told to stop. To be called before anybody is told that it runs: from
 * then on a signal no longer ends it at once, but for a second one.
 */
export function stopAsked(): Promise<void> {
  return new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
