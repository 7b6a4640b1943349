import { Command, Option } from 'commander';
import { DEFAULT_HOST, DEFAULT_PORT, type Settings } from '../../config.ts';
import { shownDatabase } from '../../databases.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { RunningServer } from '../../server.ts';
import { stopSignal, type CommandContext } from '../context.ts';
import { announceNewDatabase } from '../admin/accounts.ts';
import { databaseOption, parsePort } from '../options.ts';
import { inheritedSocket, systemdOf } from './systemd.ts';

interface ServeOptions {
  readonly database: string;
  readonly host?: string;
  readonly port?: number;
  readonly trustProxy?: string | true;
  readonly inbox?: string;
}

export function serveCommand(context: CommandContext): Command {
  return new Command('serve')
    .description(
      'Serves the API from a database, which is created and migrated if necessary. ' +
        'On SIGTERM or SIGINT the server completes accepted requests, then exits 0. ' +
        'It speaks plain HTTP; put a TLS proxy in front of it (--trust-proxy). ' +
        'If systemd passes a socket (LISTEN_FDS), it listens on that one.',
    )
    .addOption(databaseOption())
    .addOption(
      new Option(
        '--port <number>',
        `port to listen on; 0 means any free port (setting: ONHAND_PORT; default: ${DEFAULT_PORT})`,
      ).argParser(parsePort),
    )
    .addOption(
      new Option(
        '--host <address>',
        `address to listen on (setting: ONHAND_HOST; default: ${DEFAULT_HOST})`,
      ),
    )
    .addOption(
      new Option(
        '--trust-proxy [addresses]',
        'trust X-Forwarded-* headers, from any address or only from these (addresses and CIDR ranges, comma-separated)',
      ),
    )
    .addOption(
      new Option(
        '--inbox <folder>',
        'drop folder: process files that appear in <folder>/<supplier name>/in/',
      ),
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand serve --database sqlite:/var/lib/onhand/onhand.db --port 8080\n' +
        '\nLimits and other settings are in a configuration file or the environment; see docs/operations.md.',
    )
    .action(async (options: ServeOptions) => {
      const stopped = stopSignal();
      announceNewDatabase(context, options.database);
      const { database, host, port, trustProxy, inbox } = options;
      const settings = context.settings({
        database,
        ...(host !== undefined && { host }),
        ...(port !== undefined && { port }),
        ...(trustProxy !== undefined && { trustProxy }),
        ...(inbox !== undefined && { inbox }),
      });
      const systemd = systemdOf(context);
      const server = await startOnAddress(settings, inheritedSocket(context.environment));
      systemd?.ready();
      context.note(
        `onhand serves ${shownDatabase(options.database)} at ${server.url} (documentation: ${server.url}/docs)`,
      );
      if (server.dashboardUrl !== null) context.note(`dashboard: ${server.dashboardUrl}`);
      if (server.dashboardUrl !== null && server.setupSecret !== null) {
        context.note(
          `There is no user yet. To create the first one, open this link; it works once: ${server.dashboardUrl}setup#${server.setupSecret}`,
        );
      }
      warnIfPublic(context, settings);
      await stopped;
      systemd?.stopping();
      await server.close();
    });
}

async function startOnAddress(settings: Settings, socket?: number): Promise<RunningServer> {
  const { startServer } = await import('../../server.ts');
  try {
    return await startServer(settings, undefined, undefined, socket);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = LISTEN_ERRORS[code];
    if (reason === undefined) throw error;
    throw new OnhandError(
      'parameter_invalid',
      `Cannot listen on port ${settings.port} of ${settings.host}: ${reason}.`,
      { cause: error },
    );
  }
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program uses it; stop that program, or choose another port with --port',
  EADDRNOTAVAIL: 'this machine does not have that address; choose another with --host',
  EACCES: 'the operating system does not allow it; choose another port with --port, such as 8080',
  ENOTFOUND: 'there is no such host; choose another with --host',
};

function warnIfPublic(context: CommandContext, { host, trustProxy }: Settings): void {
  const isLoopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  if (isLoopback || trustProxy !== false) return;
  context.note(
    `onhand: warning: listening on ${host} without --trust-proxy: tokens and passwords cross the network unencrypted ` +
      'unless a TLS proxy is in front of this server',
  );
}
