/** The bearers of tokens, which every request looks up. */
import {
  PERMISSIONS,
  type OrganizationType,
  type Permission,
  type Principal,
  type TokenKind,
} from '../../domain/parties.ts';

/** Finds the bearers of tokens and caches them, since every request needs one. */
export interface PrincipalCache {
  /** Resolves with undefined if the token is unknown, revoked or expired by `nowMs`. */
  find(tokenHash: Uint8Array, nowMs: number): Promise<Principal | undefined>;
  /** Clears the cache after a permission was revoked. */
  clear(): void;
}

/** How many tokens are cached; when it is full, the cache is cleared. */
export const PRINCIPALS_CACHED_MAX = 10_000;

export interface PrincipalRow {
  readonly token_id: number;
  readonly kind: TokenKind;
  readonly user_id: number;
  readonly username: string | null;
  readonly organization_id: number;
  readonly name: string;
  readonly type: OrganizationType;
  readonly permissions: string;
  /** A user may have lost permissions since the token was made. */
  readonly user_permissions: string;
  readonly expires_at_ms: number | null;
}

/** Selects a `PrincipalRow`; to be completed with the placeholder of the token's hash. */
export const SELECT_PRINCIPAL_BY_TOKEN_HASH = `
  SELECT tokens.id AS token_id,
    COALESCE(tokens.kind, CASE WHEN username IS NULL THEN 'api' ELSE 'login' END) AS kind, users.id AS user_id, username, organizations.id AS organization_id,
    organizations.name, organizations.type, tokens.permissions,
    CASE WHEN username IS NULL THEN tokens.permissions ELSE users.permissions END AS user_permissions,
    expires_at_ms
  FROM tokens JOIN users ON users.id = tokens.user_id
    JOIN organizations ON organizations.id = users.organization_id
  WHERE revoked_at_ms IS NULL AND disabled_at_ms IS NULL AND suspended_at_ms IS NULL
    AND token_hash = `;

export interface CachedPrincipal {
  readonly principal: Principal;
  readonly expiresAtMs: number | null;
}

export function cachedPrincipalOf(row: PrincipalRow): CachedPrincipal {
  return {
    principal: {
      tokenId: row.token_id,
      tokenKind: row.kind,
      userId: row.user_id,
      username: row.username,
      organizationId: row.organization_id,
      organizationName: row.name,
      organizationType: row.type,
      permissions: permissionsOf(row),
    },
    expiresAtMs: row.expires_at_ms,
  };
}

export function unexpiredPrincipal(
  cached: CachedPrincipal | undefined,
  nowMs: number,
): Principal | undefined {
  if (cached === undefined) return undefined;
  const { principal, expiresAtMs } = cached;
  return expiresAtMs === null || expiresAtMs > nowMs ? principal : undefined;
}

function permissionsOf(row: PrincipalRow): readonly Permission[] {
  const ofUser = readPermissions(row.user_permissions);
  return readPermissions(row.permissions).filter((permission) => ofUser.includes(permission));
}

/** In one order, so that equal permissions are equal texts. */
export function writePermissions(permissions: readonly Permission[]): string {
  return PERMISSIONS.filter((permission) => permissions.includes(permission)).join(' ');
}

export function readPermissions(text: string): readonly Permission[] {
  const names = text.split(' ');
  return PERMISSIONS.filter((permission) => names.includes(permission));
}
