import { CommanderError, type Command } from 'commander';
import { OnhandError } from '../domain/errors.ts';
import type { CommandContext } from './context.ts';

/** The exit code of a command that failed. */
export const EXIT_FAILED = 1;

interface CommandLine {
  readonly argv: readonly string[];
  readonly context: CommandContext;
  /** The exit code if the command line is invalid. */
  readonly usageExitCode: number;
}

/** Runs a command line; returns its exit code. Prints an error as one line on stderr. */
export async function runCommand(
  build: () => Promise<Command>,
  { argv, context, usageExitCode }: CommandLine,
): Promise<number> {
  try {
    const program = await build();
    configure(program, context);
    await program.parseAsync([...argv]);
    return context.exitCode;
  } catch (error) {
    // Commander has already printed the error, or the help that was requested.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
    context.note(`onhand: ${failureText(error)}`);
    return EXIT_FAILED;
  }
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

function failureText(error: unknown): string {
  if (error instanceof OnhandError) return error.message.replaceAll(/\s*\n\s*/g, ' ');
  if (!(error instanceof Error)) return `unexpected error: ${String(error)}`;
  // A system call that failed (full disk, missing file, port in use) is not a bug: no stack trace.
  if ('syscall' in error) return error.message;
  return `unexpected error\n${error.stack ?? error.message}`;
}
