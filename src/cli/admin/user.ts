import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Command } from 'commander';
import { hashPassword } from '../../accounts/credentials.ts';
import { createOperator } from '../../accounts/first-setup.ts';
import { checkNewPassword } from '../../accounts/new-password.ts';
import { parseName, parsePermissions } from '../../accounts/validation.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption, jsonOption } from '../options.ts';
import { formatTime, printList } from '../output.ts';
import { permissionOption, requireOrganization, withAccounts, withStore } from './accounts.ts';

/** The operator's name unless another is given. */
const OPERATOR_NAME = 'Operator';

interface CreateOptions {
  readonly organization?: string;
  readonly operator?: true | string;
  readonly username: string;
  readonly permission: readonly string[];
  readonly database: string;
}

export function userCommand(context: CommandContext): Command {
  return new Command('user')
    .description('Manages users. A user of an organization logs in with a username and password.')
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(passwordCommand(context))
    .addCommand(disableCommand(context))
    .addCommand(enableCommand(context));
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list all users')
    .description('Lists all users who can log in.')
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand user list --json')
    .action(async ({ json, database }: { readonly json?: true; readonly database: string }) => {
      const users = await withAccounts(context, database, (accounts) => accounts.listUsers());
      const records = users.map((user) => ({
        username: user.username,
        organization: user.organization,
        permissions: user.permissions,
        created: formatTime(user.createdAtMs),
        disabled: formatTime(user.disabledAtMs),
      }));
      const columns = ['username', 'organization', 'permissions', 'created', 'disabled'];
      printList(context, columns, records, json === true);
    });
}

function passwordCommand(context: CommandContext): Command {
  return new Command('password')
    .summary("change a user's password")
    .description(
      "Changes a user's password and ends the tokens of earlier logins. Prompts for the new password on a " +
        'terminal, otherwise reads it from the first line of stdin.',
    )
    .argument('<username>', 'name of the user')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand user password wile')
    .action(async (username: string, { database }: { readonly database: string }) => {
      const wasChanged = await withAccounts(context, database, async (accounts) => {
        const passwordHash = await hashPassword(await askNewPassword(context, username));
        return accounts.setPassword(username, passwordHash);
      });
      if (!wasChanged) {
        throw new OnhandError(
          'parameter_invalid',
          `There is no user "${username}". "onhand user list" shows all users.`,
        );
      }
      context.print(
        `The user "${username}" has a new password. Earlier logins are no longer valid.`,
      );
    });
}

function disableCommand(context: CommandContext): Command {
  return new Command('disable')
    .summary('disable a user')
    .description(
      'Disables a user: logins are refused, tokens of earlier logins are rejected within two seconds, and ' +
        'webhooks that the user made stop. Nothing is deleted.',
    )
    .argument('<username>', 'name of the user')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand user disable wile')
    .action((username: string, { database }: { readonly database: string }) =>
      setDisabled(context, { username, database, isDisabled: true }),
    );
}

function enableCommand(context: CommandContext): Command {
  return new Command('enable')
    .summary('enable a disabled user again')
    .description('Enables a disabled user again, with its unexpired tokens and its webhooks.')
    .argument('<username>', 'name of the user')
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand user enable wile')
    .action((username: string, { database }: { readonly database: string }) =>
      setDisabled(context, { username, database, isDisabled: false }),
    );
}

async function setDisabled(
  context: CommandContext,
  change: { readonly username: string; readonly database: string; readonly isDisabled: boolean },
): Promise<void> {
  const { username, database, isDisabled } = change;
  const state = isDisabled ? 'disabled' : 'enabled';
  const wasChanged = await withAccounts(context, database, (accounts) =>
    accounts.setUserDisabled(username, isDisabled),
  );
  if (!wasChanged) {
    throw new OnhandError(
      'parameter_invalid',
      `There is no user "${username}", or the user is ${state} already.`,
    );
  }
  context.print(`The user "${username}" is ${state}.`);
}

function createCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a user')
    .description(
      'Creates a user who can log in for an organization. Prompts for the password on a terminal, ' +
        'otherwise reads it from the first line of stdin. It needs at least 12 characters and must not be common. ' +
        'Only its hash (scrypt) is stored.',
    )
    .option('--organization <name>', 'name of the organization (required without --operator)')
    .option(
      '--operator [name]',
      `a user of the operator of this name, which is created if there is none (default: "${OPERATOR_NAME}")`,
    )
    .requiredOption('--username <name>', 'name to log in with; must be unique (required)')
    .addOption(permissionOption())
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  onhand user create --organization "Acme Housewares" --username wile --permission view_items',
    )
    .action(async (options: CreateOptions) => {
      const username = parseName('The username', options.username);
      const { organization } = options;
      if (organization === undefined) return createOperatorUser(context, username, options);
      if (options.operator !== undefined) throw oneOrganization();
      const { uuid } = await withAccounts(context, options.database, async (accounts) => {
        const { id, type } = await requireOrganization(accounts, organization);
        const permissions = parsePermissions(type, options.permission);
        const passwordHash = await hashPassword(await askNewPassword(context, username));
        return accounts.createUser({ organizationId: id, username, passwordHash, permissions });
      });
      context.print(`Created the user "${username}" of "${organization}" (${uuid}).`);
    });
}

async function createOperatorUser(
  context: CommandContext,
  username: string,
  { operator, permission, database }: CreateOptions,
): Promise<void> {
  if (operator === undefined) throw oneOrganization();
  if (permission.length > 0) {
    throw new OnhandError(
      'parameter_invalid',
      '--operator gives all permissions. Leave --permission out, or name the operator with --organization.',
    );
  }
  const organization = operator === true ? OPERATOR_NAME : parseName('The name', operator);
  const password = await askNewPassword(context, username);
  const { uuid } = await withStore(context, database, ({ accounts }) =>
    createOperator(accounts, { organization, username, password }),
  );
  context.print(`Created the user "${username}" of the operator "${organization}" (${uuid}).`);
}

function oneOrganization(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'Give either --organization or --operator: the organization that the user belongs to.',
  );
}

/**
 * Reads and checks a new password: prompts twice on a terminal, without echo; otherwise reads the first line of
 * stdin. It is never an argument, which other users of the machine could see. Rejects if there is none, the two
 * differ, or it is weak.
 */
async function askNewPassword(context: CommandContext, username: string): Promise<string> {
  const password = await readNewPassword(context);
  checkNewPassword(password, username);
  return password;
}

async function readNewPassword(context: CommandContext): Promise<string> {
  if (context.stdin.isTTY !== true) return readFirstLine(context);
  const password = await promptHidden('Password: ', context);
  if ((await promptHidden('Repeat the password: ', context)) !== password) {
    throw new OnhandError('parameter_invalid', 'The two passwords differ.');
  }
  return password;
}

async function readFirstLine({ stdin }: CommandContext): Promise<string> {
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return line;
    throw noPassword();
  } finally {
    lines.close();
  }
}

async function promptHidden(prompt: string, { stdin, stderr }: CommandContext): Promise<string> {
  stderr.write(prompt);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({
    input: stdin,
    output: nowhere,
    terminal: true,
    historySize: 0,
  });
  try {
    // Ctrl-D closes the interface without an answer; Ctrl-C rejects the question.
    const closed = once(terminal, 'close').then(() => undefined);
    const answered = terminal.question('').catch(() => undefined);
    const answer = await Promise.race([answered, closed]);
    if (answer === undefined) throw noPassword();
    return answer;
  } finally {
    terminal.close();
    stderr.write('\n');
  }
}

function noPassword(): OnhandError {
  return new OnhandError(
    'parameter_invalid',
    'There is no password: type it at the prompt, or send it as the first line of stdin.',
  );
}
