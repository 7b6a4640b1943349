import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { OnhandError } from '../domain/errors.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import { addResource } from './request/resource.ts';

/**
 * Adds `/metrics`, if there is a token that guards it. The token is a setting and not one of an organization, so that
 * Prometheus can read from the first start on.
 */
export function addMetrics(app: FastifyInstance, metrics: ServerMetrics): void {
  if (!metrics.isGuarded) return;
  addResource(app, '/metrics', {
    GET: {
      schema: { hide: true },
      handle: async (request: FastifyRequest, reply: FastifyReply) => {
        if (!metrics.mayRead(request.headers.authorization)) {
          throw new OnhandError(
            'unauthenticated',
            'Send the header "Authorization: Bearer " followed by the ONHAND_METRICS_TOKEN of this server.',
          );
        }
        const { contentType, text } = await metrics.scrape();
        return reply.header('cache-control', 'no-store').type(contentType).send(text);
      },
    },
  });
}
