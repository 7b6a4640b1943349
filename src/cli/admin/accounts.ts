import { Option } from 'commander';
import { OnhandError } from '../../domain/errors.ts';
import { PERMISSIONS, type Organization, type OrganizationType } from '../../domain/parties.ts';
import { openStore } from '../../databases.ts';
import type { AccountStore } from '../../store/store.ts';

/** Opens a database for one command's work on accounts, and closes it however that ends. */
export async function withAccounts<T>(
  database: string,
  work: (accounts: AccountStore) => Promise<T>,
): Promise<T> {
  const store = await openStore(database);
  try {
    return await work(store.accounts);
  } finally {
    await store.close();
  }
}

/** The organization of that name and, where one is asked for, of that type. Rejects with `parameter_invalid`. */
export async function requireOrganization(
  accounts: Pick<AccountStore, 'findOrganization'>,
  name: string,
  type?: OrganizationType,
): Promise<Organization> {
  const organization = await accounts.findOrganization(name.trim());
  if (organization === undefined) {
    throw new OnhandError(
      'parameter_invalid',
      `There is no organization "${name}"; "onhand organization list" names those there are.`,
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

/** May be given more than once; none asks for all that the organization's type allows. */
export function permissionOption(): Option {
  return new Option(
    '--permission <permission>',
    `what it may do: ${PERMISSIONS.join(', ')}; may be repeated`,
  )
    .argParser((value: string, previous: readonly string[]) => [...previous, value])
    .default([], "all that the organization's type allows");
}

export function jsonOption(): Option {
  return new Option('--json', 'print JSON instead of a table');
}
