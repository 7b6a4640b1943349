import { readFile } from 'node:fs/promises';
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
  /** Bodies that are not JSON, by their media type. */
  readonly bodies?: Readonly<Record<string, TSchema>>;
  /** Where a body may come as a stream too: one row of it, and one of the reply. */
  readonly rows?: { readonly mediaType: string; readonly body: TSchema; readonly ok: TSchema };
  /** What a success answers with, and its status where that is not 200. */
  readonly ok: TSchema;
  readonly okStatus?: 200 | 201;
  /** Its media type, where that is not JSON. */
  readonly okType?: string;
  /** Left out where no credentials are asked for. */
  readonly access?: Access;
  /** Problems beyond those that every such operation has. */
  readonly problems?: Readonly<Record<number, string>>;
}

const CREDENTIALS_PROBLEMS = {
  401: 'No credentials, or a token that is unknown, expired or revoked.',
  403: 'The token lacks the permission.',
  429: 'Rate limited; see `Retry-After`.',
  503: 'Overloaded, or the store cannot answer; see `Retry-After`.',
};
const BODY_PROBLEMS = {
  400: 'No body, or one that cannot be read.',
  413: 'The body has too many bytes or lines.',
  415: 'Not JSON in UTF-8.',
};

/** What the API's description says of an operation. */
export function describe(operation: Description): FastifySchema {
  const { access, body, bodies, rows, query, params, headers } = operation;
  const problems: Readonly<Record<number, string>> = {
    ...(query !== undefined && { 400: 'A query parameter is wrong.' }),
    ...(access !== undefined && CREDENTIALS_PROBLEMS),
    ...((access === 'editor' || access === 'owner') && { 409: 'The token is not of a supplier.' }),
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
        description: 'Done.',
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

/** The page that the `type` of every problem names (RFC 9457 §3.1.1 asks that it can be followed). */
const ERRORS_PAGE = new URL('../../docs/errors.md', import.meta.url);

const DOCUMENTATION_PATHS = [
  '/openapi.json',
  '/docs',
  '/docs/errors',
  '/docs/json',
  '/docs/yaml',
  '/docs/static/*',
];

/**
 * The API's description at `/openapi.json`, a page to read and try it at `/docs`, and what each code
 * of an error means at `/docs/errors`.
 */
export async function addDocumentation(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'onhand',
        version,
        summary: 'Stock levels in bulk; a durable verdict for each line, at once.',
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
  });
  await app.register(async (pages) => {
    // The page may load from this server alone, and nothing may frame it.
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
      // Whether there is TLS is the proxy's to know.
      strictTransportSecurity: false,
    });
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { tryItOutEnabled: true, persistAuthorization: false },
    });
    pages.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('application/json').send(JSON.stringify(app.swagger())),
    );
    const errors = await readFile(ERRORS_PAGE, 'utf8');
    // As plain text, which a browser shows; `text/markdown` it would save to a file.
    pages.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
      reply.type('text/plain; charset=utf-8').send(errors),
    );
    for (const path of DOCUMENTATION_PATHS) refuseOtherVerbs(pages, path, ['GET', 'HEAD']);
  });
}
