import type { FastifyReply, FastifyRequest } from 'fastify';
import type { verifyPassword } from '../../accounts/credentials.ts';
import { PasswordChecker } from '../../accounts/password-checker.ts';
import { OnhandError } from '../../domain/errors.ts';
import { type BodyLimits, readBody } from '../request/body.ts';
import { networkOf, OpenPerNetwork } from '../request/client-networks.ts';
import { LoginThrottle, type LoginThrottleLimits } from './login-throttle.ts';

export interface LoginLimits extends BodyLimits, LoginThrottleLimits {
  /** Logins that wait for their password to be checked; more are refused with `overloaded`. */
  readonly loginQueueMax: number;
  /** Open requests of one network to log in or to change a password; more are refused with `rate_limited`, before their body is read. */
  readonly openLoginsPerAddressMax: number;
}

/** More than any username and password need. */
const LOGIN_BYTES_MAX = 16 * 1024;

/** The limits that every route with a password shares: open requests, failed attempts, checks that wait. */
export class PasswordAttempts {
  readonly #limits: LoginLimits;
  readonly #throttle: LoginThrottle;
  readonly #checker: PasswordChecker;
  readonly #open: OpenPerNetwork;

  constructor(limits: LoginLimits) {
    this.#limits = {
      ...limits,
      requestBytesMax: Math.min(limits.requestBytesMax, LOGIN_BYTES_MAX),
    };
    this.#throttle = new LoginThrottle(limits);
    this.#checker = new PasswordChecker(limits.loginQueueMax);
    this.#open = new OpenPerNetwork(limits.openLoginsPerAddressMax);
  }

  /** Limits what a network has open before its bodies are read, and so their memory. A guard of a route. */
  readonly guard = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (reply.raw.closed || this.#open.tryOpen(networkOf(request.ip), reply.raw)) return;
    throw new OnhandError(
      'rate_limited',
      `Your address has ${this.#limits.openLoginsPerAddressMax} open logins, as many as are allowed (ONHAND_OPEN_LOGINS_PER_ADDRESS_MAX). Try again when some have ended.`,
      { retryAfterSeconds: 1 },
    );
  };

  readBody(request: FastifyRequest) {
    return readBody(request, this.#limits);
  }

  /** Runs work that checks a password with the function that it is given. Rejects with `rate_limited` or `overloaded`. */
  attempt<T>(
    username: string,
    { request, reply }: { readonly request: FastifyRequest; readonly reply: FastifyReply },
    work: (verify: typeof verifyPassword) => Promise<T>,
  ): Promise<T> {
    const network = networkOf(request.ip);
    return this.#throttle.attempt(username, network, () =>
      work((password, stored) =>
        this.#checker.check({ password, stored }, network, () => !reply.raw.closed),
      ),
    );
  }

  close(): Promise<void> {
    return this.#checker.close();
  }
}
