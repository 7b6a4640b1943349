import { Command } from 'commander';
import { PROCESS_ENVIRONMENT } from '../config.ts';
import { version } from '../version.ts';
import { loadSettings } from './configuration.ts';
import { CommandContext } from './context.ts';
import { PUSH_EXIT } from './push/options.ts';
import { EXIT_FAILED, runCommand } from './run.ts';

interface CommandEntry {
  /** What the list of commands says of it. */
  readonly summary: string;
  /** Loads the modules of this command only: those of all commands take as long as the rest of a short command. */
  readonly load: (context: CommandContext) => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: 'run the server',
    load: async (context) => (await import('./serve/serve.ts')).serveCommand(context),
  },
  demo: {
    summary: 'try onhand: run a server with a demo supplier and a temporary database',
    load: async (context) => (await import('./serve/demo.ts')).demoCommand(context),
  },
  organization: {
    summary: 'manage suppliers and retailers',
    load: async (context) => (await import('./admin/organization.ts')).organizationCommand(context),
  },
  connection: {
    summary: 'manage which retailers can read which suppliers',
    load: async (context) => (await import('./admin/organization.ts')).connectionCommand(context),
  },
  user: {
    summary: 'manage users, who log in with a username and password',
    load: async (context) => (await import('./admin/user.ts')).userCommand(context),
  },
  token: {
    summary: 'create, list and revoke access tokens',
    load: async (context) => (await import('./admin/token.ts')).tokenCommand(context),
  },
  apply: {
    summary: 'create or update many organizations, connections and tokens from a CSV file',
    load: async (context) => (await import('./admin/apply.ts')).applyCommand(context),
  },
  import: {
    summary: 'create or update a catalogue from a CSV file or an Excel workbook',
    load: async (context) => (await import('./database/import.ts')).importCommand(context),
  },
  push: {
    summary: 'send inventory files to a server',
    load: async (context) => (await import('./push/push.ts')).pushCommand(context),
  },
  batches: {
    summary: 'list the batches of a supplier, or show one',
    load: async (context) => (await import('./remote/batches.ts')).batchesCommand(context),
  },
  revert: {
    summary: 'undo a batch',
    load: async (context) => (await import('./remote/revert.ts')).revertCommand(context),
  },
  breaker: {
    summary: 'limit how many SKUs one batch can take out of stock',
    load: async (context) => (await import('./admin/supplier.ts')).safetyLimitCommand(context),
  },
  changes: {
    summary: 'read the change feed, and follow it',
    load: async (context) => (await import('./remote/changes.ts')).changesCommand(context),
  },
  freshness: {
    summary: 'set how often suppliers are expected to report',
    load: async (context) => (await import('./admin/supplier.ts')).freshnessCommand(context),
  },
  notification: {
    summary: 'manage who gets notifications',
    load: async (context) =>
      (await import('./remote/notification.ts')).notificationCommand(context),
  },
  audit: {
    summary: 'show and export the audit log',
    load: async (context) => (await import('./database/audit.ts')).auditCommand(context),
  },
  config: {
    summary: 'check and show the settings',
    load: async (context) => (await import('./admin/config.ts')).configCommand(context),
  },
  doctor: {
    summary: 'check a database',
    load: async (context) => (await import('./database/maintenance.ts')).doctorCommand(context),
  },
  backup: {
    summary: 'back up an SQLite database while it is in use',
    load: async (context) => (await import('./database/backup.ts')).backupCommand(context),
  },
  restore: {
    summary: 'restore a backup of an SQLite database',
    load: async (context) => (await import('./database/backup.ts')).restoreCommand(context),
  },
  migrate: {
    summary: "migrate a database's schema to this version of onhand",
    load: async (context) => (await import('./database/maintenance.ts')).migrateCommand(context),
  },
  copy: {
    summary: 'copy everything from one database to another',
    load: async (context) => (await import('./database/maintenance.ts')).copyCommand(context),
  },
  bench: {
    summary: 'measure how many lines per second a server applies',
    load: async (context) => (await import('./bench/bench.ts')).benchCommand(context),
  },
};

/**
 * Builds the command line. Loads only the command that the arguments name; none for the list of commands and for the
 * version; otherwise all.
 */
export async function buildProgram(
  context: CommandContext = new CommandContext(process, PROCESS_ENVIRONMENT),
  args: readonly string[] = ['help'],
): Promise<Command> {
  const program = new Command('onhand')
    .description(
      'An inventory server: stock levels in bulk, a durable result for each line, immediately.',
    )
    .version(version())
    // The options of a command are in its own help.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .option('--config <file>', 'configuration file (environment: ONHAND_CONFIG)')
    .hook('preAction', async (_program, command) => {
      // The commands that check and show the settings must run with wrong ones too.
      if (command.parent?.name() === 'config') return;
      const given = await loadSettings(context, program.opts<{ config?: string }>().config);
      given.refuseMisgiven();
      context.configure(given);
      useDatabaseSetting(context, command);
    });
  for (const command of await commandsFor(args, context)) program.addCommand(command);
  program.addHelpText(
    'after',
    '\nExample:\n  onhand organization create --type supplier "Acme Housewares"\n' +
      '  onhand import catalogue.csv --supplier "Acme Housewares"\n' +
      '  onhand serve\n' +
      '\n"onhand <command> --help" explains a command.',
  );
  return program;
}

/** Sets `--database` of a command that has the option, if it was not given. */
function useDatabaseSetting(context: CommandContext, command: Command): void {
  const isMissing = command.getOptionValue('database') === undefined;
  const hasOption = command.options.some(({ long }) => long === '--database');
  if (isMissing && hasOption) command.setOptionValue('database', context.settings().database);
}

/** The list of commands is printed from their summaries. */
const NEEDS_NO_COMMAND = /^(?:--version|-V|--help|-h|)$/;

async function commandsFor(
  args: readonly string[],
  context: CommandContext,
): Promise<readonly Command[]> {
  const all = Object.entries(COMMANDS);
  if (NEEDS_NO_COMMAND.test(args.join(' '))) {
    return all.map(([name, { summary }]) => new Command(name).summary(summary));
  }
  const named = all.filter(([name]) => name === args[0]);
  return Promise.all(
    (named.length > 0 ? named : all).map(async ([, { summary, load }]) =>
      (await load(context)).summary(summary),
    ),
  );
}

/**
 * Runs one command line and returns its exit code: 0 on success, 1 on failure or a usage error. `push`
 * has more exit codes. Prints an error as one line on stderr.
 */
export async function runProgram(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  const usageExitCode = argv[2] === 'push' ? PUSH_EXIT.usage : EXIT_FAILED;
  return runCommand(() => buildProgram(context, argv.slice(2)), { argv, context, usageExitCode });
}
