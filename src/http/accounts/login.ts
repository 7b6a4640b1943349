import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { login, type Session } from '../../accounts/credentials.ts';
import type { AccountStore } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import { LoginReplySchema, LoginSchema, parseLogin, printSession } from '../../wire/login.ts';
import { type BodyLimits, readBody } from '../request/body.ts';
import { describe } from '../documentation.ts';
import { consumePoint } from '../request/admission.ts';
import { checkParameters } from '../request/parameters.ts';
import { addResource } from '../request/resource.ts';

export interface LoginLimits extends BodyLimits {
  /** Failed attempts for one name from one address within the window; more are refused. */
  readonly loginAttemptsMax: number;
  readonly loginWindowMs: number;
}

interface LoginRoutes {
  readonly accounts: Pick<AccountStore, 'findUser' | 'createToken'>;
  readonly limits: LoginLimits;
}

const LOGIN_EXPECTED = 'a JSON object such as {"username": "jo", "password": "…"}';
/** More than any username and password need. */
const LOGIN_BYTES_MAX = 16 * 1024;
/** An address gets this many times the limit of one name. */
const NAMES_OF_ADDRESS_MAX = 10;

/** Adds the login route. */
export function addLogin(app: FastifyInstance, { accounts, limits }: LoginRoutes): void {
  const throttle = new LoginThrottle(limits);
  const bodyLimits = {
    ...limits,
    requestBytesMax: Math.min(limits.requestBytesMax, LOGIN_BYTES_MAX),
  };

  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    const credentials = parseLogin(parseBody(body, LOGIN_EXPECTED).value);
    const session = await throttle.attempt(credentials.username, request.ip, () =>
      login(accounts, credentials, Date.now()),
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
          503: 'The store cannot answer; see `Retry-After`.',
        },
      }),
      handle,
    },
  });
}

/** Limits failed attempts by name and address, and by address alone. */
class LoginThrottle {
  readonly #byName: RateLimiterMemory;
  readonly #byAddress: RateLimiterMemory;

  constructor({ loginAttemptsMax, loginWindowMs }: LoginLimits) {
    const duration = Math.ceil(loginWindowMs / 1000);
    this.#byName = new RateLimiterMemory({ points: loginAttemptsMax, duration });
    this.#byAddress = new RateLimiterMemory({
      points: loginAttemptsMax * NAMES_OF_ADDRESS_MAX,
      duration,
    });
  }

  /** Counts an attempt when it begins, so that parallel ones count too; a success is subtracted again. */
  async attempt(name: string, address: string, login: () => Promise<Session>): Promise<Session> {
    const key = JSON.stringify([address, name]);
    await consumePoint(this.#byAddress, address);
    await consumePoint(this.#byName, key);
    const session = await login();
    await this.#byAddress.reward(address);
    await this.#byName.delete(key);
    return session;
  }
}
