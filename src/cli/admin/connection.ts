import { Command } from 'commander';
import { OnhandError } from '../../domain/errors.ts';
import type { AccountStore } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption, jsonOption, supplierOption } from '../options.ts';
import { formatTime, printList } from '../output.ts';
import { requireOrganization, withAccounts } from './accounts.ts';

interface PairOptions {
  readonly supplier: string;
  readonly retailer: string;
  readonly database: string;
}

export function connectionCommand(context: CommandContext): Command {
  return new Command('connection')
    .summary('manage which retailers can read which suppliers')
    .description(
      'Manages connections. A connection lets a retailer read the SKUs of a supplier; without one, a ' +
        'retailer sees nothing.',
    )
    .addCommand(createCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(listCommand(context));
}

function createCommand(context: CommandContext): Command {
  return pairCommand('create', context)
    .summary('let a retailer read the SKUs of a supplier')
    .description(
      'Lets a retailer read the SKUs of a supplier, effective with its next request. Repeating the command changes nothing.',
    )
    .addHelpText(
      'after',
      '\nExample:\n  onhand connection create --supplier "Acme Housewares" --retailer "Corner Shop"',
    )
    .action(async (options: PairOptions) => {
      const isNew = await withPair(context, options, (accounts, supplierId, retailerId) =>
        accounts.createConnection(supplierId, retailerId),
      );
      context.print(
        `"${options.retailer}" can ${isNew ? 'now' : 'already'} read the SKUs of "${options.supplier}".`,
      );
    });
}

function removeCommand(context: CommandContext): Command {
  return pairCommand('remove', context)
    .summary('remove a connection')
    .description('Removes a connection: the retailer can no longer read the SKUs of the supplier.')
    .addHelpText(
      'after',
      '\nExample:\n  onhand connection remove --supplier "Acme Housewares" --retailer "Corner Shop"',
    )
    .action(async (options: PairOptions) => {
      const existed = await withPair(context, options, (accounts, supplierId, retailerId) =>
        accounts.removeConnection(supplierId, retailerId),
      );
      if (!existed) {
        throw new OnhandError(
          'parameter_invalid',
          `"${options.retailer}" is not connected to "${options.supplier}".`,
        );
      }
      context.print(`"${options.retailer}" can no longer read the SKUs of "${options.supplier}".`);
    });
}

function pairCommand(name: string, context: CommandContext): Command {
  return new Command(name)
    .addOption(supplierOption())
    .requiredOption('--retailer <name>', 'name of the retailer (required)')
    .addOption(databaseOption(context));
}

function withPair(
  context: CommandContext,
  options: PairOptions,
  work: (accounts: AccountStore, supplierId: number, retailerId: number) => Promise<boolean>,
): Promise<boolean> {
  return withAccounts(context, options.database, async (accounts) => {
    const supplier = await requireOrganization(accounts, options.supplier, 'supplier');
    const retailer = await requireOrganization(accounts, options.retailer, 'retailer');
    return work(accounts, supplier.id, retailer.id);
  });
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list all connections')
    .description('Lists which retailers can read which suppliers.')
    .addOption(jsonOption())
    .addOption(databaseOption(context))
    .addHelpText('after', '\nExample:\n  onhand connection list --json')
    .action(async ({ json, database }: { readonly json?: true; readonly database: string }) => {
      const connections = await withAccounts(context, database, (accounts) =>
        accounts.listConnections(),
      );
      const records = connections.map(({ supplier, retailer, createdAtMs }) => ({
        supplier,
        retailer,
        created: formatTime(createdAtMs),
      }));
      printList(context, ['supplier', 'retailer', 'created'], records, json === true);
    });
}
