import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { type TObject, type TSchema, Type } from 'typebox';
import { ActingQuerySchema } from '../wire/organizations.ts';
import { PROBLEM_MEDIA_TYPE, ProblemSchema } from '../wire/problem.ts';
import { ACTED } from './accounts/acting.ts';
import type { Access } from './accounts/authenticate.ts';
import { withExamples } from './examples.ts';
import { pageOfMarkdown, sendPage, type Page } from './pages.ts';
import { refuseOtherVerbs } from './request/resource.ts';

/** The groups of operations, in the order of the page. */
const GROUPS = {
  Inventory: 'Set stock levels.',
  Batches: 'See what was applied and count it, and undo it.',
  Changes: 'Follow what changed, in order.',
  Webhooks: 'Have changes sent to a URL.',
  Notifications: 'Be told what needs attention.',
  Files: 'Send CSV, Excel, JSON and EDI files.',
  SKUs: 'Read and create SKUs.',
  Accounts: 'Log in, and manage users, tokens and organizations.',
  Health: 'For monitoring, without a token.',
} as const;

interface Description {
  readonly group: keyof typeof GROUPS;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Without those by which an operator acts for an organization. */
  readonly query?: TObject;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  readonly body?: TSchema;
  /** Bodies other than JSON, by media type. */
  readonly bodies?: Readonly<Record<string, TSchema>>;
  /** For an operation that can also be a stream: one row of the request, and one of the response. */
  readonly rows?: { readonly mediaType: string; readonly body: TSchema; readonly ok: TSchema };
  /** The body of a successful response; left out for 204, which has none. */
  readonly ok?: TSchema;
  /** Its status; 200 by default. */
  readonly okStatus?: 200 | 201;
  /** Its media type; JSON by default. */
  readonly okType?: string;
  /** Left out for operations without authentication. */
  readonly access?: Access;
  /** Problems beyond the common ones, by status. */
  readonly problems?: Readonly<Record<number, string>>;
}

const CREDENTIALS_PROBLEMS = {
  401: 'There are no credentials, or the token is unknown, expired or revoked.',
  403: 'The token lacks the permission.',
  429: 'Rate limited; see `Retry-After`.',
  503: 'The server is overloaded, or the store cannot answer; see `Retry-After`.',
};
const BODY_PROBLEMS = {
  400: 'The body is missing or malformed.',
  413: 'The body has too many bytes or lines.',
  415: 'The body is not JSON in UTF-8.',
};

/** The schema of an operation for the OpenAPI document. */
export function describe(operation: Description): FastifySchema {
  const { access, body, bodies, rows, params, headers, ok } = operation;
  const query = queryOf(operation);
  const problems: Readonly<Record<number, string>> = {
    ...(query !== undefined && { 400: 'A query parameter is invalid.' }),
    ...(access !== undefined && CREDENTIALS_PROBLEMS),
    ...((access === 'editor' || access === 'owner') && {
      409: 'The token does not belong to a supplier.',
    }),
    ...(body !== undefined && BODY_PROBLEMS),
    ...operation.problems,
  };
  return {
    tags: [operation.group],
    operationId: operation.operationId,
    summary: operation.summary,
    ...(operation.description !== undefined && { description: operation.description }),
    ...(access === undefined ? { security: [] } : { security: [{ token: [] }, { session: [] }] }),
    ...(query !== undefined && { querystring: query }),
    ...(params !== undefined && { params }),
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && {
      body: rows === undefined ? body : { content: contentOf(body, rows.mediaType, rows.body) },
    }),
    ...(bodies !== undefined && { body: { content: contentOfEach(bodies) } }),
    response: {
      ...(ok === undefined
        ? { 204: { description: 'Success; the response has no body.' } }
        : {
            [operation.okStatus ?? 200]: {
              description: 'Success.',
              content:
                operation.okType === undefined
                  ? contentOf(ok, rows?.mediaType, rows?.ok)
                  : { [operation.okType]: { schema: ok } },
            },
          }),
      ...Object.fromEntries(
        Object.entries(problems).map(([status, description]) => [
          status,
          { description, content: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemSchema } } },
        ]),
      ),
    },
  };
}

function queryOf({ access, query }: Description): TObject | undefined {
  if (access === undefined || !ACTED.has(access)) return query;
  return Type.Object({ ...query?.properties, ...ActingQuerySchema.properties });
}

function contentOfEach(
  bodies: Readonly<Record<string, TSchema>>,
): Record<string, { schema: TSchema }> {
  return Object.fromEntries(Object.entries(bodies).map(([type, schema]) => [type, { schema }]));
}

function contentOf(json: TSchema, mediaType?: string, row?: TSchema) {
  return {
    'application/json': { schema: json },
    ...(mediaType !== undefined && row !== undefined && { [mediaType]: { schema: row } }),
  };
}

/** The page to which the `type` of every problem links (RFC 9457 §3.1.1). */
const ERRORS_PAGE = new URL('../../docs/errors.md', import.meta.url);

const FRONT_PAGE: Page = {
  title: 'onhand inventory server',
  body: [
    { text: 'This server takes stock levels from suppliers and passes them on to retailers.' },
    { text: 'To try the API and read about it:', link: { href: '/docs', text: 'documentation' } },
    { text: 'To send stock files:', link: { href: '/download/', text: 'tools for suppliers' } },
    { text: 'What an error means:', link: { href: '/docs/errors', text: 'errors' } },
    { text: 'For monitoring:', link: { href: '/readyz', text: 'readiness' } },
  ],
};

/** A box with a bar for each of three stock levels. */
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#246"/>' +
  '<path d="M4 12V8M8 12V4M12 12V6" stroke="#fff" stroke-width="2"/></svg>\n';

/** Shows the name of the project beside the icon, on its colour. */
const THEME =
  '.swagger-ui .topbar{background:#246}.swagger-ui .topbar a{max-width:none}' +
  '.swagger-ui .topbar a::after{content:"onhand";margin-left:.5rem}.swagger-ui .topbar img{height:2rem;width:2rem}';

const DOCUMENTATION_PATHS = [
  '/openapi.json',
  '/docs',
  '/docs/json',
  '/docs/yaml',
  '/docs/static/*',
];

/** Adds the OpenAPI document (`/openapi.json`), interactive documentation (`/docs`) and the errors (`/docs/errors`). */
export async function addDocumentation(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'onhand',
        version,
        summary: 'Stock levels in bulk, with a durable result for each line at once.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: Object.entries(GROUPS).map(([name, description]) => ({ name, description })),
      servers: [{ url: '/', description: 'This server.' }],
      components: {
        securitySchemes: {
          token: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: '`Token ` and 40 hexadecimal digits; `Bearer ` is accepted too.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'onhand',
            description:
              'The cookie of a browser session; `__Host-onhand` over TLS. Requests that change something need the header `Onhand-Dashboard: 1` too.',
          },
        },
      },
    },
    transformObject: (printed) =>
      withExamples(
        withNamedSchemas(
          'openapiObject' in printed ? printed.openapiObject : printed.swaggerObject,
        ),
      ),
  });
  await app.register(async (pages) => {
    // The page loads from this server only and cannot be framed.
    await pages.register(helmet, {
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'", "'unsafe-inline'"],
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'"],
          connectSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      // TLS is up to the proxy.
      strictTransportSecurity: false,
    });
    const printed = printOnce(app);
    // The plugin would print the document for each request.
    pages.addHook('onRequest', async (request, reply) => {
      const { url } = request.routeOptions;
      if (request.method !== 'GET') return;
      if (url === '/docs/json') return reply.type('application/json').send(printed.json());
      if (url === '/docs/yaml') return reply.type('application/x-yaml').send(printed.yaml());
    });
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      logo: { type: 'image/svg+xml', content: Buffer.from(ICON), href: '/', target: '_self' },
      theme: { title: `onhand ${version}: API`, css: [{ filename: 'theme.css', content: THEME }] },
      uiConfig: { tryItOutEnabled: true, persistAuthorization: false },
    });
    pages.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('application/json').send(printed.json()),
    );
    for (const path of DOCUMENTATION_PATHS) refuseOtherVerbs(pages, path, ['GET', 'HEAD']);
  });
  const errors = await readFile(ERRORS_PAGE, 'utf8');
  const errorsPage = pageOfMarkdown(errors);
  app.get('/docs/errors', { schema: { hide: true } }, (request, reply) => {
    reply.header('vary', 'Accept');
    // Programs and terminals get the text.
    return /\btext\/html\b/.test(request.headers.accept ?? '')
      ? sendPage(reply, errorsPage)
      : reply.type('text/plain; charset=utf-8').send(errors);
  });
  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) =>
    reply.type('image/svg+xml').header('cache-control', 'max-age=86400').send(ICON),
  );
  for (const path of ['/favicon.ico', '/docs/errors']) {
    refuseOtherVerbs(app, path, ['GET', 'HEAD']);
  }
}

/** Adds the page at `/` of a server without a dashboard there. */
export function addFrontPage(app: FastifyInstance): void {
  app.get('/', { schema: { hide: true } }, (_request, reply) => sendPage(reply, FRONT_PAGE));
  refuseOtherVerbs(app, '/', ['GET', 'HEAD']);
}

function hasDefault(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'default' in schema;
}

/**
 * The document with each titled schema once, as a component of that name, so that the document is a fraction of the
 * size and generators make one type of it. Query parameters that have a default are optional. Throws if two different schemas have the same title.
 */
function withNamedSchemas<T extends object>(document: T): T {
  const named = new Map<string, unknown>();
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const copy = Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, visit(inner)]),
    );
    const { title, type } = copy;
    if (copy['in'] === 'query' && hasDefault(copy['schema'])) return { ...copy, required: false };
    if (typeof title !== 'string' || type === undefined) return copy;
    // The plugin moves the examples of a body to its media type.
    const { examples: _, ...shape } = copy;
    const known = named.get(title);
    if (known === undefined) named.set(title, shape);
    else if (!isDeepStrictEqual(known, shape)) {
      throw new Error(`Two schemas have the title "${title}".`);
    }
    return { $ref: `#/components/schemas/${title}` };
  };
  const { components, ...rest } = { components: {}, ...document };
  const visited = visit(rest);
  return Object.assign(document, visited, {
    components: { ...components, schemas: Object.fromEntries(named) },
  });
}

/** The OpenAPI document as JSON and as YAML, each printed when it is first asked for. */
function printOnce(app: FastifyInstance): {
  readonly json: () => string;
  readonly yaml: () => string;
} {
  let json: string | undefined;
  let yaml: string | undefined;
  return {
    json: () => (json ??= JSON.stringify(app.swagger())),
    yaml: () => (yaml ??= app.swagger({ yaml: true })),
  };
}
