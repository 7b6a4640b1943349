import { Command, Option } from 'commander';
import { parseName } from '../../accounts/names.ts';
import { ORGANIZATION_TYPES, type OrganizationType } from '../../domain/parties.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption, jsonOption } from '../options.ts';
import { formatTime, printList } from '../output.ts';
import { withAccounts } from './accounts.ts';

interface CreateOptions {
  readonly type: OrganizationType;
  readonly database: string;
}

export function organizationCommand(context: CommandContext): Command {
  return new Command('organization')
    .summary('create and list suppliers and retailers')
    .description(
      'Manages organizations. Suppliers own SKUs; retailers read the SKUs of the suppliers they are connected to. ' +
        'Every user and token belongs to one organization.',
    )
    .addCommand(createCommand(context))
    .addCommand(listCommand(context));
}

function createCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a supplier or a retailer')
    .description(
      'Creates an organization. Other commands refer to it by its name, which is unique.',
    )
    .argument('<name>', 'name of the organization')
    .addOption(
      new Option('--type <type>', 'type of the organization (required)')
        .choices(ORGANIZATION_TYPES)
        .makeOptionMandatory(),
    )
    .addOption(databaseOption(context))
    .addHelpText(
      'after',
      '\nExample:\n  onhand organization create --type supplier "Acme Housewares"',
    )
    .action(async (name: string, { type, database }: CreateOptions) => {
      const draft = { type, name: parseName('The name', name) };
      const { uuid } = await withAccounts(context, database, (accounts) =>
        accounts.createOrganization(draft),
      );
      context.print(`Created the ${draft.type} "${draft.name}" (${uuid}).`);
    });
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list all organizations')
    .description('Lists all organizations.')
    .addOption(jsonOption())
    .addOption(databaseOption(context))
    .addHelpText('after', '\nExample:\n  onhand organization list --json')
    .action(async ({ json, database }: { readonly json?: true; readonly database: string }) => {
      const organizations = await withAccounts(context, database, (accounts) =>
        accounts.listOrganizations(),
      );
      const records = organizations.map(({ name, type, uuid, createdAtMs }) => ({
        name,
        type,
        uuid,
        created: formatTime(createdAtMs),
      }));
      printList(context, ['name', 'type', 'uuid', 'created'], records, json === true);
    });
}
