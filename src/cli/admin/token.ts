import { Command, InvalidArgumentError, Option } from 'commander';
import { hashToken, newToken } from '../../accounts/credentials.ts';
import { parsePermissions } from '../../accounts/validation.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { CommandContext } from '../context.ts';
import { databaseOption, jsonOption } from '../options.ts';
import { formatTime, printList } from '../output.ts';
import { permissionOption, requireOrganization, withAccounts } from './accounts.ts';

interface CreateOptions {
  readonly organization: string;
  readonly permission: readonly string[];
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly database: string;
}

export function tokenCommand(context: CommandContext): Command {
  return new Command('token')
    .description('Manages access tokens. A program uses the API with a token of its organization.')
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(revokeCommand(context));
}

function createCommand(context: CommandContext): Command {
  return new Command('create')
    .summary('create a token and print it')
    .description(
      'Creates a token for an organization and prints only the token on stdout. ' +
        'The database stores its hash, so it cannot be shown again.',
    )
    .requiredOption('--organization <name>', 'name of the organization (required)')
    .addOption(permissionOption())
    .addOption(
      new Option(
        '--expires-in <time>',
        'lifetime: a number and s, m, h or d, such as 45s or 30d (default: until revoked)',
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
      const { id } = await withAccounts(context, options.database, async (accounts) => {
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
      context.print(token);
      const expiry =
        expiresAtMs === null
          ? 'is valid until it is revoked'
          : `expires at ${formatTime(expiresAtMs)}`;
      context.note(
        `Token ${id} ${expiry}. Save it now: it is stored hashed and cannot be shown again.`,
      );
    });
}

function listCommand(context: CommandContext): Command {
  return new Command('list')
    .summary('list all tokens')
    .description('Lists all tokens by ID, without the tokens themselves: only hashes are stored.')
    .addOption(jsonOption())
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand token list --json')
    .action(async ({ json, database }: { readonly json?: true; readonly database: string }) => {
      const tokens = await withAccounts(context, database, (accounts) => accounts.listTokens());
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
      printList(context, columns, records, json === true);
    });
}

function revokeCommand(context: CommandContext): Command {
  return new Command('revoke')
    .summary('revoke a token')
    .description('Revokes a token: it is rejected from the next request on.')
    .argument('<id>', 'ID of the token, as "onhand token list" shows it', parseTokenId)
    .addOption(databaseOption())
    .addHelpText('after', '\nExample:\n  onhand token revoke 7')
    .action(async (id: number, { database }: { readonly database: string }) => {
      const wasValid = await withAccounts(context, database, (accounts) =>
        accounts.revokeToken(id),
      );
      if (!wasValid) {
        throw new OnhandError(
          'parameter_invalid',
          `Token ${id} does not exist or is already revoked.`,
        );
      }
      context.print(`Revoked token ${id}.`);
    });
}

function parseTokenId(text: string): number {
  const id = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(id)) {
    throw new InvalidArgumentError('An ID is a whole number, as "onhand token list" shows it.');
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

/** Parses a duration such as `45s`, `10m`, `2h` or `30d` to milliseconds. */
export function parseDurationMs(text: string): number {
  const [, digits, unit] = /^([0-9]+)([smhd])$/.exec(text) ?? [];
  const durationMs = Number(digits) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  if (!(durationMs > 0))
    throw new InvalidArgumentError(
      'A time is a number and a unit of s, m, h or d, such as 45s or 30d.',
    );
  if (durationMs > DURATION_DAYS_MAX * 86_400_000) {
    throw new InvalidArgumentError(`A time is at most ${DURATION_DAYS_MAX}d.`);
  }
  return durationMs;
}
