import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { OnhandError } from '../../domain/errors.ts';
import type { Principal } from '../../domain/parties.ts';
import type { AccountStore } from '../../store/store.ts';
import { authenticate, authorize, type Access } from '../accounts/authenticate.ts';
import { OpenRequests, type OpenLimits, type OpenRequest } from './open-requests.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent it, once it was let in. */
    principal: Principal | null;
    /** What it takes of the server, once it was let in. */
    open: OpenRequest | null;
  }
}

export interface AdmissionLimits extends OpenLimits {
  /** Requests a second of one token; one more is refused with `rate_limited`. 0 is no limit. */
  readonly requestsPerSecondMax: number;
  /** Clients that wait for changes at once; one more is refused with `overloaded`. */
  readonly followersMax: number;
}

const FOLLOWERS_RETRY_SECONDS = 10;

/** Where every request of the API proves who it is and that there is room for it, its body still unread. */
export class Admission {
  readonly #accounts: Pick<AccountStore, 'findPrincipal'>;
  readonly #rate: RateLimiterMemory | undefined;
  readonly #openRequests: OpenRequests;
  readonly #followersMax: number;
  #followers = 0;

  constructor(accounts: Pick<AccountStore, 'findPrincipal'>, limits: AdmissionLimits) {
    this.#accounts = accounts;
    this.#openRequests = new OpenRequests(limits);
    this.#followersMax = limits.followersMax;
    const points = limits.requestsPerSecondMax;
    this.#rate = points === 0 ? undefined : new RateLimiterMemory({ points, duration: 1 });
  }

  /**
   * Lets a request in. Rejects, in this order, with `unauthenticated`, `not_a_supplier`,
   * `permission_missing`, `rate_limited`, `overloaded`.
   */
  async enter(request: FastifyRequest, reply: FastifyReply, access: Access): Promise<void> {
    const principal = await authenticate(this.#accounts, request.headers.authorization, Date.now());
    authorize(principal, access);
    if (this.#rate !== undefined) await take(this.#rate, String(principal.tokenId));
    request.open = this.#openRequests.open(reply.raw);
    request.principal = principal;
  }

  /**
   * Lets a request in that stays open while its client waits for what is to come; it takes none of the room
   * of those that are answered at once.
   */
  async follow(request: FastifyRequest, reply: FastifyReply, access: Access): Promise<void> {
    const principal = await authenticate(this.#accounts, request.headers.authorization, Date.now());
    authorize(principal, access);
    if (this.#rate !== undefined) await take(this.#rate, String(principal.tokenId));
    if (this.#followers >= this.#followersMax) {
      throw new OnhandError(
        'overloaded',
        'As many clients wait for changes as the server takes on; come back later, or ask without waiting.',
        { retryAfterSeconds: FOLLOWERS_RETRY_SECONDS },
      );
    }
    request.principal = principal;
    if (reply.raw.closed) return;
    this.#followers += 1;
    reply.raw.once('close', () => {
      this.#followers -= 1;
    });
  }

  /** Rejects with `unauthenticated` where the token of a request that stays open no longer opens. */
  async stays(request: FastifyRequest): Promise<void> {
    await authenticate(this.#accounts, request.headers.authorization, Date.now());
  }

  /** Who sent a request that was let in. */
  principalOf(request: FastifyRequest): Principal {
    const { principal } = request;
    if (principal === null) throw new Error('the request was not let in');
    return principal;
  }
}

/** Takes a point of `key`; rejects with `rate_limited` where none is left. */
export async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const retryAfterSeconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    throw new OnhandError(
      'rate_limited',
      `There were too many requests; wait ${retryAfterSeconds} s before the next.`,
      { retryAfterSeconds },
    );
  }
}
