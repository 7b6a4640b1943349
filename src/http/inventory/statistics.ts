import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { visibleSuppliers } from '../../changes/visible-suppliers.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Store } from '../../store/store.ts';
import {
  parseStatistics,
  printStatistics,
  StatisticsQuerySchema,
  StatisticsSchema,
} from '../../wire/statistics.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';

interface StatisticsRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'batches'>;
}

/** Adds the statistics of what a supplier sent; of all suppliers for an operator. */
export function addStatistics(app: FastifyInstance, { admission, store }: StatisticsRoutes): void {
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(StatisticsQuerySchema.properties));
    const asked = parseStatistics(queryOf(request), Date.now());
    const principal = admission.principalOf(request);
    if (principal.organizationType === 'retailer') {
      throw new OnhandError(
        'not_a_supplier',
        'Only a supplier has statistics of what it sent, and this token belongs to a retailer. Use a token of the supplier.',
      );
    }
    const supplierIds = await visibleSuppliers(store.accounts, principal, undefined);
    const counts = await admission.reading(request, () =>
      store.batches.hourCounts({ ...asked, supplierIds }),
    );
    return sendJson(request, reply, printStatistics(asked, counts));
  };

  addResource(app, '/timp/statistics/', {
    GET: {
      schema: describe({
        group: 'Batches',
        operationId: 'showStatistics',
        summary: 'Show how many batches and lines a supplier sent, by hour or day',
        query: StatisticsQuerySchema,
        ok: StatisticsSchema,
        access: 'viewer',
        problems: { 409: 'The token belongs to a retailer.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: show,
    },
  });
}
