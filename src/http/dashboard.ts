import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from './request/request-log.ts';
import { refuseOtherVerbs } from './request/resource.ts';

/** Where the dashboard is built to, beside `src/` and `dist/`. */
export const DASHBOARD_FOLDER = fileURLToPath(new URL('../../dashboard/dist/', import.meta.url));

/** Paths of the API and its pages. An unknown one among them is not a page of the dashboard. */
const RESERVED =
  /^\/(?:timp|docs|download|openapi\.json|healthz|readyz|favicon\.ico)(?:\/|\?|$)|^\/assets\//;
/** The names of files in this folder contain a hash of their content. */
const HASHED_FOLDER = '/assets/';
const YEAR_SECONDS = 31_536_000;
const HOUR_SECONDS = 3600;
const NONCE_BYTES = 16;

/** The dashboard's files, which it is built to. They talk to the server over the public API only. */
export class Dashboard {
  /** Where it is served; it begins and ends with a slash. */
  readonly path: string;
  readonly #folder: string;
  readonly #page: string;

  private constructor(folder: string, path: string) {
    this.path = path;
    this.#folder = folder;
    this.#page = readFileSync(`${folder}/index.html`, 'utf8').replaceAll('__BASE_PATH__', path);
  }

  /** @returns undefined if `path` is null or the dashboard was not built */
  static in(folder: string, path: string | null): Dashboard | undefined {
    if (path === null || !existsSync(`${folder}/index.html`)) return undefined;
    return new Dashboard(folder, path);
  }

  /** Adds its page and files. */
  async addTo(app: FastifyInstance): Promise<void> {
    const { path } = this;
    await app.register(fastifyStatic, {
      root: this.#folder,
      prefix: path,
      // One route per file: other paths stay unknown.
      wildcard: false,
      globIgnore: ['**/index.html'],
      index: false,
      decorateReply: false,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, file) => {
        const isHashed = file.includes(HASHED_FOLDER);
        reply
          .header(
            'cache-control',
            isHashed
              ? `public, max-age=${YEAR_SECONDS}, immutable`
              : `public, max-age=${HOUR_SECONDS}`,
          )
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer');
      },
    });
    app.get(path, { schema: { hide: true } }, (_request, reply) => this.sendPage(reply));
    refuseOtherVerbs(app, path, ['GET', 'HEAD']);
  }

  /** Whether a request for an unknown path is a browser's for one of the pages that the dashboard itself shows. */
  isPage({ method, url, headers }: FastifyRequest): boolean {
    return (
      (method === 'GET' || method === 'HEAD') &&
      /\btext\/html\b/.test(headers.accept ?? '') &&
      url.startsWith(this.path) &&
      !RESERVED.test(pathOf(url))
    );
  }

  /** Sends its page, with a new nonce for the styles that it adds. Nothing may be loaded from elsewhere. */
  sendPage(reply: FastifyReply): FastifyReply {
    const nonce = randomBytes(NONCE_BYTES).toString('base64');
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', policyWith(nonce))
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'no-store')
      .send(this.#page.replaceAll('__CSP_NONCE__', nonce));
  }
}

function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
