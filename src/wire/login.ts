import type { Static } from 'typebox';
import { PERMISSIONS, type Organization, type Permission } from '../domain/parties.ts';
import { LoginSchema, type LoginReplySchema } from './inventory/schemas.ts';
import { shapeReader } from './shape.ts';

/** Reads the body of a login; throws `member_invalid` naming what is wrong. */
export const parseLogin = shapeReader(LoginSchema, 'The login', 'member_invalid');

/** What a login's answer is printed from. */
export interface PrintedSession {
  readonly token: string;
  readonly user: {
    readonly uuid: string;
    readonly permissions: readonly Permission[];
    readonly organization: Organization;
  };
}

type WirePermission = Static<
  typeof LoginReplySchema
>['permission_assignments']['permissions'][number]['permission'];

const ABOUT: Readonly<Record<Permission, Omit<WirePermission, 'name'>>> = {
  view_items: {
    uuid: '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d01',
    display_name: 'View items',
    description: 'Read SKUs and their inventory.',
    visibility: 'public',
    grouping: 'items',
  },
  edit_items: {
    uuid: '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d02',
    display_name: 'Edit items',
    description: 'Create SKUs and write their inventory.',
    visibility: 'public',
    grouping: 'items',
  },
};

export function printSession({ token, user }: PrintedSession): Static<typeof LoginReplySchema> {
  const { uuid, type } = user.organization;
  return {
    auth_token: token,
    org_uuid: uuid,
    user_uuid: user.uuid,
    retailer_uuid: type === 'retailer' ? uuid : '',
    supplier_uuid: type === 'supplier' ? uuid : '',
    org_type: type.toUpperCase(),
    permission_assignments: {
      permissions: PERMISSIONS.map((name) => ({
        assigned: user.permissions.includes(name),
        permission: { name, ...ABOUT[name] },
      })),
      org_user: { uuid: user.uuid },
    },
  };
}
