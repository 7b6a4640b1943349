import { Command } from 'commander';
import { hashPassword } from '../../accounts/credentials.ts';
import { parseName } from '../../accounts/names.ts';
import { parsePermissions } from '../../accounts/permissions.ts';
import { permissionOption, requireOrganization, withAccounts } from './accounts.ts';
import { databaseOption } from '../options.ts';
import { printLine } from '../output.ts';
import { askNewPassword } from './password.ts';

interface CreateOptions {
  readonly organization: string;
  readonly username: string;
  readonly permission: readonly string[];
  readonly database: string;
}

export function userCommand(): Command {
  return new Command('user')
    .summary('create users, who log in by name and password')
    .description('Users of an organization log in with a username and a password.')
    .addCommand(createCommand());
}

function createCommand(): Command {
  return new Command('create')
    .summary('create a user')
    .description(
      'Creates a user who can log in for an organization. The password is asked for on a terminal, ' +
        'or read from the first line of stdin; only its hash (scrypt) is stored.',
    )
    .requiredOption('--organization <name>', 'name of the organization (required)')
    .requiredOption('--username <name>', 'name to log in with; unique (required)')
    .addOption(permissionOption())
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand user create --organization "Acme Housewares" --username wile --permission view_items',
    )
    .action(async (options: CreateOptions) => {
      const username = parseName('The username', options.username);
      const { uuid } = await withAccounts(options.database, async (accounts) => {
        const { id, type } = await requireOrganization(accounts, options.organization);
        const permissions = parsePermissions(type, options.permission);
        const passwordHash = await hashPassword(await askNewPassword());
        return accounts.createUser({ organizationId: id, username, passwordHash, permissions });
      });
      printLine(`Created the user "${username}" of "${options.organization}" (${uuid}).`);
    });
}
