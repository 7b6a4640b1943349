import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { Store } from '../../store/store.ts';
import { FreshnessSchema, printFreshness } from '../../wire/changes/freshness.ts';
import { readUuids } from '../../wire/query.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf } from '../request/query.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { visibleSuppliers } from './visible-suppliers.ts';

interface FreshnessRoutes {
  readonly gate: Admission;
  readonly store: Pick<Store, 'accounts' | 'changes'>;
}

/** Each is counted by itself, over all its SKUs. */
const SUPPLIERS_MAX = 25;

const FreshnessQuerySchema = Type.Object(
  {
    supplier_uuids: Type.Optional(
      Type.Array(Type.String(), {
        description: `Only these suppliers: one, separated by commas, or repeated; at most ${SUPPLIERS_MAX}.`,
      }),
    ),
  },
  { title: 'FreshnessQuery', additionalProperties: false },
);

/** How recent what suppliers say is: a retailer asks of its suppliers, a supplier of itself. */
export function addFreshness(app: FastifyInstance, { gate, store }: FreshnessRoutes): void {
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FreshnessQuerySchema.properties));
    const asked = queryOf(request).get('supplier_uuids');
    const uuids = asked === undefined ? undefined : readUuids(asked);
    const ids = await visibleSuppliers(store.accounts, gate.principalOf(request), uuids);
    if (ids.length > SUPPLIERS_MAX) {
      throw new OnhandError(
        'parameter_invalid',
        `These are ${ids.length} suppliers; at most ${SUPPLIERS_MAX} are answered at once. Choose some by supplier_uuids.`,
      );
    }
    const nowMs = Date.now();
    const suppliers = await store.accounts.findOrganizationsById(ids);
    const answered = await Promise.all(
      suppliers.map(async (supplier) => ({
        supplier,
        ...(await store.changes.freshness(supplier.id, nowMs)),
      })),
    );
    return sendJson(request, reply, printFreshness(answered, nowMs));
  };

  addResource(app, '/timp/suppliers/freshness/', {
    GET: {
      schema: describe({
        operationId: 'showFreshness',
        summary: 'When suppliers were last heard, and how old what they said of their SKUs is',
        query: FreshnessQuerySchema,
        ok: FreshnessSchema,
        access: 'viewer',
      }),
      guard: (request, reply) => gate.enter(request, reply, 'viewer'),
      handle: show,
    },
  });
}
