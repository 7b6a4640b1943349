import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PasswordChecker } from '../../accounts/password-checker.ts';
import { changePassword } from '../../accounts/new-password.ts';
import { login, type verifyPassword } from '../../accounts/credentials.ts';
import { OnhandError } from '../../domain/errors.ts';
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
import { type BodyLimits, readBody } from '../request/body.ts';
import { networkOf, OpenPerNetwork } from '../request/client-networks.ts';
import { describe } from '../documentation.ts';
import { checkParameters } from '../request/parameters.ts';
import { addResource } from '../request/resource.ts';
import { LoginThrottle, type LoginThrottleLimits } from './login-throttle.ts';

export interface LoginLimits extends BodyLimits, LoginThrottleLimits {
  /** Logins that wait for their password to be checked; more are refused with `overloaded`. */
  readonly loginQueueMax: number;
  /** Open requests of one network to log in or to change a password; more are refused with `rate_limited`, before their body is read. */
  readonly openLoginsPerAddressMax: number;
}

interface LoginRoutes {
  readonly accounts: Pick<AccountStore, 'findUser' | 'createToken' | 'setPassword'>;
  readonly limits: LoginLimits;
}

const PASSWORD_EXPECTED =
  'a JSON object such as {"username": "jo", "password": "…", "new_password": "…"}';
const LOGIN_EXPECTED = 'a JSON object such as {"username": "jo", "password": "…"}';
/** More than any username and password need. */
const LOGIN_BYTES_MAX = 16 * 1024;

/** Adds the routes of logins and passwords. Both check a password, and share the limits of failed attempts. */
export function addLogin(app: FastifyInstance, { accounts, limits }: LoginRoutes): void {
  const throttle = new LoginThrottle(limits);
  const checker = new PasswordChecker(limits.loginQueueMax);
  app.addHook('onClose', () => checker.close());
  const bodyLimits = {
    ...limits,
    requestBytesMax: Math.min(limits.requestBytesMax, LOGIN_BYTES_MAX),
  };

  const attempt = <T>(
    username: string,
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
    work: (verify: typeof verifyPassword) => Promise<T>,
  ): Promise<T> => {
    const network = networkOf(request.ip);
    return throttle.attempt(username, network, () =>
      work((password, stored) =>
        checker.check({ password, stored }, network, () => !reply.raw.closed),
      ),
    );
  };

  const handlePassword = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    const { new_password: newPassword, ...credentials } = parsePasswordChange(
      parseBody(body, PASSWORD_EXPECTED).value,
    );
    await attempt(credentials.username, { request, reply }, (verify) =>
      changePassword(accounts, { ...credentials, newPassword }, verify),
    );
    return reply.type('application/json').send(JSON.stringify({ message: 'success' }));
  };

  const openLogins = new OpenPerNetwork(limits.openLoginsPerAddressMax);

  /** Limits what a network has open before its bodies are read, and so their memory. */
  const guard = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (reply.raw.closed || openLogins.tryOpen(networkOf(request.ip), reply.raw)) return;
    throw new OnhandError(
      'rate_limited',
      `Your address has ${limits.openLoginsPerAddressMax} open logins, as many as are allowed (ONHAND_OPEN_LOGINS_PER_ADDRESS_MAX). Try again when some have ended.`,
      { retryAfterSeconds: 1 },
    );
  };

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    const credentials = parseLogin(parseBody(body, LOGIN_EXPECTED).value);
    const session = await attempt(credentials.username, { request, reply }, (verify) =>
      login(accounts, credentials, Date.now(), verify),
    );
    return reply
      .header('cache-control', 'no-store')
      .type('application/json')
      .send(JSON.stringify(printSession(session)));
  };

  addResource(app, '/timp/organizations/user-login/', {
    POST: {
      schema: describe({
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
      guard,
      handle,
    },
  });

  addResource(app, '/timp/organizations/user-password/', {
    POST: {
      schema: describe({
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
      guard,
      handle: handlePassword,
    },
  });
}
