import type { FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';

export interface SessionCookieSettings {
  /** Whether cookies are only for TLS even if a request seems to come without it. */
  readonly secureCookies: boolean;
}

/** Browsers keep a cookie with this prefix to one host and to TLS. */
const SECURE_NAME = '__Host-onhand';
/** Without TLS, browsers refuse that prefix. */
const PLAIN_NAME = 'onhand';
const OPTIONS = { httpOnly: true, sameSite: 'strict', path: '/' } as const;
/** Other sites cannot send it without asking this server first, which allows nothing (CORS). */
const DASHBOARD_HEADER = 'onhand-dashboard';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** The cookie that carries the token of a session. It has no expiry of its own: the server knows when the token expires. */
export class SessionCookie {
  readonly #settings: SessionCookieSettings;

  constructor(settings: SessionCookieSettings) {
    this.#settings = settings;
  }

  /** The token of a request; undefined if it has no cookie. */
  tokenOf(request: FastifyRequest): string | undefined {
    return request.cookies[this.#nameFor(request)];
  }

  send(request: FastifyRequest, reply: FastifyReply, token: string): void {
    reply.setCookie(this.#nameFor(request), token, { ...OPTIONS, secure: this.#isSecure(request) });
  }

  clear(request: FastifyRequest, reply: FastifyReply): void {
    reply.clearCookie(this.#nameFor(request), { ...OPTIONS, secure: this.#isSecure(request) });
  }

  /**
   * Refuses a request that another site could have made the browser send with the cookie. Throws
   * `cross_site_request`.
   */
  refuseCrossSite(request: FastifyRequest): void {
    if (SAFE_METHODS.has(request.method)) return;
    this.refuseForeignOrigin(request);
    if (request.headers[DASHBOARD_HEADER] === '1') return;
    throw new OnhandError(
      'cross_site_request',
      'A request that is authenticated by a session cookie and changes something needs the header "Onhand-Dashboard: 1".',
    );
  }

  /** Throws `cross_site_request` if the request comes from a page of another origin. */
  refuseForeignOrigin(request: FastifyRequest): void {
    const { origin, 'sec-fetch-site': site } = request.headers;
    const isForeignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (!isForeignSite && (origin === undefined || this.#isOwn(origin, request))) return;
    throw new OnhandError(
      'cross_site_request',
      'The request comes from a page of another site. If the page is this server’s own, its proxy must pass on the Host header (or X-Forwarded-Host, with --trust-proxy).',
    );
  }

  #isOwn(origin: string, request: FastifyRequest): boolean {
    if (!URL.canParse(origin)) return false;
    const { protocol, host } = new URL(origin);
    if (this.#isSecure(request) && protocol !== 'https:') return false;
    // Parsed too, so that a default port that is written out makes no difference.
    const own = `${protocol}//${request.host}`;
    return URL.canParse(own) && new URL(own).host === host;
  }

  #nameFor(request: FastifyRequest): string {
    return this.#isSecure(request) ? SECURE_NAME : PLAIN_NAME;
  }

  #isSecure(request: FastifyRequest): boolean {
    return this.#settings.secureCookies || request.protocol === 'https';
  }
}
