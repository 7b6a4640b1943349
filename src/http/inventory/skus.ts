import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ChangeFeed } from '../../changes/change-feed.ts';
import { SUPPLIERS_FOLLOWED_MAX } from '../../domain/changes.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Principal } from '../../domain/parties.ts';
import type { Store } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import { parseSkuCreation, SkuCreationSchema } from '../../wire/inventory/sku-creation.ts';
import {
  parseSkuList,
  printSku,
  printSkuList,
  SKU_LIST_PARAMETERS,
  SkuListQuerySchema,
  type SkuListRequest,
  SkuPageSchema,
  SkuSchema,
} from '../../wire/inventory/skus.ts';
import {
  HistoryQuerySchema,
  HistorySchema,
  parseHistory,
  printHistory,
} from '../../wire/changes/sku-history.ts';
import { readTimeMs } from '../../wire/query.ts';
import { type BodyLimits, readBody } from '../request/body.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { noteHeaderOf } from '../request/headers.ts';
import { checkParameters, queryOf } from '../request/query.ts';
import { sendJson } from '../request/reply.ts';
import { addResource, uuidOf } from '../request/resource.ts';
import { visibleSuppliers } from '../changes/visible-suppliers.ts';

interface SkuRoutes {
  readonly gate: Admission;
  readonly store: Pick<Store, 'accounts' | 'skus' | 'changes' | 'applyCatalogue'>;
  readonly feed: ChangeFeed;
  readonly limits: BodyLimits;
}

const LIST_PATH = '/timp/products/skus/';
const SKU_EXPECTED = 'one SKU as a JSON object such as {"sku_id": "A-1"}';
const DetailQuerySchema = Type.Object(
  {
    as_of: Type.Optional(
      Type.String({ description: 'Answers what was known at this time (RFC 3339).' }),
    ),
  },
  { title: 'SkuQuery', additionalProperties: false },
);
const DetailParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the SKU.' }),
});

/** SKUs: the list, one of them, and the making of a new one. */
export function addSkus(app: FastifyInstance, { gate, store, feed, limits }: SkuRoutes): void {
  const visibleTo = (principal: Principal): Promise<readonly number[]> =>
    visibleSuppliers(store.accounts, principal, undefined);

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, SKU_LIST_PARAMETERS);
    const asked = parseSkuList(queryOf(request));
    const principal = gate.principalOf(request);
    const supplierIds = await visibleSuppliers(store.accounts, principal, asked.supplierUuids);
    // Read before the page: what changes meanwhile is told twice rather than never.
    const changesCursor = await changesCursorOf(request, asked, supplierIds);
    const page = await store.skus.list({ ...asked, supplierIds });
    return sendJson(request, reply, printSkuList(asked, page, changesCursor));
  };

  /** Where the change feed goes on from a walk that begins here; undefined where none begins. */
  const changesCursorOf = async (
    request: FastifyRequest,
    { from }: SkuListRequest,
    supplierIds: readonly number[],
  ): Promise<string | null | undefined> => {
    if (!('afterUuid' in from) || from.afterUuid !== null) return undefined;
    if (supplierIds.length > SUPPLIERS_FOLLOWED_MAX) return null;
    const { organizationId } = gate.principalOf(request);
    const reader = { organizationId, supplierIds: () => Promise.resolve(supplierIds) };
    return feed.print(reader, await feed.begin(reader, 'now'));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, ['as_of']);
    const [asOf] = queryOf(request).get('as_of') ?? [];
    const uuid = uuidOf(request);
    const text =
      asOf === undefined
        ? await detailOf(request, uuid)
        : await detailAsOf(request, uuid, readTimeMs('as_of', asOf));
    return reply.type('application/json').send(text);
  };

  /** What was known of a SKU then; it is not there before it was created. */
  const detailAsOf = async (
    request: FastifyRequest,
    uuid: string,
    atMs: number,
  ): Promise<string> => {
    const supplierIds = await visibleTo(gate.principalOf(request));
    const sku = await store.skus.find(supplierIds, uuid);
    const known = await store.changes.inventoryAt(supplierIds, uuid, atMs);
    if (sku === undefined || known === undefined || sku.createdAtMs > atMs) throw noSuchSku();
    const updatedAtMs = known.changedAtMs ?? sku.createdAtMs;
    return JSON.stringify(printSku({ ...sku, inventory: known.inventory, updatedAtMs }));
  };

  const history = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(HistoryQuerySchema.properties));
    const asked = parseHistory(queryOf(request));
    const changes = await store.changes.history({
      ...asked,
      supplierIds: await visibleTo(gate.principalOf(request)),
      skuUuid: uuidOf(request),
      limit: asked.limit + 1,
    });
    if (changes === undefined) throw noSuchSku();
    return sendJson(request, reply, printHistory(changes, asked.limit));
  };

  const detailOf = async (request: FastifyRequest, uuid: string): Promise<string> => {
    const sku = await store.skus.find(await visibleTo(gate.principalOf(request)), uuid);
    if (sku === undefined) throw noSuchSku();
    return JSON.stringify(printSku(sku));
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { organizationId: supplierId, userId } = gate.principalOf(request);
    const body = await readBody(request, limits);
    checkParameters(request, []);
    const { value, text } = parseBody(body, SKU_EXPECTED);
    const entry = parseSkuCreation(value, text);
    const reason = noteHeaderOf(request, 'Batch-Reason');
    const reference = noteHeaderOf(request, 'Batch-Reference');
    const { batchUuid, entries } = await store.applyCatalogue({
      supplierId,
      userId,
      source: 'create',
      ...(reason !== undefined && { reason }),
      ...(reference !== undefined && { reference }),
      existing: 'refuse',
      entries: [entry],
    });
    const [made] = entries;
    if (made === undefined) throw new Error('the store left a SKU unanswered');
    if (batchUuid === null) {
      throw new OnhandError(
        'already_exists',
        `There is already a SKU with the sku_id ${JSON.stringify(entry.skuId)}; update its inventory, or choose another sku_id.`,
      );
    }
    return reply
      .code(201)
      .header('batch-id', batchUuid)
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
        query: DetailQuerySchema,
        ok: SkuSchema,
        access: 'viewer',
        problems: { 404: 'There is no such SKU among those the token may see.' },
      }),
      guard: (request, reply) => gate.enter(request, reply, 'viewer'),
      handle: show,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/history/`, {
    GET: {
      schema: describe({
        operationId: 'showSkuHistory',
        summary: 'The changes of one SKU, the latest first',
        params: DetailParametersSchema,
        query: HistoryQuerySchema,
        ok: HistorySchema,
        access: 'viewer',
        problems: { 404: 'There is no such SKU among those the token may see.' },
      }),
      guard: (request, reply) => gate.enter(request, reply, 'viewer'),
      handle: history,
    },
  });
}

function noSuchSku(): OnhandError {
  return new OnhandError('sku_not_found', 'There is no SKU of this uuid among those you may see.');
}
