import { hashToken } from '../../accounts/credentials.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Permission, Principal } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';

const CREDENTIALS = /^(?:token|bearer) +([0-9a-f]{40})$/i;

/**
 * Who sent a request, by its `Authorization` header. Rejects with `unauthenticated`; an unknown, an
 * expired and a revoked token get the same words.
 */
export async function authenticate(
  accounts: Pick<AccountStore, 'findPrincipal'>,
  header: string | undefined,
  nowMs: number,
): Promise<Principal> {
  if (header === undefined) {
    throw new OnhandError(
      'unauthenticated',
      'No credentials were sent; send the header "Authorization: Token " and your token.',
    );
  }
  const token = CREDENTIALS.exec(header.trim())?.[1];
  if (token === undefined) {
    throw new OnhandError(
      'unauthenticated',
      'The Authorization header must be "Token ", or "Bearer ", and 40 hexadecimal digits.',
    );
  }
  const principal = await accounts.findPrincipal(hashToken(token), nowMs);
  if (principal === undefined) {
    throw new OnhandError(
      'unauthenticated',
      'The token is unknown, expired or revoked; ask the operator of this server for a new one.',
    );
  }
  return principal;
}

/**
 * Who may use a resource: those who may view items; suppliers who may view theirs; suppliers who may edit
 * theirs.
 */
export type Access = 'viewer' | 'owner' | 'editor';

/** Throws `not_a_supplier` or `permission_missing` where this one may not. */
export function authorize(principal: Principal, access: Access): void {
  if (access !== 'viewer' && principal.organizationType !== 'supplier') {
    throw new OnhandError('not_a_supplier', NOT_A_SUPPLIER[access]);
  }
  const needed: Permission = access === 'editor' ? 'edit_items' : 'view_items';
  if (!principal.permissions.includes(needed)) {
    throw new OnhandError(
      'permission_missing',
      `This token lacks the permission ${needed}; ask the operator of this server for one that has it.`,
    );
  }
}

const NOT_A_SUPPLIER = {
  editor:
    'Only a supplier has inventory to write, and this token is of a retailer; use a token of the supplier.',
  owner:
    'Only a supplier has batches, and this token is of a retailer; use a token of the supplier.',
} as const;
