import { Command, InvalidArgumentError, Option } from 'commander';
import { openStore } from '../../databases.ts';
import { requireOrganization } from './accounts.ts';
import { databaseOption } from '../options.ts';
import { printLine } from '../output.ts';

interface ExpectOptions {
  readonly supplier: string;
  readonly every: number | null;
  readonly database: string;
}

export function freshnessCommand(): Command {
  return new Command('freshness')
    .summary('say how often suppliers are to be heard')
    .description(
      'How recent what suppliers say is can be asked of the server; here it is said how often each is to be heard.',
    )
    .addCommand(expectCommand());
}

function expectCommand(): Command {
  return new Command('expect')
    .summary('set how often a supplier is to be heard')
    .description('Sets how often a supplier is to be heard: after longer, it is told to be late.')
    .requiredOption('--supplier <name>', 'name of the supplier (required)')
    .addOption(
      new Option('--every <minutes>', 'at least once in so many minutes; or "never"; required')
        .argParser(parseMinutes)
        .makeOptionMandatory(),
    )
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand freshness expect --supplier "Acme Housewares" --every 1440',
    )
    .action(async ({ supplier, every, database }: ExpectOptions) => {
      const store = await openStore(database);
      try {
        const { id } = await requireOrganization(store.accounts, supplier, 'supplier');
        await store.changes.setExpectedInterval(id, every);
      } finally {
        await store.close();
      }
      printLine(
        every === null
          ? `"${supplier}" is not expected at any time.`
          : `"${supplier}" is late when it was not heard for more than ${every} minutes.`,
      );
    });
}

function parseMinutes(text: string): number | null {
  if (text === 'never') return null;
  const minutes = Number(text);
  if (/^[0-9]{1,8}$/.test(text) && minutes >= 1) return minutes;
  throw new InvalidArgumentError('A whole number of minutes is needed, at least 1, or "never".');
}
