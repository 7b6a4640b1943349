import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import { OnhandError } from '../../domain/errors.ts';

/** What one verb does on a resource. */
export interface Operation {
  /** For the API's description; what it validates is validated by the handler. */
  readonly schema: FastifySchema;
  /** Asked before anything of the body is read; what it throws is the answer. */
  readonly guard?: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
}

const VERBS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Verb = (typeof VERBS)[number];

export type Resource = Readonly<Partial<Record<Verb, Operation>>>;

/**
 * Adds a resource at a path: its verbs, and for every other verb a 405 that names them, which comes
 * before any question of who asks.
 */
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

/** Answers every verb that is not `allowed` on a path with a 405 that names those that are. */
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
      `${request.method} is not possible on this path; possible: ${allow}.`,
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

/** The `uuid` that stands in the path of a request. */
export function uuidOf({ params }: FastifyRequest): string {
  const uuid = typeof params === 'object' && params !== null && 'uuid' in params && params.uuid;
  return typeof uuid === 'string' ? uuid.toLowerCase() : '';
}
