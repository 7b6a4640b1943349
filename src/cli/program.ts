import { Command, CommanderError } from 'commander';
import { OnhandError } from '../domain/errors.ts';
import { version } from '../version.ts';
import { backupCommand } from './database/backup.ts';
import { batchesCommand } from './remote/batches.ts';
import { benchCommand } from './bench/bench.ts';
import { safetyLimitCommand } from './admin/safety-limit.ts';
import { changesCommand } from './remote/changes.ts';
import { connectionCommand } from './admin/connection.ts';
import { copyCommand } from './database/copy.ts';
import { demoCommand } from './serve/demo.ts';
import { doctorCommand } from './database/doctor.ts';
import { freshnessCommand } from './admin/freshness.ts';
import { importCommand } from './database/import.ts';
import { migrateCommand } from './database/migrate.ts';
import { organizationCommand } from './admin/organization.ts';
import { printNote } from './output.ts';
import { pushCommand } from './push/push.ts';
import { PUSH_EXIT } from './push/report.ts';
import { revertCommand } from './remote/revert.ts';
import { serveCommand } from './serve/serve.ts';
import { tokenCommand } from './admin/token.ts';
import { userCommand } from './admin/user.ts';

const EXIT_FAILED = 1;

/** The whole command line. */
export function buildProgram(): Command {
  const program = new Command('onhand')
    .description(
      'An inventory server: stock levels in bulk, a durable verdict for each line, at once.',
    )
    .version(version())
    .addCommand(serveCommand())
    .addCommand(demoCommand())
    .addCommand(organizationCommand())
    .addCommand(connectionCommand())
    .addCommand(userCommand())
    .addCommand(tokenCommand())
    .addCommand(importCommand())
    .addCommand(pushCommand())
    .addCommand(batchesCommand())
    .addCommand(revertCommand())
    .addCommand(safetyLimitCommand())
    .addCommand(changesCommand())
    .addCommand(freshnessCommand())
    .addCommand(doctorCommand())
    .addCommand(backupCommand())
    .addCommand(migrateCommand())
    .addCommand(copyCommand())
    .addCommand(benchCommand())
    .addHelpText(
      'after',
      '\nExample:\n  onhand organization create --type supplier "Acme Housewares"\n' +
        '  onhand import catalogue.csv --supplier "Acme Housewares"\n' +
        '  onhand serve\n' +
        '\n"onhand <command> --help" explains a command.',
    );
  throwInsteadOfExiting(program);
  return program;
}

/** Commands that are added do not take these settings from the program. */
function throwInsteadOfExiting(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help explains)');
  for (const inner of command.commands) throwInsteadOfExiting(inner);
}

/**
 * Runs one command line and gives the exit code: 0, or 1 where it failed or was not understood; `push`
 * has more.
 * What went wrong is said in one line on stderr.
 */
export async function runProgram(argv: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return reportFailure(error, argv);
  }
}

function reportFailure(error: unknown, [, , command]: readonly string[]): number {
  // Commander has said already what was wrong, or shown the help that was asked for.
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    return command === 'push' ? PUSH_EXIT.usage : EXIT_FAILED;
  }
  printNote(`onhand: ${failureText(error)}`);
  return EXIT_FAILED;
}

function failureText(error: unknown): string {
  if (error instanceof OnhandError) return error.message.replaceAll(/\s*\n\s*/g, ' ');
  if (!(error instanceof Error)) return `unexpected failure: ${String(error)}`;
  // What the operating system refused (a full disk, a file, a port) is no bug and needs no stack.
  if ('syscall' in error) return error.message;
  return `unexpected failure\n${error.stack ?? error.message}`;
}
