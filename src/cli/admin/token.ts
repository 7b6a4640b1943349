import { Command, InvalidArgumentError, Option } from 'commander';
import { hashToken, newToken } from '../../accounts/credentials.ts';
import { parsePermissions } from '../../accounts/permissions.ts';
import { OnhandError } from '../../domain/errors.ts';
import { jsonOption, permissionOption, requireOrganization, withAccounts } from './accounts.ts';
import { databaseOption } from '../options.ts';
import { formatTime, printLine, printList, printNote } from '../output.ts';

interface CreateOptions {
  readonly organization: string;
  readonly permission: readonly string[];
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly database: string;
}

export function tokenCommand(): Command {
  return new Command('token')
    .summary('create, list and revoke access tokens')
    .description('Tokens let programs use the API in the name of an organization.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

function createCommand(): Command {
  return new Command('create')
    .summary('create a token and print it, once')
    .description(
      'Creates a token for an organization and prints it, alone, on stdout. It is stored hashed: ' +
        'it cannot be shown again. It lives until it is revoked, or for the time asked.',
    )
    .requiredOption('--organization <name>', 'name of the organization (required)')
    .addOption(permissionOption())
    .addOption(
      new Option(
        '--expires-in <time>',
        'how long it lives: a number and s, m, h or d, such as 45s or 30d (default: until it is revoked)',
      ).argParser(parseDurationMs),
    )
    .addOption(databaseOption())
    .addHelpText(
      'after',
      '\nExample:\n  TOKEN=$(onhand token create --organization "Acme Housewares" --expires-in 30d)',
    )
    .action(async (options: CreateOptions) => {
      const token = newToken();
      const expiresAtMs = options.expiresIn === undefined ? null : Date.now() + options.expiresIn;
      const { id } = await withAccounts(options.database, async (accounts) => {
        const organization = await requireOrganization(accounts, options.organization);
        const permissions = parsePermissions(organization.type, options.permission);
        const user = await accounts.findServiceUser(organization.id);
        return accounts.createToken({
          userId: user.id,
          tokenHash: hashToken(token),
          permissions,
          expiresAtMs,
        });
      });
      printLine(token);
      const expiry =
        expiresAtMs === null
          ? 'lives until it is revoked'
          : `expires at ${formatTime(expiresAtMs)}`;
      printNote(`Token ${id} ${expiry}. Keep it: it is stored hashed and cannot be shown again.`);
    });
}

function listCommand(): Command {
  return new Command('list')
    .summary('list all tokens')
    .description('Lists all tokens, without the tokens themselves: only their hashes are stored.')
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand token list --json')
    .action(async (options: { readonly json?: true; readonly database: string }) => {
      const tokens = await withAccounts(options.database, (accounts) => accounts.listTokens());
      const records = tokens.map((token) => ({
        id: token.id,
        organization: token.organization,
        username: token.username,
        permissions: token.permissions,
        created: formatTime(token.createdAtMs),
        expires: formatTime(token.expiresAtMs),
        revoked: formatTime(token.revokedAtMs),
      }));
      const columns = [
        'id',
        'organization',
        'username',
        'permissions',
        'created',
        'expires',
        'revoked',
      ];
      printList(columns, records, options.json === true);
    });
}

function revokeCommand(): Command {
  return new Command('revoke')
    .summary('revoke a token')
    .description('Revokes a token: from the next request on it opens nothing.')
    .argument('<id>', 'id of the token, as "onhand token list" shows it', parseTokenId)
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand token revoke 7')
    .action(async (id: number, { database }: { readonly database: string }) => {
      const wasAlive = await withAccounts(database, (accounts) => accounts.revokeToken(id));
      if (!wasAlive) {
        throw new OnhandError(
          'parameter_invalid',
          `There is no token ${id}, or it was revoked before.`,
        );
      }
      printLine(`Revoked the token ${id}.`);
    });
}

function parseTokenId(text: string): number {
  const id = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(id)) {
    throw new InvalidArgumentError('An id is a whole number, as "onhand token list" shows it.');
  }
  return id;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DURATION_DAYS_MAX = 36_500;

/** Reads a span such as `45s`, `10m`, `2h` or `30d` as milliseconds. */
export function parseDurationMs(text: string): number {
  const [, digits, unit] = /^([0-9]+)([smhd])$/.exec(text) ?? [];
  const spanMs = Number(digits) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  if (!(spanMs > 0))
    throw new InvalidArgumentError(
      'A time is a number and a unit of s, m, h or d, such as 45s or 30d.',
    );
  if (spanMs > DURATION_DAYS_MAX * 86_400_000) {
    throw new InvalidArgumentError(`A time is at most ${DURATION_DAYS_MAX}d.`);
  }
  return spanMs;
}
