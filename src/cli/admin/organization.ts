import { Command, Option } from 'commander';
import { parseName } from '../../accounts/names.ts';
import { ORGANIZATION_TYPES, type OrganizationType } from '../../domain/parties.ts';
import { jsonOption, withAccounts } from './accounts.ts';
import { databaseOption } from '../options.ts';
import { formatTime, printLine, printList } from '../output.ts';

export function organizationCommand(): Command {
  return new Command('organization')
    .summary('create and list suppliers and retailers')
    .description(
      'Organizations own users and tokens: suppliers own SKUs, retailers read those of suppliers.',
    )
    .addCommand(createCommand())
    .addCommand(listCommand());
}

function createCommand(): Command {
  return new Command('create')
    .summary('create a supplier or a retailer')
    .description('Creates an organization. Its name is unique and names it in other commands.')
    .argument('<name>', 'name of the organization')
    .addOption(
      new Option('--type <type>', 'what it is; required')
        .choices(ORGANIZATION_TYPES)
        .makeOptionMandatory(),
    )
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand organization create --type supplier "Acme Housewares"',
    )
    .action(
      async (
        name: string,
        options: { readonly type: OrganizationType; readonly database: string },
      ) => {
        const draft = { type: options.type, name: parseName('The name', name) };
        const { uuid } = await withAccounts(options.database, (accounts) =>
          accounts.createOrganization(draft),
        );
        printLine(`Created the ${draft.type} "${draft.name}" (${uuid}).`);
      },
    );
}

function listCommand(): Command {
  return new Command('list')
    .summary('list all organizations')
    .description('Lists all organizations.')
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand organization list --json')
    .action(async (options: { readonly json?: true; readonly database: string }) => {
      const organizations = await withAccounts(options.database, (accounts) =>
        accounts.listOrganizations(),
      );
      const records = organizations.map(({ name, type, uuid, createdAtMs }) => ({
        name,
        type,
        uuid,
        created: formatTime(createdAtMs),
      }));
      printList(['name', 'type', 'uuid', 'created'], records, options.json === true);
    });
}
