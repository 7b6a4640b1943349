import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';

/** What one verb does on a resource. */
export interface Operation {
  /** For the OpenAPI document only; the handler validates (docs/decisions/0014-own-validation.md). */
  readonly schema: FastifySchema;
  /** Runs before the body is read; an error that it throws becomes the response. */
  readonly guard?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
}

const VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Verb = (typeof VERBS)[number];

export type Resource = Readonly<Partial<Record<Verb, Operation>>>;

/** Adds the operations of a resource. Every other verb gets 405 with `Allow`, before authentication. */
export function addResource(app: FastifyInstance, url: string, resource: Resource): void {
  const allowed: string[] = [];
  for (const verb of VERBS) {
    const operation = resource[verb];
    if (operation === undefined) continue;
    addOperation(app, verb, url, operation);
    allowed.push(...(verb === 'GET' ? ['GET', 'HEAD'] : [verb]));
  }
  refuseOtherVerbs(app, url, allowed);
}

/** Answers every verb on a path that is not in `allowed` with 405 and an `Allow` header. */
export function refuseOtherVerbs(
  app: FastifyInstance,
  url: string,
  allowed: readonly string[],
): void {
  const allow = allowed.join(', ');
  const refuse = async (request: FastifyRequest, reply: FastifyReply): Promise<never> => {
    reply.header('allow', allow);
    throw new OnhandError(
      'method_not_allowed',
      `${request.method} is not allowed on this path; allowed: ${allow}.`,
    );
  };
  app.route({
    method: app.supportedMethods.filter((method) => !allowed.includes(method)),
    url,
    schema: { hide: true },
    onRequest: refuse,
    handler: refuse,
  });
}

function addOperation(
  app: FastifyInstance,
  method: Verb,
  url: string,
  { schema, guard, handle }: Operation,
): void {
  app.route({
    method,
    url,
    schema,
    ...(guard !== undefined && { onRequest: guard }),
    handler: handle,
  });
}
