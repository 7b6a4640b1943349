export const ORGANIZATION_TYPES = ['supplier', 'retailer', 'operator'] as const;
export type OrganizationType = (typeof ORGANIZATION_TYPES)[number];

export const PERMISSIONS = [
  'view_items',
  'edit_items',
  'manage_webhooks',
  'manage_organizations',
  'view_audit_log',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/**
 * The permissions that each type of organization can grant: only suppliers own SKUs to edit, and operators edit those of
 * the supplier that a request names.
 */
export const PERMISSIONS_OF_TYPE: Readonly<Record<OrganizationType, readonly Permission[]>> = {
  supplier: ['view_items', 'edit_items', 'manage_webhooks'],
  retailer: ['view_items', 'manage_webhooks'],
  operator: [
    'view_items',
    'edit_items',
    'manage_webhooks',
    'manage_organizations',
    'view_audit_log',
  ],
};

/** The permissions that only operators have. */
export const OPERATOR_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'manage_organizations',
  'view_audit_log',
]);

/** How long before its expiry a token needs attention, in days. */
export const TOKEN_EXPIRY_DAYS = 7;

/** Longest name of an organization or a user, in UTF-16 code units. */
export const NAME_LENGTH_MAX = 200;

export interface Organization {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly type: OrganizationType;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly createdAtMs: number;
  /** Null unless it is disabled: then it has no access, and its webhooks stop. */
  readonly disabledAtMs: number | null;
}

/**
 * What a token is for: `api` for programs; `login` from user-login; `session` for a browser, which sends it as a cookie.
 */
export type TokenKind = 'api' | 'login' | 'session';

/** The authenticated client: what a valid token identifies. */
export interface Principal {
  readonly tokenId: number;
  readonly tokenKind: TokenKind;
  readonly userId: number;
  /** Null for the user that owns tokens created on the command line. */
  readonly username: string | null;
  readonly organizationId: number;
  readonly organizationName: string;
  readonly organizationType: OrganizationType;
  readonly permissions: readonly Permission[];
}

export interface User {
  readonly id: number;
  readonly uuid: string;
  readonly passwordHash: string;
  readonly permissions: readonly Permission[];
  readonly organization: Organization;
}

export interface UserDraft {
  readonly organizationId: number;
  readonly username: string;
  /** From `hashPassword`. */
  readonly passwordHash: string;
  readonly permissions: readonly Permission[];
}

/** A user without its secrets. */
export interface UserListing {
  readonly username: string;
  readonly organization: string;
  readonly permissions: readonly Permission[];
  readonly createdAtMs: number;
  readonly disabledAtMs: number | null;
}

export interface TokenDraft {
  readonly userId: number;
  /** From `hashToken`. */
  readonly tokenHash: Uint8Array;
  readonly permissions: readonly Permission[];
  /** Milliseconds since 1970-01-01T00:00Z; null never expires. */
  readonly expiresAtMs: number | null;
  /** By default `login` for a user with a name, else `api`. */
  readonly kind?: TokenKind;
  /** What the owner calls it. */
  readonly name?: string | null;
  /** Where a session is begun. */
  readonly client?: SessionClient;
}

/** The browser that began a session, as the user may recognize it. */
export interface SessionClient {
  readonly userAgent: string | null;
  readonly address: string;
}

/** A session of a user, without its secret. */
export interface SessionListing extends SessionClient {
  /** The id of its token. */
  readonly id: number;
  readonly uuid: string;
  readonly createdAtMs: number;
  /** To the minute; null if it has not been used since it was created. */
  readonly lastUsedAtMs: number | null;
  /** When it expires if it is not used until then. */
  readonly expiresAtMs: number;
}

/** How long sessions are valid. */
export interface SessionLifetimes {
  /** A session ends when it has not been used for this time. */
  readonly idleMs: number;
  /** A session ends that long after the login, however often it is used. */
  readonly absoluteMs: number;
}

/** A token without its secret. */
export interface TokenListing {
  readonly id: number;
  readonly organization: string;
  readonly username: string;
  readonly permissions: readonly Permission[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

/** An API token of an organization, without its secret. */
export interface OrganizationToken {
  readonly id: number;
  readonly uuid: string;
  /** What its owner calls it. */
  readonly name: string | null;
  /** Null for those that belong to no user, but to the organization. */
  readonly username: string | null;
  readonly permissions: readonly Permission[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** To the minute; null if it was not used, or only before this was recorded. */
  readonly lastUsedAtMs: number | null;
  readonly revokedAtMs: number | null;
}

/** A user of an organization, without its secrets. */
export interface OrganizationUser {
  readonly id: number;
  readonly uuid: string;
  readonly username: string;
  readonly permissions: readonly Permission[];
  readonly createdAtMs: number;
  readonly disabledAtMs: number | null;
}

/** What changes of a user; undefined keeps it. */
export interface UserChange {
  readonly permissions?: readonly Permission[] | undefined;
  readonly isDisabled?: boolean | undefined;
}

/** A retailer's right to see a supplier's SKUs, by the names and uuids of both. */
export interface Connection {
  readonly supplier: string;
  readonly supplierUuid: string;
  readonly retailer: string;
  readonly retailerUuid: string;
  readonly createdAtMs: number;
}

/** A user of a demo, with its password. */
export interface DemoLogin {
  readonly username: string;
  readonly password: string;
  readonly organization: string;
  readonly type: OrganizationType;
}
