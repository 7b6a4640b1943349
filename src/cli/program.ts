import { Command } from 'commander';
import { PROCESS_ENVIRONMENT } from '../config.ts';
import { version } from '../version.ts';
import { loadSettings } from './configuration.ts';
import { CommandContext } from './context.ts';
import { PUSH_EXIT } from './push/options.ts';
import { EXIT_FAILED, runCommand } from './run.ts';

/** Loads each command by itself: the modules of all of them together take as long as the rest of a short command. */
const COMMANDS: Readonly<Record<string, (context: CommandContext) => Promise<Command>>> = {
  serve: async (context) => (await import('./serve/serve.ts')).serveCommand(context),
  demo: async (context) => (await import('./serve/demo.ts')).demoCommand(context),
  organization: async (context) =>
    (await import('./admin/organization.ts')).organizationCommand(context),
  connection: async (context) =>
    (await import('./admin/organization.ts')).connectionCommand(context),
  user: async (context) => (await import('./admin/user.ts')).userCommand(context),
  token: async (context) => (await import('./admin/token.ts')).tokenCommand(context),
  apply: async (context) => (await import('./admin/apply.ts')).applyCommand(context),
  import: async (context) => (await import('./database/import.ts')).importCommand(context),
  push: async (context) => (await import('./push/push.ts')).pushCommand(context),
  batches: async (context) => (await import('./remote/batches.ts')).batchesCommand(context),
  revert: async (context) => (await import('./remote/revert.ts')).revertCommand(context),
  breaker: async (context) => (await import('./admin/supplier.ts')).safetyLimitCommand(context),
  changes: async (context) => (await import('./remote/changes.ts')).changesCommand(context),
  freshness: async (context) => (await import('./admin/supplier.ts')).freshnessCommand(context),
  audit: async (context) => (await import('./database/audit.ts')).auditCommand(context),
  config: async (context) => (await import('./admin/config.ts')).configCommand(context),
  doctor: async (context) => (await import('./database/maintenance.ts')).doctorCommand(context),
  backup: async (context) => (await import('./database/backup.ts')).backupCommand(context),
  restore: async (context) => (await import('./database/backup.ts')).restoreCommand(context),
  migrate: async (context) => (await import('./database/maintenance.ts')).migrateCommand(context),
  copy: async (context) => (await import('./database/maintenance.ts')).copyCommand(context),
  bench: async (context) => (await import('./bench/bench.ts')).benchCommand(context),
};

/** Builds the command line: only with the command that `name`, the first argument, needs; otherwise with all. */
export async function buildProgram(
  context: CommandContext = new CommandContext(process, PROCESS_ENVIRONMENT),
  name = '',
): Promise<Command> {
  const program = new Command('onhand')
    .description(
      'An inventory server: stock levels in bulk, a durable result for each line, immediately.',
    )
    .version(version())
    .option('--config <file>', 'configuration file (environment: ONHAND_CONFIG)')
    .hook('preAction', async (_program, command) => {
      // The commands that check and show the settings must run with wrong ones too.
      if (command.parent?.name() === 'config') return;
      const given = await loadSettings(context, program.opts<{ config?: string }>().config);
      given.refuseMisgiven();
      context.configure(given);
      useDatabaseSetting(context, command);
    });
  for (const load of loadersFor(name)) program.addCommand(await load(context));
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

function loadersFor(name: string): readonly (typeof COMMANDS)[string][] {
  if (name === '--version' || name === '-V') return [];
  const only = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return only === undefined ? Object.values(COMMANDS) : [only];
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
  return runCommand(() => buildProgram(context, argv[2]), { argv, context, usageExitCode });
}
