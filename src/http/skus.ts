import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../domain/errors.ts';
import type { Principal } from '../domain/parties.ts';
import type { Store } from '../store/store.ts';
import { parseBody } from '../wire/body.ts';
import { parseSkuCreation } from '../wire/creation.ts';
import {
  SkuCreationSchema,
  SkuListQuerySchema,
  SkuPageSchema,
  SkuSchema,
} from '../wire/schemas.ts';
import { parseSkuList, printSkuList, SKU_LIST_PARAMETERS } from '../wire/sku-list.ts';
import { printSku } from '../wire/skus.ts';
import { readBody, type BodyLimits } from './body.ts';
import { describe } from './documentation.ts';
import type { Gate } from './gate.ts';
import { checkParameters, queryOf } from './query.ts';
import { sendJson } from './reply.ts';
import { addResource } from './resource.ts';

interface SkuRoutes {
  readonly gate: Gate;
  readonly store: Pick<Store, 'accounts' | 'skus' | 'applyCatalogue'>;
  readonly limits: BodyLimits;
}

const LIST_PATH = '/timp/products/skus/';
const SKU_EXPECTED = 'one SKU as a JSON object such as {"sku_id": "A-1"}';
const DetailParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the SKU.' }),
});

/** SKUs: the list, one of them, and the making of a new one. */
export function addSkus(app: FastifyInstance, { gate, store, limits }: SkuRoutes): void {
  const visibleTo = ({ organizationId, organizationType }: Principal): Promise<readonly number[]> =>
    store.accounts.visibleSupplierIds(organizationId, organizationType);

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, SKU_LIST_PARAMETERS);
    const asked = parseSkuList(queryOf(request));
    const visible = await visibleTo(gate.principalOf(request));
    const supplierIds =
      asked.supplierUuids === undefined ? visible : await withUuids(asked.supplierUuids, visible);
    const page = await store.skus.list({ ...asked, supplierIds });
    return sendJson(request, reply, printSkuList(asked, page));
  };

  const withUuids = async (
    uuids: readonly string[],
    visible: readonly number[],
  ): Promise<readonly number[]> => {
    const asked = await store.accounts.findOrganizationsByUuid([...new Set(uuids)]);
    return visible.filter((id) => asked.some((organization) => organization.id === id));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    return reply.type('application/json').send(await detailOf(request, uuidOf(request)));
  };

  const detailOf = async (request: FastifyRequest, uuid: string): Promise<string> => {
    const sku = await store.skus.find(await visibleTo(gate.principalOf(request)), uuid);
    if (sku === undefined) {
      throw new OnhandError(
        'sku_not_found',
        'There is no SKU of this uuid among those you may see.',
      );
    }
    return JSON.stringify(printSku(sku));
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { organizationId: supplierId, userId } = gate.principalOf(request);
    const body = await readBody(request, limits);
    checkParameters(request, []);
    const { value, text } = parseBody(body, SKU_EXPECTED);
    const entry = parseSkuCreation(value, text);
    const { entries } = await store.applyCatalogue({
      supplierId,
      userId,
      source: 'create',
      existing: 'refuse',
      entries: [entry],
    });
    const [made] = entries;
    if (made === undefined) throw new Error('the store left a SKU unanswered');
    if (made.outcome === 'refused') {
      throw new OnhandError(
        'already_exists',
        `There is already a SKU with the sku_id ${JSON.stringify(entry.skuId)}; update its inventory, or choose another sku_id.`,
      );
    }
    return reply
      .code(201)
      .header('location', `${LIST_PATH}${made.uuid}/`)
      .type('application/json')
      .send(await detailOf(request, made.uuid));
  };

  addResource(app, LIST_PATH, {
    GET: {
      schema: describe({
        operationId: 'listSkus',
        summary: 'The SKUs of a supplier, or of the suppliers that a retailer is connected to',
        description: 'Ordered by supplier, then creation.',
        query: SkuListQuerySchema,
        ok: SkuPageSchema,
        access: 'viewer',
      }),
      guard: (request, reply) => gate.enter(request, reply, 'viewer'),
      handle: list,
    },
    POST: {
      schema: describe({
        operationId: 'createSku',
        summary: 'Create a SKU',
        body: SkuCreationSchema,
        ok: SkuSchema,
        okStatus: 201,
        access: 'editor',
        problems: { 422: 'There is already a SKU with this sku_id.' },
      }),
      guard: (request, reply) => gate.enter(request, reply, 'editor'),
      handle: create,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: {
      schema: describe({
        operationId: 'showSku',
        summary: 'One SKU',
        params: DetailParametersSchema,
        ok: SkuSchema,
        access: 'viewer',
        problems: { 404: 'There is no such SKU among those the token may see.' },
      }),
      guard: (request, reply) => gate.enter(request, reply, 'viewer'),
      handle: show,
    },
  });
}

function uuidOf({ params }: FastifyRequest): string {
  const uuid = typeof params === 'object' && params !== null && 'uuid' in params && params.uuid;
  return typeof uuid === 'string' ? uuid.toLowerCase() : '';
}
