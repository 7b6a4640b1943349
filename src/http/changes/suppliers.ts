import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { visibleSuppliers } from '../../changes/visible-suppliers.ts';
import type { Organization } from '../../domain/parties.ts';
import type { Store } from '../../store/store.ts';
import {
  FreshnessQuerySchema,
  FreshnessSchema,
  parseFreshness,
  printFreshness,
} from '../../wire/changes/freshness.ts';
import type { PageRequest } from '../../wire/pagination.ts';
import {
  parseSupplierList,
  printSupplierList,
  SupplierListQuerySchema,
  SupplierPageSchema,
} from '../../wire/suppliers.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf } from '../request/parameters.ts';
import { POSITION_HEADER, readsFor } from '../request/positions.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';

interface SupplierRoutes {
  readonly admission: Admission;
  readonly store: Pick<Store, 'accounts' | 'skus' | 'changes' | 'reads'>;
}

const LIST_PATH = '/timp/suppliers/';

/** Adds the suppliers that a client can see, a retailer's or a supplier itself: their list, and their freshness. */
export function addSuppliers(app: FastifyInstance, { admission, store }: SupplierRoutes): void {
  const pageOf = async (
    request: FastifyRequest,
    { start, limit }: PageRequest,
    uuids?: readonly string[],
  ): Promise<{ readonly totalCount: number; readonly suppliers: readonly Organization[] }> => {
    const ids = await visibleSuppliers(store.accounts, admission.principalOf(request), uuids);
    const suppliers = await store.accounts.findOrganizationsById(ids.slice(start, start + limit));
    return { totalCount: ids.length, suppliers: suppliers.toSorted((a, b) => a.id - b.id) };
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(SupplierListQuerySchema.properties));
    const page = parseSupplierList(queryOf(request));
    const { totalCount, suppliers } = await pageOf(request, page);
    return sendJson(request, reply, printSupplierList(page, totalCount, suppliers));
  };

  const showFreshness = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FreshnessQuerySchema.properties));
    const page = parseFreshness(queryOf(request));
    const { totalCount, suppliers } = await pageOf(request, page, page.supplier_uuids);
    const { changes } = await readsFor(request, store);
    const nowMs = Date.now();
    const reports = await Promise.all(
      suppliers.map(async (supplier) => ({
        supplier,
        ...(await admission.scanning(request, () => changes.freshness(supplier.id, nowMs))),
      })),
    );
    return sendJson(request, reply, printFreshness(page, totalCount, reports, nowMs));
  };

  addResource(app, LIST_PATH, {
    GET: {
      schema: describe({
        group: 'SKUs',
        operationId: 'listSuppliers',
        summary:
          'List the suppliers that you can see: those a retailer is connected to, or the supplier itself',
        query: SupplierListQuerySchema,
        ok: SupplierPageSchema,
        access: 'viewer',
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: list,
    },
  });
  addResource(app, `${LIST_PATH}freshness/`, {
    GET: {
      schema: describe({
        group: 'Changes',
        operationId: 'showFreshness',
        summary: 'Show when suppliers last reported, and how old their reports on SKUs are',
        query: FreshnessQuerySchema,
        headers: Type.Object(POSITION_HEADER),
        ok: FreshnessSchema,
        access: 'viewer',
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: showFreshness,
    },
  });
}
