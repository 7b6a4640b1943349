import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { Store } from '../../store/store.ts';
import { FreshnessSchema, printFreshness } from '../../wire/changes/freshness.ts';
import { readUuids } from '../../wire/query.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { visibleSuppliers } from '../../changes/visible-suppliers.ts';

interface FreshnessRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'changes'>;
}

/** Each supplier is a separate count over all its SKUs. */
const SUPPLIERS_MAX = 25;

const FreshnessQuerySchema = Type.Object(
  {
    supplier_uuids: Type.Optional(
      Type.Array(Type.String(), {
        description: `Only these suppliers: one uuid, several separated by commas, or repeated; at most ${SUPPLIERS_MAX}.`,
      }),
    ),
  },
  { title: 'FreshnessQuery', additionalProperties: false },
);

/** Adds the freshness report: of a retailer's suppliers, or of a supplier itself. */
export function addFreshness(app: FastifyInstance, { admission, store }: FreshnessRoutes): void {
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FreshnessQuerySchema.properties));
    const requested = queryOf(request).get('supplier_uuids');
    const uuids = requested === undefined ? undefined : readUuids(requested);
    const ids = await visibleSuppliers(store.accounts, admission.principalOf(request), uuids);
    if (ids.length > SUPPLIERS_MAX) {
      throw new OnhandError(
        'parameter_invalid',
        `The request covers ${ids.length} suppliers; at most ${SUPPLIERS_MAX} are allowed. Choose some with supplier_uuids.`,
      );
    }
    const nowMs = Date.now();
    const suppliers = await store.accounts.findOrganizationsById(ids);
    const reports = await Promise.all(
      suppliers.map(async (supplier) => ({
        supplier,
        ...(await admission.reading(request, () => store.changes.freshness(supplier.id, nowMs))),
      })),
    );
    return sendJson(request, reply, printFreshness(reports, nowMs));
  };

  addResource(app, '/timp/suppliers/freshness/', {
    GET: {
      schema: describe({
        operationId: 'showFreshness',
        summary: 'Show when suppliers last reported, and how old their reports on SKUs are',
        query: FreshnessQuerySchema,
        ok: FreshnessSchema,
        access: 'viewer',
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: show,
    },
  });
}
