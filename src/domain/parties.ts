export const ORGANIZATION_TYPES = ['supplier', 'retailer'] as const;
export type OrganizationType = (typeof ORGANIZATION_TYPES)[number];

export const PERMISSIONS = ['view_items', 'edit_items'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** What an organization's users may be allowed at most: only suppliers own SKUs to edit. */
export const PERMISSIONS_OF_TYPE: Readonly<Record<OrganizationType, readonly Permission[]>> = {
  supplier: ['view_items', 'edit_items'],
  retailer: ['view_items'],
};

/** Longest name of an organization or a user, in UTF-16 code units. */
export const NAME_LENGTH_MAX = 200;

export interface Organization {
  readonly id: number;
  readonly uuid: string;
  readonly name: string;
  readonly type: OrganizationType;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly createdAtMs: number;
}

/** Who is asking: what a valid token says of its bearer. */
export interface Principal {
  readonly tokenId: number;
  readonly userId: number;
  readonly organizationId: number;
  readonly organizationType: OrganizationType;
  readonly permissions: readonly Permission[];
}
