import { userInfo } from 'node:os';
import { Option } from 'commander';
import { missingDatabaseFile, openAdminStore } from '../../databases.ts';
import type { Author } from '../../domain/audit.ts';
import { OnhandError } from '../../domain/errors.ts';
import { PERMISSIONS, type Organization, type OrganizationType } from '../../domain/parties.ts';
import type { AccountStore, AdminStore } from '../../store/store.ts';
import type { CommandContext } from '../context.ts';

/** Opens a database, does the work with its accounts, and closes it. */
export function withAccounts<T>(
  context: CommandContext,
  database: string,
  work: (accounts: AccountStore) => Promise<T>,
): Promise<T> {
  requireDatabase(database);
  return withStore(context, database, ({ accounts }) => work(accounts));
}

/** Opens a database, does the work for the supplier of that name, and closes the database. */
export function withSupplier<T>(
  context: CommandContext,
  { supplier, database }: { readonly supplier: string; readonly database: string },
  work: (store: Omit<AdminStore, 'close'>, supplierId: number) => Promise<T>,
): Promise<T> {
  requireDatabase(database);
  return withStore(context, database, async (store) => {
    const { id } = await requireOrganization(store.accounts, supplier, 'supplier');
    return work(store, id);
  });
}

/** Whom the audit log names for what a command does. */
export function commandLineAuthor(): Author {
  try {
    return { kind: 'command_line', name: userInfo().username };
  } catch {
    // The operating system has no name for the user, as in some containers.
    return { kind: 'command_line', name: null };
  }
}

/** Opens a database, does the work with it, and closes it. Creates the database if there is none, and says so. */
export async function withStore<T>(
  context: CommandContext,
  database: string,
  work: (store: Omit<AdminStore, 'close'>) => Promise<T>,
): Promise<T> {
  announceNewDatabase(context, database);
  const store = await openAdminStore(database, context.settings());
  const { audit, batches, changes } = store;
  const accounts = store.accounts.by(commandLineAuthor());
  try {
    return await work({ accounts, audit, batches, changes });
  } finally {
    await store.close();
  }
}

/**
 * Throws `store_unavailable` if a database would have to be created: a command that cannot do anything in an empty
 * one must not create it because its name is mistyped.
 */
export function requireDatabase(database: string): void {
  const path = missingDatabaseFile(database);
  if (path === null) return;
  throw new OnhandError(
    'store_unavailable',
    `The database ${path} cannot be opened. There is no such file. Check --database or ONHAND_DATABASE; ` +
      '"onhand serve", "onhand organization create" and "onhand apply" create a database.',
  );
}

/** Says that a command creates a database, if it does. */
export function announceNewDatabase(context: CommandContext, database: string): void {
  const path = missingDatabaseFile(database);
  if (path !== null) context.note(`onhand: creating the database ${path}, since there is none`);
}

/** The organization of that name and type. Rejects with `parameter_invalid` if there is none. */
export async function requireOrganization(
  accounts: Pick<AccountStore, 'findOrganization'>,
  name: string,
  type?: OrganizationType,
): Promise<Organization> {
  const organization = await accounts.findOrganization(name.trim());
  if (organization === undefined) {
    throw new OnhandError(
      'parameter_invalid',
      `There is no organization "${name}". "onhand organization list" shows all organizations.`,
    );
  }
  if (type !== undefined && organization.type !== type) {
    throw new OnhandError(
      'parameter_invalid',
      `"${organization.name}" is a ${organization.type}, not a ${type}.`,
    );
  }
  return organization;
}

/** Can be repeated. The default, none, means all permissions that the organization's type allows. */
export function permissionOption(): Option {
  return new Option(
    '--permission <permission>',
    `a permission to grant: ${PERMISSIONS.join(', ')}; can be repeated`,
  )
    .argParser((value: string, previous: readonly string[]) => [...previous, value])
    .default([], "all that the organization's type allows");
}
