import { OPERATOR_PERMISSIONS } from '../domain/parties.ts';
import { createValidator, uuid } from './schema.ts';
import { type Static, Type } from 'typebox';
import {
  type Organization,
  ORGANIZATION_TYPES,
  type OrganizationType,
  type Permission,
  PERMISSIONS,
} from '../domain/parties.ts';

export const LoginSchema = Type.Object(
  {
    username: Type.String({ minLength: 1, description: 'The name of the user.' }),
    password: Type.String({ minLength: 1, description: 'The password of the user.' }),
  },
  { title: 'Login', additionalProperties: false },
);

const uuidOrEmpty = (description: string) => Type.String({ description });

export const LoginReplySchema = Type.Object(
  {
    auth_token: Type.String({ description: 'For `Authorization: Token …`; expires.' }),
    org_uuid: uuid('The organization of the user.'),
    user_uuid: uuid('The user.'),
    retailer_uuid: uuidOrEmpty('The organization where it is a retailer, else empty.'),
    supplier_uuid: uuidOrEmpty('The organization where it is a supplier, else empty.'),
    org_type: Type.Enum(ORGANIZATION_TYPES.map((type) => type.toUpperCase())),
    permission_assignments: Type.Object({
      permissions: Type.Array(
        Type.Object({
          assigned: Type.Boolean({ description: 'Whether the user has it.' }),
          permission: Type.Object({
            uuid: uuid('The permission.'),
            name: Type.String(),
            display_name: Type.String(),
            description: Type.String(),
            visibility: Type.String(),
            grouping: Type.String(),
          }),
        }),
      ),
      org_user: Type.Object({ uuid: uuid('The user.') }),
    }),
  },
  { title: 'LoginReply', additionalProperties: false },
);

export const PasswordChangeSchema = Type.Object(
  {
    username: Type.String({ minLength: 1, description: 'The name of the user.' }),
    password: Type.String({ minLength: 1, description: 'The current password.' }),
    new_password: Type.String({
      minLength: 1,
      description:
        'At least 12 characters, none of the most common passwords, without the username.',
    }),
  },
  { title: 'PasswordChange', additionalProperties: false },
);

/** Reads the body of a change of password. Throws `member_invalid`. */
export const parsePasswordChange = createValidator(
  PasswordChangeSchema,
  'The change of password',
  'member_invalid',
);

export const PasswordChangedSchema = Type.Object(
  { message: Type.Literal('success') },
  { title: 'PasswordChanged', additionalProperties: false },
);

/** Reads the body of a login. Throws `member_invalid`. */
export const parseLogin = createValidator(LoginSchema, 'The login', 'member_invalid');

/** The session that a login created. */
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
  manage_webhooks: {
    uuid: '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d03',
    display_name: 'Manage webhooks',
    description: 'Create, change, test and delete webhooks.',
    visibility: 'public',
    grouping: 'webhooks',
  },
  manage_organizations: {
    uuid: '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d04',
    display_name: 'Manage organizations',
    description: 'Create and change organizations, connections, users and tokens.',
    visibility: 'operator',
    grouping: 'organizations',
  },
  view_audit_log: {
    uuid: '5d0a2a0e-6c5b-4f0a-9a53-7a1f0b0f6d05',
    display_name: 'View the audit log',
    description: 'Read who did what to accounts and settings.',
    visibility: 'operator',
    grouping: 'organizations',
  },
};

/** The permissions of operators are no concern of others. */
function permissionsShownTo(type: OrganizationType): readonly Permission[] {
  return PERMISSIONS.filter((name) => type === 'operator' || !OPERATOR_PERMISSIONS.has(name));
}

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
      permissions: permissionsShownTo(type).map((name) => ({
        assigned: user.permissions.includes(name),
        permission: { name, ...ABOUT[name] },
      })),
      org_user: { uuid: user.uuid },
    },
  };
}
