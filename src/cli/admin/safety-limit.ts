import { Command, InvalidArgumentError, Option } from 'commander';
import { openStore } from '../../databases.ts';
import type { BatchStore } from '../../store/store.ts';
import { requireOrganization } from './accounts.ts';
import { databaseOption } from '../options.ts';
import { printLine } from '../output.ts';

interface SupplierOptions {
  readonly supplier: string;
  readonly database: string;
}

interface SetOptions extends SupplierOptions {
  readonly percent: number;
  readonly skusMin: number;
}

export function safetyLimitCommand(): Command {
  return new Command('breaker')
    .summary('hold back batches that take too many SKUs down')
    .description(
      "A supplier's breaker holds back a batch that would take too many of its SKUs to zero or discontinue " +
        'them, until it is confirmed. Without one, only snapshots are held back, by the settings of the server.',
    )
    .addCommand(setCommand())
    .addCommand(clearCommand())
    .addCommand(showCommand());
}

function setCommand(): Command {
  return supplierCommand('set')
    .summary("set a supplier's breaker")
    .description(
      'Sets the breaker of a supplier; a batch is held back where it passes both bounds.',
    )
    .addOption(
      new Option(
        '--percent <number>',
        'more than this share of the SKUs that can be sold; required',
      )
        .argParser(parsePercent)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--skus-min <number>', 'and at least so many SKUs; required')
        .argParser(parseSkusMin)
        .makeOptionMandatory(),
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand breaker set --supplier "Acme Housewares" --percent 30 --skus-min 50',
    )
    .action(async ({ percent, skusMin, ...options }: SetOptions) => {
      await withSupplier(options, (batches, id) =>
        batches.setSafetyLimit(id, { percentMax: percent, skusMin }),
      );
      printLine(held(options.supplier, percent, skusMin));
    });
}

function clearCommand(): Command {
  return supplierCommand('clear')
    .summary("take a supplier's breaker away")
    .description('Takes the breaker of a supplier away: the settings of the server hold again.')
    .addHelpText('after', '\nExample:\n  onhand breaker clear --supplier "Acme Housewares"')
    .action(async (options: SupplierOptions) => {
      await withSupplier(options, (batches, id) => batches.setSafetyLimit(id, null));
      printLine(none(options.supplier));
    });
}

function showCommand(): Command {
  return supplierCommand('show')
    .summary("show a supplier's breaker")
    .description('Shows the breaker of a supplier.')
    .addHelpText('after', '\nExample:\n  onhand breaker show --supplier "Acme Housewares"')
    .action(async (options: SupplierOptions) => {
      const breaker = await withSupplier(options, (batches, id) => batches.safetyLimitOf(id));
      printLine(
        breaker === null
          ? none(options.supplier)
          : held(options.supplier, breaker.percentMax, breaker.skusMin),
      );
    });
}

function supplierCommand(name: string): Command {
  return new Command(name)
    .requiredOption('--supplier <name>', 'name of the supplier (required)')
    .addOption(databaseOption());
}

async function withSupplier<T>(
  { supplier, database }: SupplierOptions,
  work: (batches: BatchStore, supplierId: number) => Promise<T>,
): Promise<T> {
  const store = await openStore(database);
  try {
    const { id } = await requireOrganization(store.accounts, supplier, 'supplier');
    return await work(store.batches, id);
  } finally {
    await store.close();
  }
}

function held(supplier: string, percent: number, skusMin: number): string {
  return `Batches of "${supplier}" that take more than ${percent} % of its SKUs down, and at least ${skusMin}, are held back.`;
}

function none(supplier: string): string {
  return `"${supplier}" has no breaker of its own: only its snapshots are held back, by the settings of the server.`;
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (/^[0-9]{1,3}(?:\.[0-9]+)?$/.test(text) && percent <= 100) return percent;
  throw new InvalidArgumentError('A share is a number from 0 to 100.');
}

function parseSkusMin(text: string): number {
  const skusMin = Number(text);
  if (/^[0-9]{1,10}$/.test(text) && skusMin >= 1) return skusMin;
  throw new InvalidArgumentError('A whole number of at least 1 is needed.');
}
