import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { login, type LoginKind, type Session } from '../../accounts/credentials.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { SessionLifetimes } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import { LoginSchema, parseLogin } from '../../wire/login.ts';
import { uuid } from '../../wire/schema.ts';
import {
  printBrowserSession,
  printSessions,
  SessionSchema,
  SessionsSchema,
} from '../../wire/sessions.ts';
import { authorByPassword, authorOf } from './author.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, uuidOf } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import type { PasswordAttempts } from './password-attempts.ts';
import type { SessionCookie } from './session-cookie.ts';

export interface SessionRoutes {
  readonly admission: Admission;
  readonly accounts: AccountStore;
  readonly attempts: PasswordAttempts;
  readonly cookie: SessionCookie;
  readonly lifetimes: SessionLifetimes;
}

const SESSIONS_PATH = '/timp/organizations/sessions/';
const CURRENT_PATH = `${SESSIONS_PATH}current/`;
const SESSION_EXPECTED = 'a JSON object such as {"username": "jo", "password": "…"}';
/** The longest User-Agent that is stored. */
const USER_AGENT_LENGTH_MAX = 256;

/** Adds the sessions of browsers: log in with a cookie, log out, list and end them. */
export function addSessions(app: FastifyInstance, routes: SessionRoutes): void {
  const { admission, accounts, attempts, cookie, lifetimes } = routes;

  const logIn = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const credentials = parseLogin(parseBody(body, SESSION_EXPECTED).value);
    const session = await attempts.attempt(credentials.username, { request, reply }, (verify) =>
      login(
        accounts.by(authorByPassword(request, credentials.username)),
        credentials,
        Date.now(),
        verify,
        sessionKindOf(request, lifetimes),
      ),
    );
    const { username } = credentials;
    return replyWithSession(cookie, request, reply, { username, session });
  };

  const currentOf = async (request: FastifyRequest) => {
    const { tokenId } = admission.principalOf(request);
    const current = await accounts.findSession(tokenId, Date.now());
    if (current === undefined) {
      throw new OnhandError(
        'session_needed',
        'The request is authenticated by a token, not by a session. Log in at POST /timp/organizations/sessions/.',
      );
    }
    return current;
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'user');
    checkParameters(request, []);
    const { uuid, expiresAtMs } = await currentOf(request);
    const { organizationId, permissions, username } = admission.principalOf(request);
    const [organization] = await accounts.findOrganizationsById([organizationId]);
    if (organization === undefined) throw new Error('the organization of a session is missing');
    const printed = { uuid, username: username ?? '', organization, permissions, expiresAtMs };
    reply.header('cache-control', 'no-store');
    return sendJson(request, reply, JSON.stringify(printBrowserSession(printed)));
  };

  const logOut = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'user');
    checkParameters(request, []);
    const { uuid } = await currentOf(request);
    const principal = admission.principalOf(request);
    const author = authorOf(request, principal);
    await accounts.by(author).endSession(principal.userId, uuid, Date.now());
    cookie.clear(request, reply);
    return reply.code(204).send();
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'user');
    checkParameters(request, []);
    const { userId, tokenId } = admission.principalOf(request);
    const sessions = await accounts.listSessions(userId, Date.now());
    return sendJson(request, reply, JSON.stringify(printSessions(sessions, tokenId)));
  };

  const end = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    await admission.admit(request, reply, 'user');
    checkParameters(request, []);
    const uuid = uuidOf(request);
    const principal = admission.principalOf(request);
    const own = accounts.by(authorOf(request, principal));
    const wasOpen =
      uuid !== undefined && (await own.endSession(principal.userId, uuid, Date.now()));
    if (wasOpen) return reply.code(204).send();
    throw new OnhandError(
      'session_not_found',
      `You have no session ${String(uuid)}; it may have ended already. GET ${SESSIONS_PATH} lists yours.`,
    );
  };

  addResource(app, SESSIONS_PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'listSessions',
        summary: 'List your sessions',
        access: 'user',
        ok: SessionsSchema,
      }),
      handle: list,
    },
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'createSession',
        summary: 'Log a browser in: the reply sets a cookie',
        description:
          'The cookie authenticates requests without an `Authorization` header. Requests that change something need the header `Onhand-Dashboard: 1` then.',
        body: LoginSchema,
        ok: SessionSchema,
        okStatus: 201,
        problems: {
          401: 'No user has this username and password.',
          403: 'The request comes from a page of another site.',
          429: 'Too many failed attempts; see `Retry-After`.',
          503: 'Too many logins are waiting, or the store cannot answer; see `Retry-After`.',
        },
      }),
      guard: async (request, reply) => {
        cookie.refuseForeignOrigin(request);
        await attempts.guard(request, reply);
      },
      handle: logIn,
    },
  });
  addResource(app, CURRENT_PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'getCurrentSession',
        summary: 'Show the session of this request',
        access: 'user',
        ok: SessionSchema,
      }),
      handle: show,
    },
    DELETE: {
      schema: describe({
        group: 'Accounts',
        operationId: 'deleteCurrentSession',
        summary: 'Log out: end the session of this request',
        access: 'user',
      }),
      handle: logOut,
    },
  });
  addResource(app, `${SESSIONS_PATH}:uuid/`, {
    DELETE: {
      schema: describe({
        group: 'Accounts',
        operationId: 'deleteSession',
        summary: 'End one of your sessions',
        params: Type.Object({ uuid: uuid('The session.') }),
        access: 'user',
        problems: { 404: 'You have no such session, or it has ended.' },
      }),
      handle: end,
    },
  });
}

/** What a login of this browser creates. */
export function sessionKindOf(
  { headers, ip }: FastifyRequest,
  { idleMs, absoluteMs }: SessionLifetimes,
): LoginKind {
  const userAgent = headers['user-agent']?.slice(0, USER_AGENT_LENGTH_MAX) ?? null;
  return {
    kind: 'session',
    lifetimeMs: Math.min(idleMs, absoluteMs),
    client: { userAgent, address: ip },
  };
}

/** Sends the cookie of a new session, and who it is. */
export function replyWithSession(
  cookie: SessionCookie,
  request: FastifyRequest,
  reply: FastifyReply,
  { username, session }: { readonly username: string; readonly session: Session },
): Promise<FastifyReply> {
  const { token, uuid, expiresAtMs, user } = session;
  const { organization, permissions } = user;
  cookie.send(request, reply, token);
  reply.code(201).header('cache-control', 'no-store');
  const printed = { uuid, username, organization, permissions, expiresAtMs };
  return sendJson(request, reply, JSON.stringify(printBrowserSession(printed)));
}
