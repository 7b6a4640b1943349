import { Command, CommanderError } from 'commander';
import { PROCESS_ENVIRONMENT } from '../config.ts';
import { OnhandError } from '../domain/errors.ts';
import { version } from '../version.ts';
import { connectionCommand, organizationCommand } from './admin/organization.ts';
import { freshnessCommand, safetyLimitCommand } from './admin/supplier.ts';
import { tokenCommand } from './admin/token.ts';
import { userCommand } from './admin/user.ts';
import { benchCommand } from './bench/bench.ts';
import { CommandContext } from './context.ts';
import {
  backupCommand,
  doctorCommand,
  migrateCommand,
  copyCommand,
} from './database/maintenance.ts';
import { importCommand } from './database/import.ts';
import { PUSH_EXIT } from './push/options.ts';
import { pushCommand } from './push/push.ts';
import { batchesCommand } from './remote/batches.ts';
import { changesCommand } from './remote/changes.ts';
import { revertCommand } from './remote/revert.ts';
import { demoCommand } from './serve/demo.ts';
import { serveCommand } from './serve/serve.ts';

const EXIT_FAILED = 1;

/** Builds the command line with all commands. */
export function buildProgram(
  context: CommandContext = new CommandContext(process, PROCESS_ENVIRONMENT),
): Command {
  const program = new Command('onhand')
    .description(
      'An inventory server: stock levels in bulk, a durable result for each line, immediately.',
    )
    .version(version())
    .addCommand(serveCommand(context))
    .addCommand(demoCommand(context))
    .addCommand(organizationCommand(context))
    .addCommand(connectionCommand(context))
    .addCommand(userCommand(context))
    .addCommand(tokenCommand(context))
    .addCommand(importCommand(context))
    .addCommand(pushCommand(context))
    .addCommand(batchesCommand(context))
    .addCommand(revertCommand(context))
    .addCommand(safetyLimitCommand(context))
    .addCommand(changesCommand(context))
    .addCommand(freshnessCommand(context))
    .addCommand(doctorCommand(context))
    .addCommand(backupCommand(context))
    .addCommand(migrateCommand(context))
    .addCommand(copyCommand(context))
    .addCommand(benchCommand(context))
    .addHelpText(
      'after',
      '\nExample:\n  onhand organization create --type supplier "Acme Housewares"\n' +
        '  onhand import catalogue.csv --supplier "Acme Housewares"\n' +
        '  onhand serve\n' +
        '\n"onhand <command> --help" explains a command.',
    );
  configure(program, context);
  return program;
}

/** Subcommands do not inherit these settings from the program. */
function configure(command: Command, context: CommandContext): void {
  command
    .exitOverride()
    .showHelpAfterError('(--help explains)')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    });
  for (const subcommand of command.commands) configure(subcommand, context);
}

/**
 * Runs one command line and returns its exit code: 0 on success, 1 on failure or a usage error. `push`
 * has more exit codes. Prints an error as one line on stderr.
 */
export async function runProgram(
  argv: readonly string[],
  context: CommandContext,
): Promise<number> {
  try {
    await buildProgram(context).parseAsync([...argv]);
    return context.exitCode;
  } catch (error) {
    return reportFailure(error, argv, context);
  }
}

function reportFailure(
  error: unknown,
  [, , command]: readonly string[],
  context: CommandContext,
): number {
  // Commander has already printed the error, or the help that was requested.
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return command === 'push' ? PUSH_EXIT.usage : EXIT_FAILED;
  }
  context.note(`onhand: ${failureText(error)}`);
  return EXIT_FAILED;
}

function failureText(error: unknown): string {
  if (error instanceof OnhandError) return error.message.replaceAll(/\s*\n\s*/g, ' ');
  if (!(error instanceof Error)) return `unexpected error: ${String(error)}`;
  // A system call that failed (full disk, missing file, port in use) is not a bug: no stack trace.
  if ('syscall' in error) return error.message;
  return `unexpected error\n${error.stack ?? error.message}`;
}
