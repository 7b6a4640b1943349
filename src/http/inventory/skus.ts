import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ChangeFeed } from '../../changes/change-feed.ts';
import { SUPPLIERS_FOLLOWED_MAX } from '../../domain/changes.ts';
import { OnhandError } from '../../domain/errors.ts';
import type { Principal } from '../../domain/parties.ts';
import type { Store } from '../../store/store.ts';
import { parseBody } from '../../wire/json.ts';
import {
  parseSkuChange,
  parseSkuCreation,
  SkuChangeSchema,
  SkuCreationSchema,
} from '../../wire/inventory/sku-creation.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import {
  INCLUDE_PARAMETER,
  parseSkuList,
  printSku,
  printSkuList,
  SKU_LIST_PARAMETERS,
  type SkuExtra,
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
import { createQueryReader, readTimeMs } from '../../wire/query.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { refuseBody } from './batches.ts';
import { readBody, type ServerBodyLimits, smallBodyLimits } from '../request/body.ts';
import { appendNote, noteOf } from '../accounts/author.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, queryOf, uuidOf } from '../request/parameters.ts';
import { POSITION_HEADER, readsFor } from '../request/positions.ts';
import { batchNotesOf } from '../request/request-trace.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import { visibleSuppliers } from '../../changes/visible-suppliers.ts';

interface SkuRoutes {
  readonly admission: Admission;
  readonly store: Pick<
    Store,
    'accounts' | 'audit' | 'skus' | 'changes' | 'reads' | 'applyCatalogue'
  >;
  readonly feed: ChangeFeed;
  readonly limits: ServerBodyLimits & SkuListLimits;
}

export interface SkuListLimits {
  /** Most SKUs that are read to sort a list in an order that no index has. */
  readonly sortedSkusMax: number;
}

const LIST_PATH = '/timp/products/skus/';
const CHANGE_EXPECTED = 'a JSON object of what to change, such as {"title": "Enamel jug"}';
const SKU_EXPECTED = 'one SKU as a JSON object such as {"sku_id": "A-1"}';
const DetailQuerySchema = Type.Object(
  {
    ...INCLUDE_PARAMETER,
    as_of: Type.Optional(
      Type.String({ description: 'Show the inventory as it was at this time (RFC 3339).' }),
    ),
  },
  { title: 'SkuQuery', additionalProperties: false },
);
const readDetailQuery = createQueryReader(DetailQuerySchema);
/** The query of what writes a SKU and returns it. */
const WriteQuerySchema = Type.Object(INCLUDE_PARAMETER, {
  title: 'SkuWriteQuery',
  additionalProperties: false,
});
const readWriteQuery = createQueryReader(WriteQuerySchema);
const DetailParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the SKU.' }),
});

interface AnyOrder {
  readonly filter: SkuListRequest['filter'];
  readonly sort?: SkuListRequest['sort'];
}

/** Reads SKUs when it is the organization's turn: for a list that may read each SKU of its suppliers, a turn of long reads. */
export function readInTurn<T>(
  admission: Admission,
  request: FastifyRequest,
  list: AnyOrder,
  read: () => Promise<T>,
): Promise<T> {
  return readsMuch(list) ? admission.scanning(request, read) : admission.reading(request, read);
}

function readsMuch({ filter, sort }: AnyOrder): boolean {
  if (filter.skuId !== undefined || filter.gtins !== undefined) return false;
  return sort !== undefined || Object.keys(filter).length > 0;
}

/** Adds the routes of SKUs: list, show, history, create, change, retire. */
export function addSkus(app: FastifyInstance, { admission, store, feed, limits }: SkuRoutes): void {
  const bodyLimits = smallBodyLimits(limits);
  const visibleTo = (principal: Principal): Promise<readonly number[]> =>
    visibleSuppliers(store.accounts, principal, undefined);

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, SKU_LIST_PARAMETERS);
    const options = parseSkuList(queryOf(request));
    const principal = admission.principalOf(request);
    const supplierIds = await visibleSuppliers(store.accounts, principal, options.supplierUuids);
    // Read before the page: a change made in between is delivered twice rather than never.
    const changesCursor = await changesCursorOf(request, options, supplierIds);
    const sort = options.sort && { ...options.sort, skusMax: limits.sortedSkusMax };
    const page = await readInTurn(admission, request, options, async () => {
      // Where changes continue after the page, it must show all that came before.
      const reads = await readsFor(request, store, { isCurrent: changesCursor !== undefined });
      return reads.skus.list({ ...options, sort, supplierIds });
    });
    return sendJson(request, reply, printSkuList(options, page, changesCursor));
  };

  /** Where the change feed continues after this listing; undefined unless this is its first page. */
  const changesCursorOf = async (
    request: FastifyRequest,
    { from }: SkuListRequest,
    supplierIds: readonly number[],
  ): Promise<string | null | undefined> => {
    if (!('afterUuid' in from) || from.afterUuid !== null) return undefined;
    if (supplierIds.length > SUPPLIERS_FOLLOWED_MAX) return null;
    const { organizationId } = admission.principalOf(request);
    const reader = { organizationId, supplierIds: () => Promise.resolve(supplierIds) };
    return feed.print(reader, await feed.begin(reader, 'now'));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(DetailQuerySchema.properties));
    const { as_of: asOf, include } = readDetailQuery(queryOf(request));
    const uuid = pathUuid(request);
    const text =
      asOf === undefined
        ? await detailOf(request, uuid, include)
        : await detailAsOf(request, uuid, readTimeMs('as_of', asOf), include);
    return reply.type('application/json').send(text);
  };

  /** A SKU with its inventory at a time; rejects with `sku_not_found` for a time before it was created. */
  const detailAsOf = async (
    request: FastifyRequest,
    uuid: string,
    atMs: number,
    include: SkuExtra | undefined,
  ): Promise<string> => {
    const supplierIds = await visibleTo(admission.principalOf(request));
    const { skus, changes } = await readsFor(request, store);
    const sku = await skus.find(supplierIds, uuid);
    const past = await admission.scanning(request, () =>
      changes.inventoryAt(supplierIds, uuid, atMs),
    );
    if (sku === undefined || past === undefined || sku.createdAtMs > atMs) throw noSuchSku();
    const updatedAtMs = past.changedAtMs ?? sku.createdAtMs;
    return JSON.stringify(printSku({ ...sku, inventory: past.inventory, updatedAtMs }, include));
  };

  const history = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(HistoryQuerySchema.properties));
    const options = parseHistory(queryOf(request));
    const skuUuid = pathUuid(request);
    const principal = admission.principalOf(request);
    const supplierIds = await visibleTo(principal);
    const limit = options.limit + 1;
    const reads = await readsFor(request, store);
    const changes = await admission.scanning(request, () =>
      reads.changes.history({ ...options, supplierIds, skuUuid, limit }),
    );
    if (changes === undefined) throw noSuchSku();
    return sendJson(
      request,
      reply,
      printHistory(changes, options.limit, principal.organizationType !== 'retailer'),
    );
  };

  const detailOf = async (
    request: FastifyRequest,
    uuid: string,
    include: SkuExtra | undefined,
  ): Promise<string> => {
    const { skus } = await readsFor(request, store);
    const sku = await skus.find(await visibleTo(admission.principalOf(request)), uuid);
    if (sku === undefined) throw noSuchSku();
    return JSON.stringify(printSku(sku, include));
  };

  const create = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { organizationId: supplierId, userId } = admission.principalOf(request);
    const body = await readBody(request, bodyLimits);
    checkParameters(request, Object.keys(WriteQuerySchema.properties));
    const { include } = readWriteQuery(queryOf(request));
    const { value, text } = parseBody(body, SKU_EXPECTED);
    const entry = parseSkuCreation(value, text);
    const notes = batchNotesOf(request);
    const { batchUuid, entries } = await admission.writing(request, () =>
      store.applyCatalogue({
        supplierId,
        userId,
        source: 'create',
        ...notes,
        existing: 'refuse',
        entries: [entry],
      }),
    );
    const [created] = entries;
    if (created === undefined) throw new Error('the store returned no result for a SKU');
    if (batchUuid === null) {
      throw new OnhandError(
        'already_exists',
        `A SKU with the sku_id ${JSON.stringify(entry.skuId)} already exists. Update its inventory, or choose another sku_id.`,
      );
    }
    return reply
      .code(201)
      .header('batch-id', batchUuid)
      .header('location', `${LIST_PATH}${created.uuid}/`)
      .type('application/json')
      .send(await detailOf(request, created.uuid, include));
  };

  const change = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { organizationId: supplierId, userId } = admission.principalOf(request);
    const body = await readBody(request, bodyLimits);
    checkParameters(request, Object.keys(WriteQuerySchema.properties));
    const { include } = readWriteQuery(queryOf(request));
    const { value, text } = parseBody(body, CHANGE_EXPECTED);
    const entry = parseSkuChange(value, text);
    const notes = batchNotesOf(request);
    const uuid = pathUuid(request);
    const sku = await store.skus.find([supplierId], uuid);
    if (sku === undefined) throw noSuchSku();
    // A sku_id names the same SKU forever, so that nothing can come between finding it and changing it.
    const { batchUuid } = await admission.writing(request, () =>
      store.applyCatalogue({
        supplierId,
        userId,
        source: 'update',
        ...notes,
        existing: 'update',
        entries: [{ ...entry, skuId: sku.skuId, inventory: {} }],
      }),
    );
    if (batchUuid !== null) reply.header('batch-id', batchUuid);
    return reply.type('application/json').send(await detailOf(request, uuid, include));
  };

  const retire = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { organizationId: supplierId, userId } = admission.principalOf(request);
    refuseBody(await readBody(request, bodyLimits));
    checkParameters(request, []);
    const notes = batchNotesOf(request);
    const sku = await store.skus.find([supplierId], pathUuid(request));
    if (sku === undefined) throw noSuchSku();
    const { batchUuid } = await admission.writing(request, () =>
      store.applyCatalogue({
        supplierId,
        userId,
        source: 'update',
        ...notes,
        existing: 'update',
        entries: [{ skuId: sku.skuId, retires: true, product: {}, inventory: {} }],
      }),
    );
    if (batchUuid !== null) {
      reply.header('batch-id', batchUuid);
      const details = { sku_id: sku.skuId, batch: batchUuid };
      const deed = { action: 'sku.retired', subject: sku.uuid, details } as const;
      await appendNote(store.audit, request, noteOf(request, admission.principalOf(request), deed));
    }
    return sendJson(request, reply, JSON.stringify({ message: 'success' }));
  };

  addResource(app, LIST_PATH, {
    GET: {
      schema: describe({
        group: 'SKUs',
        operationId: 'listSkus',
        summary:
          "List a supplier's SKUs, or those of the suppliers that a retailer is connected to",
        description: 'Ordered by supplier, then creation, unless `sort` says otherwise.',
        query: SkuListQuerySchema,
        headers: Type.Object(POSITION_HEADER),
        ok: SkuPageSchema,
        access: 'viewer',
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: list,
    },
    POST: {
      schema: describe({
        group: 'SKUs',
        operationId: 'createSku',
        summary: 'Create a SKU',
        query: WriteQuerySchema,
        body: SkuCreationSchema,
        ok: SkuSchema,
        okStatus: 201,
        access: 'editor',
        problems: { 422: 'A SKU with this sku_id already exists.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: create,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: {
      schema: describe({
        group: 'SKUs',
        operationId: 'showSku',
        summary: 'Show one SKU',
        params: DetailParametersSchema,
        query: DetailQuerySchema,
        headers: Type.Object(POSITION_HEADER),
        ok: SkuSchema,
        access: 'viewer',
        problems: { 404: 'The token can see no SKU with this uuid.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: show,
    },
    PATCH: {
      schema: describe({
        group: 'SKUs',
        operationId: 'updateSku',
        summary: "Change a SKU's identifiers, title, condition, bundle or item",
        params: DetailParametersSchema,
        query: WriteQuerySchema,
        body: SkuChangeSchema,
        ok: SkuSchema,
        access: 'editor',
        problems: { 404: 'The supplier has no SKU with this uuid.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: change,
    },
    DELETE: {
      schema: describe({
        group: 'SKUs',
        operationId: 'retireSku',
        summary: 'Retire a SKU; creating it again brings it back',
        params: DetailParametersSchema,
        headers: Type.Object(NOTE_HEADERS),
        ok: SuccessSchema,
        access: 'editor',
        problems: { 404: 'The supplier has no SKU with this uuid.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: retire,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/history/`, {
    GET: {
      schema: describe({
        group: 'Changes',
        operationId: 'showSkuHistory',
        summary: 'List the changes of one SKU, the latest first',
        params: DetailParametersSchema,
        query: HistoryQuerySchema,
        headers: Type.Object(POSITION_HEADER),
        ok: HistorySchema,
        access: 'viewer',
        problems: { 404: 'The token can see no SKU with this uuid.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'viewer'),
      handle: history,
    },
  });
}

function pathUuid(request: FastifyRequest): string {
  const uuid = uuidOf(request);
  if (uuid === undefined) throw noSuchSku();
  return uuid;
}

function noSuchSku(): OnhandError {
  return new OnhandError('sku_not_found', 'You can see no SKU with this uuid.');
}
