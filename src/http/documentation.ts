import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import { PROBLEM_MEDIA_TYPE, ProblemSchema } from '../wire/problem.ts';
import type { Access } from './accounts/authenticate.ts';
import { refuseOtherVerbs } from './request/resource.ts';

interface Description {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly query?: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  readonly body?: TSchema;
  /** Bodies other than JSON, by media type. */
  readonly bodies?: Readonly<Record<string, TSchema>>;
  /** For an operation that can also be a stream: one row of the request, and one of the response. */
  readonly rows?: { readonly mediaType: string; readonly body: TSchema; readonly ok: TSchema };
  /** The body of a successful response. */
  readonly ok: TSchema;
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
  const { access, body, bodies, rows, query, params, headers } = operation;
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
    operationId: operation.operationId,
    summary: operation.summary,
    ...(operation.description !== undefined && { description: operation.description }),
    ...(access === undefined ? { security: [] } : { security: [{ token: [] }] }),
    ...(query !== undefined && { querystring: query }),
    ...(params !== undefined && { params }),
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && {
      body: rows === undefined ? body : { content: contentOf(body, rows.mediaType, rows.body) },
    }),
    ...(bodies !== undefined && { body: { content: contentOfEach(bodies) } }),
    response: {
      [operation.okStatus ?? 200]: {
        description: 'Success.',
        content:
          operation.okType === undefined
            ? contentOf(operation.ok, rows?.mediaType, rows?.ok)
            : { [operation.okType]: { schema: operation.ok } },
      },
      ...Object.fromEntries(
        Object.entries(problems).map(([status, description]) => [
          status,
          { description, content: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemSchema } } },
        ]),
      ),
    },
  };
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

const DOCUMENTATION_PATHS = [
  '/openapi.json',
  '/docs',
  '/docs/errors',
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
      servers: [{ url: '/', description: 'This server.' }],
      components: {
        securitySchemes: {
          token: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: '`Token ` and 40 hexadecimal digits; `Bearer ` is accepted too.',
          },
        },
      },
    },
    transformObject: (printed) =>
      withNamedSchemas('openapiObject' in printed ? printed.openapiObject : printed.swaggerObject),
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
      uiConfig: { tryItOutEnabled: true, persistAuthorization: false },
    });
    pages.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('application/json').send(printed.json()),
    );
    const errors = await readFile(ERRORS_PAGE, 'utf8');
    // Plain text: browsers would download `text/markdown`.
    pages.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send(errors),
    );
    for (const path of DOCUMENTATION_PATHS) refuseOtherVerbs(pages, path, ['GET', 'HEAD']);
  });
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
