import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorByPassword } from './author.ts';
import { changePassword } from '../../accounts/new-password.ts';
import { login } from '../../accounts/credentials.ts';
import type { AccountStore } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import {
  LoginReplySchema,
  LoginSchema,
  parseLogin,
  parsePasswordChange,
  PasswordChangedSchema,
  PasswordChangeSchema,
  printSession,
} from '../../wire/login.ts';
import { describe } from '../documentation.ts';
import { checkParameters } from '../request/parameters.ts';
import { addResource } from '../request/resource.ts';
import type { PasswordAttempts } from './password-attempts.ts';

interface LoginRoutes {
  readonly accounts: AccountStore;
  readonly attempts: PasswordAttempts;
}

const PASSWORD_EXPECTED =
  'a JSON object such as {"username": "jo", "password": "…", "new_password": "…"}';
const LOGIN_EXPECTED = 'a JSON object such as {"username": "jo", "password": "…"}';
/** Adds the routes of logins and passwords. Both check a password, and share the limits of failed attempts. */
export function addLogin(app: FastifyInstance, { accounts, attempts }: LoginRoutes): void {
  const handlePassword = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const { new_password: newPassword, ...credentials } = parsePasswordChange(
      parseBody(body, PASSWORD_EXPECTED).value,
    );
    await attempts.attempt(credentials.username, { request, reply }, (verify) =>
      changePassword(
        accounts.by(authorByPassword(request, credentials.username)),
        { ...credentials, newPassword },
        verify,
      ),
    );
    return reply.type('application/json').send(JSON.stringify({ message: 'success' }));
  };

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await attempts.readBody(request);
    checkParameters(request, []);
    const credentials = parseLogin(parseBody(body, LOGIN_EXPECTED).value);
    const session = await attempts.attempt(credentials.username, { request, reply }, (verify) =>
      login(
        accounts.by(authorByPassword(request, credentials.username)),
        credentials,
        Date.now(),
        verify,
      ),
    );
    return reply
      .header('cache-control', 'no-store')
      .type('application/json')
      .send(JSON.stringify(printSession(session)));
  };

  addResource(app, '/timp/organizations/user-login/', {
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'login',
        summary: 'Get a token for two hours, by username and password',
        body: LoginSchema,
        ok: LoginReplySchema,
        problems: {
          401: 'No user has this username and password.',
          429: 'Too many failed attempts; see `Retry-After`.',
          503: 'Too many logins are waiting, or the store cannot answer; see `Retry-After`.',
        },
      }),
      guard: attempts.guard,
      handle,
    },
  });

  addResource(app, '/timp/organizations/user-password/', {
    POST: {
      schema: describe({
        group: 'Accounts',
        operationId: 'changePassword',
        summary: 'Change a password, and end the tokens of earlier logins',
        body: PasswordChangeSchema,
        ok: PasswordChangedSchema,
        problems: {
          401: 'No user has this username and password.',
          429: 'Too many failed attempts; see `Retry-After`.',
          503: 'Too many logins are waiting, or the store cannot answer; see `Retry-After`.',
        },
      }),
      guard: attempts.guard,
      handle: handlePassword,
    },
  });
}
