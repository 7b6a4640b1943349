import { Command, InvalidArgumentError, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { databaseOption, supplierOption, wholeNumberParser } from '../options.ts';
import { commandLineAuthor, withSupplier } from './accounts.ts';

/** What an operator sets per supplier: its safety limit (`onhand breaker`), and how often it is expected to report. */

const SKUS_MIN_MAX = 9_999_999_999;

interface SupplierOptions {
  readonly supplier: string;
  readonly database: string;
}

interface SetOptions extends SupplierOptions {
  readonly percent: number;
  readonly skusMin: number;
}

export function safetyLimitCommand(context: CommandContext): Command {
  return new Command('breaker')
    .description(
      "Manages suppliers' breakers. A breaker holds back a batch that would set too many of the supplier's SKUs to zero " +
        'or discontinue them, until it is confirmed. A supplier without a breaker has the limits of the server, ' +
        'which apply to snapshots only.',
    )
    .addCommand(setCommand(context))
    .addCommand(clearCommand(context))
    .addCommand(showCommand(context));
}

function setCommand(context: CommandContext): Command {
  return supplierCommand('set')
    .summary("set a supplier's breaker")
    .description("Sets a supplier's breaker. A batch is held back if it exceeds both limits.")
    .addOption(
      new Option(
        '--percent <number>',
        'hold back more than this percentage of the SKUs that are for sale (required)',
      )
        .argParser(parsePercent)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--skus-min <number>', 'hold back only if at least this many SKUs (required)')
        .argParser(wholeNumberParser(1, SKUS_MIN_MAX))
        .makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand breaker set --supplier "Acme Housewares" --percent 30 --skus-min 50',
    )
    .action(async ({ percent, skusMin, ...options }: SetOptions) => {
      await withSupplier(context, options, ({ batches }, id) =>
        batches.setSafetyLimit(id, { percentMax: percent, skusMin }, commandLineAuthor()),
      );
      context.print(limitText(options.supplier, percent, skusMin));
    });
}

function clearCommand(context: CommandContext): Command {
  return supplierCommand('clear')
    .summary("remove a supplier's breaker")
    .description("Removes a supplier's breaker. The limits of the server apply again.")
    .addHelpText('after', '\nExample:\n  onhand breaker clear --supplier "Acme Housewares"')
    .action(async (options: SupplierOptions) => {
      await withSupplier(context, options, ({ batches }, id) =>
        batches.setSafetyLimit(id, null, commandLineAuthor()),
      );
      context.print(noLimitText(options.supplier));
    });
}

function showCommand(context: CommandContext): Command {
  return supplierCommand('show')
    .summary("show a supplier's breaker")
    .description("Shows a supplier's breaker.")
    .addHelpText('after', '\nExample:\n  onhand breaker show --supplier "Acme Housewares"')
    .action(async (options: SupplierOptions) => {
      const limit = await withSupplier(context, options, ({ batches }, id) =>
        batches.safetyLimitOf(id),
      );
      context.print(
        limit === null
          ? noLimitText(options.supplier)
          : limitText(options.supplier, limit.percentMax, limit.skusMin),
      );
    });
}

function supplierCommand(name: string): Command {
  return new Command(name).addOption(supplierOption()).addOption(databaseOption());
}

function limitText(supplier: string, percent: number, skusMin: number): string {
  return `Batches of "${supplier}" are held back if they take more than ${percent} % of its SKUs, and at least ${skusMin}, out of stock.`;
}

function noLimitText(supplier: string): string {
  return `"${supplier}" has no breaker. Its snapshots are held back by the limits of the server.`;
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (/^[0-9]{1,3}(?:\.[0-9]+)?$/.test(text) && percent <= 100) return percent;
  throw new InvalidArgumentError('Must be a number from 0 to 100.');
}

interface ExpectOptions extends SupplierOptions {
  /** Minutes; null if no report is expected. */
  readonly every: number | null;
}

export function freshnessCommand(context: CommandContext): Command {
  return new Command('freshness')
    .description(
      'Sets how often suppliers are expected to report inventory. The API shows when each last reported, and which are late.',
    )
    .addCommand(expectCommand(context));
}

function expectCommand(context: CommandContext): Command {
  return supplierCommand('expect')
    .summary('set how often a supplier is expected to report')
    .description(
      'Sets how often a supplier is expected to report. A supplier that has not reported for longer is shown as late.',
    )
    .addOption(
      new Option(
        '--every <minutes>',
        'longest expected time between reports, in minutes, or "never" (required)',
      )
        .argParser(parseMinutes)
        .makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand freshness expect --supplier "Acme Housewares" --every 1440',
    )
    .action(async ({ every, ...options }: ExpectOptions) => {
      await withSupplier(context, options, ({ changes }, id) =>
        changes.setExpectedInterval(id, every, commandLineAuthor()),
      );
      context.print(
        every === null
          ? `"${options.supplier}" is never late.`
          : `"${options.supplier}" is late after ${every} minutes without a report.`,
      );
    });
}

/** Parses an expected interval in minutes; null for `never`. */
export function parseMinutes(text: string): number | null {
  if (text === 'never') return null;
  const minutes = Number(text);
  if (/^[0-9]{1,8}$/.test(text) && minutes >= 1) return minutes;
  throw new InvalidArgumentError('Must be a whole number of minutes, at least 1, or "never".');
}
