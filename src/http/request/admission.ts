import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { OnhandError } from '../../domain/errors.ts';
import type { Organization, Principal } from '../../domain/parties.ts';
import type { Store } from '../../store/store.ts';
import { organizationActedFor, principalFor } from '../accounts/acting.ts';
import { authenticate, authorize, type Access } from '../accounts/authenticate.ts';
import type { SessionCookie } from '../accounts/session-cookie.ts';
import type { TokenUses } from '../accounts/token-uses.ts';
import { TokenWatch } from '../accounts/token-watch.ts';
import { clientErrorResponse, TOKEN_REVOKED } from '../problems.ts';
import {
  OpenRequests,
  type OpenLimits,
  type OpenRequest,
  type RequestKind,
} from './open-requests.ts';
import { noteError, noteSender } from './request-log.ts';
import { StoreTurns } from './store-turns.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; null until it is admitted. */
    principal: Principal | null;
    /** The organization for which an operator acts; null for its own, and for all other clients. */
    actsFor: Organization | null;
    /** The memory that the request reserves; null until it is admitted. */
    openRequest: OpenRequest | null;
  }
}

export interface AdmissionLimits extends OpenLimits {
  /** Requests per second for each token; more are refused with `rate_limited`. 0 means no limit. */
  readonly requestsPerSecondMax: number;
}

interface AdmissionParts {
  readonly store: Pick<Store, 'accounts' | 'grouping'>;
  readonly limits: AdmissionLimits;
  readonly openRequests: OpenRequests;
  readonly cookie: SessionCookie;
  readonly uses: TokenUses;
}

/** Authenticates each API request and checks the limits before its body is read. */
export class Admission {
  readonly #accounts: Pick<Store['accounts'], 'findPrincipal' | 'findOrganizationsByUuid'>;
  readonly #turns: StoreTurns;
  readonly #tokenWatch = new TokenWatch({
    check: (request) => this.#checkWatched(request),
    end: endRevoked,
  });
  readonly #rate: RateLimiterMemory | undefined;
  readonly #openRequests: OpenRequests;
  readonly #cookie: SessionCookie;
  readonly #uses: TokenUses;

  constructor({ store, limits, openRequests, cookie, uses }: AdmissionParts) {
    this.#cookie = cookie;
    this.#uses = uses;
    this.#accounts = store.accounts;
    this.#turns = new StoreTurns(store.grouping);
    this.#openRequests = openRequests;
    const points = limits.requestsPerSecondMax;
    this.#rate = points === 0 ? undefined : new RateLimiterMemory({ points, duration: 1 });
  }

  /**
   * Admits a request. Rejects, in this order, with `unauthenticated`, `cross_site_request`, `session_needed`,
   * `not_a_supplier`, `permission_missing`, `rate_limited`, `organization_budget_exceeded`, `overloaded`.
   *
   * @param kind a request that stays open while its client waits is a follower, not an open request
   */
  async admit(
    request: FastifyRequest,
    reply: FastifyReply,
    access: Access,
    kind: RequestKind = 'request',
  ): Promise<void> {
    const sender = await this.#identify(request);
    const organization = await organizationActedFor(this.#accounts, sender, request, access);
    const principal = organization === undefined ? sender : principalFor(sender, organization);
    authorize(principal, access);
    await this.#limitRate(sender);
    // What an operator has open does not count as the organization's for which it acts.
    request.openRequest = this.#openRequests.open(reply.raw, sender.organizationId, kind);
    request.actsFor = organization ?? null;
    request.principal = principal;
    this.#tokenWatch.watch(request, reply.raw);
  }

  /** Admits a request that stays open while its client waits for changes. */
  admitFollower(request: FastifyRequest, reply: FastifyReply, access: Access): Promise<void> {
    return this.admit(request, reply, access, 'follower');
  }

  async #identify(request: FastifyRequest): Promise<Principal> {
    const principal = await this.#authenticate(request);
    noteSender(request, principal);
    if (principal.tokenKind === 'session') this.#cookie.refuseCrossSite(request);
    return principal;
  }

  async #limitRate(principal: Principal): Promise<void> {
    if (this.#rate !== undefined) await consumePoint(this.#rate, String(principal.tokenId));
    this.#uses.note(principal);
  }

  #authenticate(request: FastifyRequest): Promise<Principal> {
    const { authorization } = request.headers;
    const cookie = this.#cookie.tokenOf(request);
    return authenticate(this.#accounts, { authorization, cookie }, Date.now());
  }

  /** Checks the token of a long-lived request again. Rejects with `unauthenticated`. */
  async recheckToken(request: FastifyRequest): Promise<void> {
    await this.#authenticate(request);
  }

  /**
   * A signal for a request that ends itself when its token expires or is revoked. It is aborted within two seconds,
   * with the error as its reason. Uploads, downloads and slow requests without it are cut off.
   */
  revocationOf(request: FastifyRequest): AbortSignal {
    return this.#tokenWatch.signalOf(request);
  }

  async #checkWatched(request: FastifyRequest): Promise<void> {
    try {
      await this.recheckToken(request);
    } catch (error) {
      // A store that does not answer now has not revoked anything.
      if (error instanceof OnhandError && error.code === 'unauthenticated') throw error;
    }
  }

  /** Runs a call of the store that reads much, when it is the turn of the request's organization. */
  reading<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    return this.#turns.read(this.principalOf(request).organizationId, work);
  }

  /** The same for a call that may read each SKU of a supplier. */
  scanning<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    return this.#turns.scan(this.principalOf(request).organizationId, work);
  }

  /** Runs a call of the store that writes other than through `Intake`, when it is the organization's turn. */
  writing<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    return this.#turns.write(this.principalOf(request).organizationId, work);
  }

  /** Runs an undo, when it is the organization's turn. */
  reverting<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    return this.#turns.revert(this.principalOf(request).organizationId, work);
  }

  /** The memory that an admitted request reserves. */
  openRequestOf(request: FastifyRequest): OpenRequest {
    const { openRequest } = request;
    if (openRequest === null) throw new Error('the request was not admitted');
    return openRequest;
  }

  /** Who sent an admitted request. */
  principalOf(request: FastifyRequest): Principal {
    const { principal } = request;
    if (principal === null) throw new Error('the request was not admitted');
    return principal;
  }
}

/** Ends a request that is still arriving with 401, and cuts off a reply. A request that is complete gets its reply. */
function endRevoked(request: FastifyRequest, response: ServerResponse): void {
  const { raw, id } = request;
  noteError(request, 'unauthenticated');
  if (response.headersSent) response.destroy();
  else if (!raw.complete) {
    const { socket } = raw;
    if (socket.writable) socket.write(clientErrorResponse({ code: TOKEN_REVOKED }, id));
    socket.destroySoon();
  }
}

/**
 * Takes a point from the limit of `key`; rejects with `rate_limited` if none is left.
 *
 * @param what the first sentence of the error's message
 */
export async function consumePoint(
  limiter: RateLimiterMemory,
  key: string,
  what = 'Too many requests.',
): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const retryAfterSeconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    throw new OnhandError(
      'rate_limited',
      `${what} Wait ${retryAfterSeconds} s before the next one.`,
      { retryAfterSeconds },
    );
  }
}
