/** The tokens and users of an organization. */
import { type Static, Type } from 'typebox';
import {
  NAME_LENGTH_MAX,
  type OrganizationToken,
  type OrganizationUser,
  PERMISSIONS,
} from '../domain/parties.ts';
import {
  pageParameters,
  paginationSchema,
  type PageRequest,
  printPagination,
} from './pagination.ts';
import { createQueryReader } from './query.ts';
import { createValidator, textOrNull, time, uuid } from './schema.ts';
import { printTime } from './times.ts';

const LIMIT_MAX = 500;

const permissions = (description: string) =>
  Type.Array(Type.Enum([...PERMISSIONS]), { description });
const timeOrNull = (description: string) => textOrNull({ format: 'date-time', description });
const timeTextOf = (timeMs: number | null): string | null =>
  timeMs === null ? null : printTime(timeMs);

export const TokenListQuerySchema = Type.Object(pageParameters('tokens', LIMIT_MAX), {
  title: 'TokenListQuery',
  additionalProperties: false,
});
/** Throws `parameter_invalid`. */
export const parseTokenList = createQueryReader(TokenListQuerySchema);

const tokenMembers = {
  uuid: uuid('The token.'),
  name: textOrNull({ description: 'What its owner calls it.' }),
  username: textOrNull({ description: 'The user whose it is; null for the organization’s own.' }),
  permissions: permissions('What it may do.'),
  created: time('When it was created.'),
  expires: timeOrNull('When it expires; null for never.'),
  last_used: timeOrNull('When it was last used, to the minute; null for never.'),
  revoked: timeOrNull('When it was revoked; null if it was not.'),
};

export const TokenPageSchema = Type.Object(
  {
    pagination: paginationSchema('tokens'),
    tokens: Type.Array(Type.Object(tokenMembers, { title: 'Token', additionalProperties: false })),
  },
  { title: 'TokenPage', additionalProperties: false },
);

export const NewTokenSchema = Type.Object(
  {
    ...tokenMembers,
    token: Type.String({ description: 'The token itself, which is shown only now.' }),
  },
  { title: 'NewToken', additionalProperties: false },
);

export const TokenDraftSchema = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: NAME_LENGTH_MAX,
      description: 'What you call it.',
    }),
    permissions: Type.Optional(
      permissions('What it may do, at most what you may; by default all of that.'),
    ),
    expires: Type.Optional(timeOrNull('When it expires; null, the default, for never.')),
  },
  { title: 'TokenDraft', additionalProperties: false },
);
/** Throws `member_invalid`. */
export const parseTokenDraft = createValidator(TokenDraftSchema, 'The token', 'member_invalid');

export function printToken(token: OrganizationToken): Static<typeof TokenPageSchema>['tokens'][0] {
  return {
    uuid: token.uuid,
    name: token.name,
    username: token.username,
    permissions: [...token.permissions],
    created: printTime(token.createdAtMs),
    expires: timeTextOf(token.expiresAtMs),
    last_used: timeTextOf(token.lastUsedAtMs),
    revoked: timeTextOf(token.revokedAtMs),
  };
}

export function printTokens(
  page: PageRequest,
  totalCount: number,
  tokens: readonly OrganizationToken[],
): Static<typeof TokenPageSchema> {
  return { pagination: printPagination(page, totalCount), tokens: tokens.map(printToken) };
}

export const UserListQuerySchema = Type.Object(pageParameters('users', LIMIT_MAX), {
  title: 'UserListQuery',
  additionalProperties: false,
});
/** Throws `parameter_invalid`. */
export const parseUserList = createQueryReader(UserListQuerySchema);

export const UserSchema = Type.Object(
  {
    uuid: uuid('The user.'),
    username: Type.String(),
    permissions: permissions('What the user may do.'),
    created: time('When the user was created.'),
    disabled: timeOrNull('Since when the user cannot log in; null if it can.'),
  },
  { title: 'User', additionalProperties: false },
);

export const UserPageSchema = Type.Object(
  { pagination: paginationSchema('users'), users: Type.Array(UserSchema) },
  { title: 'UserPage', additionalProperties: false },
);

export const UserDraftSchema = Type.Object(
  {
    username: Type.String({
      minLength: 1,
      maxLength: NAME_LENGTH_MAX,
      description: 'Unique on this server.',
    }),
    password: Type.String({
      minLength: 1,
      description:
        'At least 12 characters, none of the most common passwords, without the username.',
    }),
    permissions: Type.Optional(
      permissions('What the user may do, at most what you may; by default all of that.'),
    ),
  },
  { title: 'UserDraft', additionalProperties: false },
);
/** Throws `member_invalid`. */
export const parseUserDraft = createValidator(UserDraftSchema, 'The user', 'member_invalid');

export const UserChangeSchema = Type.Object(
  {
    disabled: Type.Optional(
      Type.Boolean({ description: 'Whether its logins, sessions and tokens are refused.' }),
    ),
    permissions: Type.Optional(permissions('What the user may do, at most what you may.')),
  },
  { title: 'UserChange', additionalProperties: false, minProperties: 1 },
);
/** Throws `member_invalid`. */
export const parseUserChange = createValidator(
  UserChangeSchema,
  'The change of the user',
  'member_invalid',
);

export function printUser(user: OrganizationUser): Static<typeof UserSchema> {
  return {
    uuid: user.uuid,
    username: user.username,
    permissions: [...user.permissions],
    created: printTime(user.createdAtMs),
    disabled: timeTextOf(user.disabledAtMs),
  };
}

export function printUsers(
  page: PageRequest,
  totalCount: number,
  users: readonly OrganizationUser[],
): Static<typeof UserPageSchema> {
  return { pagination: printPagination(page, totalCount), users: users.map(printUser) };
}
