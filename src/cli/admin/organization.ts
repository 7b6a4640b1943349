import { Command, Option } from 'commander';
import { parseName } from '../../accounts/validation.ts';
import { ORGANIZATION_TYPES, type OrganizationType } from '../../domain/parties.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption, jsonOption, supplierOption } from '../options.ts';
import { formatTime, printList } from '../output.ts';
import { requireOrganization, withAccounts, withStore } from './accounts.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { AccountStore } from '../../store/store.ts';

interface CreateOptions {
  readonly type: OrganizationType;
  readonly database: string;
}

export function organizationCommand(context: CommandContext): Command {
  return new Command('organization')
    .description(
      'Manages organizations. Suppliers own SKUs; retailers read the SKUs of the suppliers they are connected to; operators manage all of them. ' +
        'Every user and token belongs to one organization.',
    )
    .addCommand(createOrganizationCommand(context))
    .addCommand(listOrganizationsCommand(context))
    .addCommand(renameOrganizationCommand(context))
    .addCommand(disableOrganizationCommand(context))
    .addCommand(enableOrganizationCommand(context));
}

function createOrganizationCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a supplier, a retailer or an operator')
    .description(
      'Creates an organization. Other commands refer to it by its name, which is unique.',
    )
    .argument('<name>', 'name of the organization')
    .addOption(
      new Option('--type <type>', 'type of the organization (required)')
        .choices(ORGANIZATION_TYPES)
        .makeOptionMandatory(),
    )
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand organization create --type supplier "Acme Housewares"',
    )
    .action(async (name: string, { type, database }: CreateOptions) => {
      const draft = { type, name: parseName('The name', name) };
      const { uuid } = await withStore(context, database, ({ accounts }) =>
        accounts.createOrganization(draft),
      );
      context.print(`Created the ${draft.type} "${draft.name}" (${uuid}).`);
    });
}

function listOrganizationsCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list all organizations')
    .description('Lists all organizations.')
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand organization list --json')
    .action(async ({ json, database }: { readonly json?: true; readonly database: string }) => {
      const organizations = await withAccounts(context, database, (accounts) =>
        accounts.listOrganizations(),
      );
      const records = organizations.map(({ name, type, uuid, createdAtMs, disabledAtMs }) => ({
        name,
        type,
        uuid,
        created: formatTime(createdAtMs),
        disabled: formatTime(disabledAtMs),
      }));
      const columns = ['name', 'type', 'uuid', 'created', 'disabled'];
      printList(context, columns, records, json === true);
    });
}

function renameOrganizationCommand(context: CommandContext): Command {
  return new Command('rename')
    .summary('rename an organization')
    .description(
      'Renames an organization. Its users, tokens and SKUs stay; its folder in a drop folder must be renamed too.',
    )
    .argument('<name>', 'name of the organization')
    .argument('<new-name>', 'its new name')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand organization rename "Acme" "Acme Housewares"')
    .action(async (name: string, newName: string, { database }: { readonly database: string }) => {
      const parsed = parseName('The new name', newName);
      await withAccounts(context, database, async (accounts) => {
        const { id } = await requireOrganization(accounts, name);
        await accounts.renameOrganization(id, parsed);
      });
      context.print(`"${name}" is now "${parsed}".`);
    });
}

function disableOrganizationCommand(context: CommandContext): Command {
  return new Command('disable')
    .summary('disable an organization')
    .description(
      'Disables an organization: its logins are refused, its tokens are rejected within two seconds, and its ' +
        'webhooks stop. Nothing is deleted, and retailers still see the SKUs of a disabled supplier.',
    )
    .argument('<name>', 'name of the organization')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand organization disable "Acme Housewares"')
    .action((name: string, { database }: { readonly database: string }) =>
      setDisabled(context, { name, database, isDisabled: true }),
    );
}

function enableOrganizationCommand(context: CommandContext): Command {
  return new Command('enable')
    .summary('enable a disabled organization again')
    .description('Enables a disabled organization again, with its users, tokens and webhooks.')
    .argument('<name>', 'name of the organization')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand organization enable "Acme Housewares"')
    .action((name: string, { database }: { readonly database: string }) =>
      setDisabled(context, { name, database, isDisabled: false }),
    );
}

async function setDisabled(
  context: CommandContext,
  change: { readonly name: string; readonly database: string; readonly isDisabled: boolean },
): Promise<void> {
  const { name, database, isDisabled } = change;
  const wasChanged = await withAccounts(context, database, async (accounts) => {
    const { id } = await requireOrganization(accounts, name);
    return accounts.setOrganizationDisabled(id, isDisabled);
  });
  const state = isDisabled ? 'disabled' : 'enabled';
  context.print(`"${name}" is ${wasChanged ? 'now' : 'already'} ${state}.`);
}

interface PairOptions {
  readonly supplier: string;
  readonly retailer: string;
  readonly database: string;
}

export function connectionCommand(context: CommandContext): Command {
  return new Command('connection')
    .description(
      'Manages connections. A connection lets a retailer read the SKUs of a supplier; without one, a ' +
        'retailer sees nothing.',
    )
    .addCommand(createConnectionCommand(context))
    .addCommand(removeConnectionCommand(context))
    .addCommand(listConnectionsCommand(context));
}

function createConnectionCommand(context: CommandContext): Command {
  return pairCommand('create')
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

function removeConnectionCommand(context: CommandContext): Command {
  return pairCommand('remove')
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

function pairCommand(name: string): Command {
  return new Command(name)
    .addOption(supplierOption())
    .requiredOption('--retailer <name>', 'name of the retailer (required)')
    .addOption(databaseOption());
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

function listConnectionsCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list all connections')
    .description('Lists which retailers can read which suppliers.')
    .addOption(jsonOption())
    .addOption(databaseOption())
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
