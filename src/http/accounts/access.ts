import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { hashPassword, hashToken, newToken } from '../../accounts/credentials.ts';
import { checkNewPassword } from '../../accounts/new-password.ts';
import { parseName } from '../../accounts/validation.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Permission, Principal } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';
import {
  NewTokenSchema,
  parseTokenDraft,
  parseTokenList,
  parseUserChange,
  parseUserDraft,
  parseUserList,
  printToken,
  printTokens,
  printUser,
  printUsers,
  TokenDraftSchema,
  TokenListQuerySchema,
  TokenPageSchema,
  UserChangeSchema,
  UserDraftSchema,
  UserListQuerySchema,
  UserPageSchema,
  UserSchema,
} from '../../wire/access.ts';
import { parseBody } from '../../wire/json.ts';
import { uuid } from '../../wire/schema.ts';
import { readTimeUs } from '../../wire/times.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf, uuidOf } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { authorOf } from './author.ts';
import type { PasswordAttempts } from './password-attempts.ts';

export interface AccessRoutes {
  readonly admission: Admission;
  readonly accounts: AccountStore;
  /** They limit how many passwords are hashed at once. */
  readonly attempts: PasswordAttempts;
}

const TOKENS_PATH = '/timp/organizations/tokens/';
const USERS_PATH = '/timp/organizations/users/';
const TOKEN_EXPECTED = 'a JSON object such as {"name": "Warehouse", "permissions": ["edit_items"]}';
const USER_EXPECTED = 'a JSON object such as {"username": "jo", "password": "…"}';
const CHANGE_EXPECTED = 'a JSON object such as {"disabled": true}';

/**
 * Adds the tokens and users of an organization. Users who have logged in manage them. They can only give permissions that
 * they have, and can only change tokens and users that have no others.
 */
export function addAccess(app: FastifyInstance, routes: AccessRoutes): void {
  addTokens(app, routes);
  addUsers(app, routes);
}

function addTokens(app: FastifyInstance, { admission, accounts, attempts }: AccessRoutes): void {
  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'access_manager');
    checkParameters(request, Object.keys(TokenListQuerySchema.properties));
    const page = parseTokenList(queryOf(request));
    const { organizationId } = admission.principalOf(request);
    const { totalCount, tokens } = await accounts.pageOfTokens(organizationId, page);
    return sendJson(request, reply, JSON.stringify(printTokens(page, totalCount, tokens)));
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'access_manager');
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const draft = parseTokenDraft(parseBody(body, TOKEN_EXPECTED).value);
    const principal = admission.principalOf(request);
    const { organizationId } = principal;
    const name = memberName('name', draft.name);
    const permissions = granted(principal, draft.permissions);
    const expiresAtMs = expiryOf(draft.expires ?? null);
    // What an operator creates for another organization belongs to that organization.
    const userId =
      request.actsFor === null
        ? principal.userId
        : (await accounts.findServiceUser(organizationId)).id;
    const token = newToken();
    const tokenHash = hashToken(token);
    const { uuid } = await admission.writing(request, () =>
      accounts
        .by(authorOf(request, principal))
        .createToken({ userId, tokenHash, permissions, expiresAtMs, name, kind: 'api' }),
    );
    const created = await accounts.findTokenOf(organizationId, uuid);
    if (created === undefined) throw new Error('the new token is missing');
    reply.code(201).header('cache-control', 'no-store');
    return sendJson(request, reply, JSON.stringify({ ...printToken(created), token }));
  };

  const revoke = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'access_manager');
    checkParameters(request, []);
    const principal = admission.principalOf(request);
    const token = await accounts.findTokenOf(principal.organizationId, uuidOf(request) ?? '');
    if (token === undefined || token.revokedAtMs !== null) {
      throw new OnhandError(
        'token_not_found',
        'Your organization has no such token, or it is revoked already.',
      );
    }
    requireAll(principal, token.permissions, 'revoke a token with');
    await admission.writing(request, () =>
      accounts.by(authorOf(request, principal)).revokeToken(token.id),
    );
    return reply.code(204).send();
  };

  addResource(app, TOKENS_PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'listTokens',
        summary: 'List the API tokens of your organization, the latest first',
        access: 'access_manager',
        query: TokenListQuerySchema,
        ok: TokenPageSchema,
      }),
      handle: list,
    },
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'createToken',
        summary: 'Create an API token',
        access: 'access_manager',
        body: TokenDraftSchema,
        ok: NewTokenSchema,
        okStatus: 201,
      }),
      handle: create,
    },
  });
  addResource(app, `${TOKENS_PATH}:uuid/`, {
    DELETE: {
      schema: describe({
        group: 'Accounts',
        operationId: 'revokeToken',
        summary: 'Revoke an API token',
        params: Type.Object({ uuid: uuid('The token.') }),
        access: 'access_manager',
        problems: { 404: 'There is no such token, or it is revoked already.' },
      }),
      handle: revoke,
    },
  });
}

function addUsers(app: FastifyInstance, { admission, accounts, attempts }: AccessRoutes): void {
  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'access_manager');
    checkParameters(request, Object.keys(UserListQuerySchema.properties));
    const page = parseUserList(queryOf(request));
    const { organizationId } = admission.principalOf(request);
    const { totalCount, users } = await accounts.pageOfUsers(organizationId, page);
    return sendJson(request, reply, JSON.stringify(printUsers(page, totalCount, users)));
  };

  const find = async (request: FastifyRequest, userUuid: string) => {
    const { organizationId } = admission.principalOf(request);
    const user = await accounts.findUserOf(organizationId, userUuid);
    if (user !== undefined) return user;
    throw new OnhandError('user_not_found', 'Your organization has no user with this uuid.');
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'access_manager');
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const draft = parseUserDraft(parseBody(body, USER_EXPECTED).value);
    const principal = admission.principalOf(request);
    const username = memberName('username', draft.username);
    const permissions = granted(principal, draft.permissions);
    checkNewPassword(draft.password, username);
    const passwordHash = await hashPassword(draft.password);
    const { organizationId } = principal;
    const { uuid } = await admission.writing(request, () =>
      accounts
        .by(authorOf(request, principal))
        .createUser({ organizationId, username, passwordHash, permissions }),
    );
    reply.code(201);
    return sendJson(request, reply, JSON.stringify(printUser(await find(request, uuid))));
  };

  const change = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'access_manager');
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const { disabled, permissions } = parseUserChange(parseBody(body, CHANGE_EXPECTED).value);
    const principal = admission.principalOf(request);
    const user = await find(request, uuidOf(request) ?? '');
    if (user.id === principal.userId) {
      throw new OnhandError(
        'member_invalid',
        'You cannot change your own user. Ask another user of your organization, or the operator.',
      );
    }
    requireAll(principal, user.permissions, 'change a user with');
    const ofUser = permissions === undefined ? undefined : granted(principal, permissions);
    await admission.writing(request, () =>
      accounts.by(authorOf(request, principal)).changeUser(principal.organizationId, user.uuid, {
        permissions: ofUser,
        isDisabled: disabled,
      }),
    );
    return sendJson(request, reply, JSON.stringify(printUser(await find(request, user.uuid))));
  };

  addResource(app, USERS_PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'listUsers',
        summary: 'List the users of your organization',
        access: 'access_manager',
        query: UserListQuerySchema,
        ok: UserPageSchema,
      }),
      handle: list,
    },
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'createUser',
        summary: 'Create a user, who can log in',
        access: 'access_manager',
        body: UserDraftSchema,
        ok: UserSchema,
        okStatus: 201,
        problems: { 422: 'The username is taken.' },
      }),
      guard: attempts.guard,
      handle: create,
    },
  });
  addResource(app, `${USERS_PATH}:uuid/`, {
    PATCH: {
      schema: describe({
        group: 'Accounts',
        operationId: 'changeUser',
        summary: 'Change what a user may do, or disable it',
        params: Type.Object({ uuid: uuid('The user.') }),
        access: 'access_manager',
        body: UserChangeSchema,
        ok: UserSchema,
        problems: { 404: 'There is no such user.' },
      }),
      handle: change,
    },
  });
}

/** The permissions to give: those that were asked for, or else all that the giver has. */
function granted(
  principal: Principal,
  asked: readonly Permission[] | undefined,
): readonly Permission[] {
  if (asked === undefined) return principal.permissions;
  requireAll(principal, asked, 'give');
  return principal.permissions.filter((permission) => asked.includes(permission));
}

function requireAll({ permissions }: Principal, needed: readonly Permission[], what: string): void {
  const missing = needed.find((permission) => !permissions.includes(permission));
  if (missing === undefined) return;
  throw new OnhandError(
    'permission_missing',
    `You cannot ${what} the permission ${missing}, as you do not have it here.`,
  );
}

/** The name of an organization, a user or a token in a body. Throws `member_invalid`. */
export function memberName(member: string, text: string): string {
  try {
    return parseName(`The ${member}`, text);
  } catch (error) {
    if (error instanceof OnhandError) throw new OnhandError('member_invalid', error.message);
    throw error;
  }
}

function expiryOf(text: string | null): number | null {
  if (text === null) return null;
  const timeUs = readTimeUs(text);
  const timeMs = timeUs === undefined ? undefined : Math.floor(timeUs / 1000);
  if (timeMs !== undefined && timeMs > Date.now()) return timeMs;
  throw new OnhandError(
    'member_invalid',
    `expires ${JSON.stringify(text.slice(0, 64))} is not a time in the future such as 2030-01-31T12:00:00Z.`,
  );
}
