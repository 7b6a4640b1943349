import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { databaseOption, supplierOption } from '../options.ts';
import { withSupplier } from './accounts.ts';

interface ExpectOptions {
  readonly supplier: string;
  /** Minutes; null if no report is expected. */
  readonly every: number | null;
  readonly database: string;
}

export function freshnessCommand(context: CommandContext): Command {
  return new Command('freshness')
    .summary('set how often suppliers are expected to report')
    .description(
      'Sets how often suppliers are expected to report inventory. The API shows when each last reported, and which are late.',
    )
    .addCommand(expectCommand(context));
}

function expectCommand(context: CommandContext): Command {
  return new Command('expect')
    .summary('set how often a supplier is expected to report')
    .description(
      'Sets how often a supplier is expected to report. A supplier that has not reported for longer is shown as late.',
    )
    .addOption(supplierOption())
    .addOption(
      new Option(
        '--every <minutes>',
        'longest expected time between reports, in minutes, or "never" (required)',
      )
        .argParser(parseMinutes)
        .makeOptionMandatory(),
    )
    .addOption(databaseOption(context))
    .addHelpText(
      'after',
      '\nExample:\n  onhand freshness expect --supplier "Acme Housewares" --every 1440',
    )
    .action(async ({ every, ...options }: ExpectOptions) => {
      await withSupplier(context, options, ({ changes }, id) =>
        changes.setExpectedInterval(id, every),
      );
      context.print(
        every === null
          ? `"${options.supplier}" is never late.`
          : `"${options.supplier}" is late after ${every} minutes without a report.`,
      );
    });
}

function parseMinutes(text: string): number | null {
  if (text === 'never') return null;
  const minutes = Number(text);
  if (/^[0-9]{1,8}$/.test(text) && minutes >= 1) return minutes;
  throw new InvalidArgumentError('Must be a whole number of minutes, at least 1, or "never".');
}
