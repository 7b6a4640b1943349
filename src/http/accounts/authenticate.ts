import { hashToken } from '../../accounts/credentials.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Permission, Principal } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';

const CREDENTIALS = /^(?:token|bearer) +([0-9a-f]{40})$/i;

/** What a request is authenticated by. The header counts if there are both. */
export interface Credentials {
  readonly authorization: string | undefined;
  /** The token of a session cookie. */
  readonly cookie?: string | undefined;
}

/**
 * Identifies the sender of a request by its `Authorization` header or its session cookie. Rejects with `unauthenticated`; the message
 * is the same for an unknown, an expired and a revoked token.
 */
export async function authenticate(
  accounts: Pick<AccountStore, 'findPrincipal'>,
  { authorization: header, cookie }: Credentials,
  nowMs: number,
): Promise<Principal> {
  if (header === undefined && cookie !== undefined) return bearerOf(accounts, cookie, nowMs);
  if (header === undefined) {
    throw new OnhandError(
      'unauthenticated',
      'The request has no credentials. Send the header "Authorization: Token " followed by your token.',
    );
  }
  const token = CREDENTIALS.exec(header.trim())?.[1];
  if (token === undefined) {
    throw new OnhandError(
      'unauthenticated',
      'The Authorization header must be "Token " or "Bearer ", followed by 40 hexadecimal digits.',
    );
  }
  const principal = await accounts.findPrincipal(hashToken(token), nowMs);
  if (principal?.tokenKind !== 'session' && principal !== undefined) return principal;
  throw new OnhandError(
    'unauthenticated',
    'The token is unknown, expired or revoked; ask the operator of this server for a new one.',
  );
}

/** A session's token is only accepted as a cookie, and a cookie is only accepted with a session's token. */
async function bearerOf(
  accounts: Pick<AccountStore, 'findPrincipal'>,
  cookie: string,
  nowMs: number,
): Promise<Principal> {
  const principal = await accounts.findPrincipal(hashToken(cookie), nowMs);
  if (principal?.tokenKind === 'session') return principal;
  throw new OnhandError('unauthenticated', 'The session has ended or expired; log in again.');
}

/**
 * Who may use a resource: `viewer`, any token with `view_items`; `owner`, a supplier's with `view_items`; `editor`, a
 * supplier's with `edit_items`; `webhook_manager`, any with `view_items` and `manage_webhooks`; `user` and
 * `access_manager`, a user who has logged in, with the token of a login or of a session; `operator`, an operator's token
 * with `manage_organizations`; `auditor`, an operator's token with `view_audit_log`. An operator uses those of suppliers and organizations by naming one
 * (`http/accounts/acting.ts`), except `user`, which are the user's own.
 */
export type Access =
  | 'viewer'
  | 'owner'
  | 'editor'
  | 'webhook_manager'
  | 'user'
  | 'access_manager'
  | 'operator'
  | 'auditor';

const PERMISSIONS_NEEDED: Readonly<Record<Access, readonly Permission[]>> = {
  viewer: ['view_items'],
  owner: ['view_items'],
  editor: ['edit_items'],
  // A webhook sends inventory: a token that may not read it must not have it sent.
  webhook_manager: ['view_items', 'manage_webhooks'],
  user: [],
  access_manager: [],
  operator: ['manage_organizations'],
  auditor: ['view_audit_log'],
};

/** Throws `session_needed`, `parameter_invalid`, `not_a_supplier`, `permission_missing` or `not_an_operator`. */
export function authorize(principal: Principal, access: Access): void {
  if ((access === 'user' || access === 'access_manager') && principal.tokenKind === 'api') {
    throw new OnhandError(
      'session_needed',
      'API tokens cannot manage sessions, tokens and users. Log in: POST /timp/organizations/user-login/, or with a browser.',
    );
  }
  if (access === 'owner' || access === 'editor') requireSupplier(principal, access);
  const missing = PERMISSIONS_NEEDED[access].find((name) => !principal.permissions.includes(name));
  if (missing !== undefined) {
    throw new OnhandError(
      'permission_missing',
      `This token lacks the permission ${missing}; ask the operator of this server for one that has it.`,
    );
  }
  if (
    (access === 'operator' || access === 'auditor') &&
    principal.organizationType !== 'operator'
  ) {
    throw new OnhandError(
      'not_an_operator',
      `Only an operator manages organizations, and this token belongs to a ${principal.organizationType}.`,
    );
  }
}

function requireSupplier(
  { organizationType }: Principal,
  access: keyof typeof NOT_A_SUPPLIER,
): void {
  if (organizationType === 'operator') {
    throw new OnhandError(
      'parameter_invalid',
      'An operator names the supplier that this is for: add ?supplier=<uuid>. GET /timp/suppliers/ lists them.',
    );
  }
  if (organizationType !== 'supplier') {
    throw new OnhandError('not_a_supplier', NOT_A_SUPPLIER[access]);
  }
}

const NOT_A_SUPPLIER = {
  editor:
    'Only a supplier has inventory to write, and this token belongs to a retailer. Use a token of the supplier.',
  owner:
    'Only a supplier has batches, and this token belongs to a retailer. Use a token of the supplier.',
} as const;
