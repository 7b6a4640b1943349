import { Command } from 'commander';
import { OnhandError } from '../../domain/errors.ts';
import type { AccountStore } from '../../store/store.ts';
import { jsonOption, requireOrganization, withAccounts } from './accounts.ts';
import { databaseOption } from '../options.ts';
import { formatTime, printLine, printList } from '../output.ts';

interface PairOptions {
  readonly supplier: string;
  readonly retailer: string;
  readonly database: string;
}

export function connectionCommand(): Command {
  return new Command('connection')
    .summary('say which retailers see which suppliers')
    .description(
      'A connection lets a retailer see the SKUs of a supplier. Retailers see nothing else.',
    )
    .addCommand(createCommand())
    .addCommand(removeCommand())
    .addCommand(listCommand());
}

function createCommand(): Command {
  return pairCommand('create')
    .summary('let a retailer see the SKUs of a supplier')
    .description('Lets a retailer see the SKUs of a supplier, from its next request on.')
    .addHelpText(
      'after',
      '\nExample:\n  onhand connection create --supplier "Acme Housewares" --retailer "Corner Shop"',
    )
    .action(async (options: PairOptions) => {
      const isNew = await withPair(options, (accounts, supplierId, retailerId) =>
        accounts.createConnection(supplierId, retailerId),
      );
      printLine(
        `"${options.retailer}" ${isNew ? 'now sees' : 'already saw'} the SKUs of "${options.supplier}".`,
      );
    });
}

function removeCommand(): Command {
  return pairCommand('remove')
    .summary('end a connection')
    .description('Ends a connection: the retailer no longer sees the SKUs of the supplier.')
    .addHelpText(
      'after',
      '\nExample:\n  onhand connection remove --supplier "Acme Housewares" --retailer "Corner Shop"',
    )
    .action(async (options: PairOptions) => {
      const wasThere = await withPair(options, (accounts, supplierId, retailerId) =>
        accounts.removeConnection(supplierId, retailerId),
      );
      if (!wasThere) {
        throw new OnhandError(
          'parameter_invalid',
          `"${options.retailer}" did not see the SKUs of "${options.supplier}".`,
        );
      }
      printLine(`"${options.retailer}" no longer sees the SKUs of "${options.supplier}".`);
    });
}

function pairCommand(name: string): Command {
  return new Command(name)
    .requiredOption('--supplier <name>', 'name of the supplier (required)')
    .requiredOption('--retailer <name>', 'name of the retailer (required)')
    .addOption(databaseOption());
}

function withPair(
  options: PairOptions,
  work: (accounts: AccountStore, supplierId: number, retailerId: number) => Promise<boolean>,
): Promise<boolean> {
  return withAccounts(options.database, async (accounts) => {
    const supplier = await requireOrganization(accounts, options.supplier, 'supplier');
    const retailer = await requireOrganization(accounts, options.retailer, 'retailer');
    return work(accounts, supplier.id, retailer.id);
  });
}

function listCommand(): Command {
  return new Command('list')
    .summary('list all connections')
    .description('Lists which retailers see which suppliers.')
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand connection list --json')
    .action(async (options: { readonly json?: true; readonly database: string }) => {
      const connections = await withAccounts(options.database, (accounts) =>
        accounts.listConnections(),
      );
      const records = connections.map(({ supplier, retailer, createdAtMs }) => ({
        supplier,
        retailer,
        created: formatTime(createdAtMs),
      }));
      printList(['supplier', 'retailer', 'created'], records, options.json === true);
    });
}
