import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { BatchRecord } from '../../domain/batches.ts';
import type { BatchStore } from '../../store/store.ts';
import {
  BatchListQuerySchema,
  BatchPageSchema,
  BatchSchema,
  parseBatchList,
  printBatch,
  printBatchList,
} from '../../wire/inventory/batch-records.ts';
import { printRevert, RevertQuerySchema, RevertReplySchema } from '../../wire/inventory/reverts.ts';
import { isJsonObject, parseJson } from '../../wire/json.ts';
import { BulkResultsSchema, printFailures } from '../../wire/lines/results.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { type BodyLimits, readBody } from '../request/body.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { noteHeaderOf } from '../request/headers.ts';
import { checkParameters, flagOf, queryOf } from '../request/query.ts';
import { sendJson } from '../request/reply.ts';
import { addResource, uuidOf } from '../request/resource.ts';

interface BatchRoutes {
  readonly gate: Admission;
  readonly batches: BatchStore;
  readonly limits: BodyLimits;
}

const LIST_PATH = '/timp/products/skus/inventory/batches/';
const BatchParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the batch.' }),
});
const NO_SUCH_BATCH = { 404: 'There is no such batch of this supplier.' };
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** A supplier's batches: the list, one of them, its failing lines, and its undoing. */
export function addBatches(app: FastifyInstance, { gate, batches, limits }: BatchRoutes): void {
  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(BatchListQuerySchema.properties));
    const asked = parseBatchList(queryOf(request));
    const page = await batches.list(gate.principalOf(request).organizationId, asked);
    return sendJson(request, reply, printBatchList(asked, page));
  };

  const find = async (request: FastifyRequest): Promise<BatchRecord> => {
    const uuid = uuidOf(request);
    const { organizationId } = gate.principalOf(request);
    const batch = UUID.test(uuid) ? await batches.find(organizationId, uuid) : undefined;
    if (batch === undefined) throw noSuchBatch();
    return batch;
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const batch = printBatch(await find(request));
    return reply.type('application/json').send(JSON.stringify(batch));
  };

  const results = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const { uuid } = await find(request);
    const failures = await batches.failures(gate.principalOf(request).organizationId, uuid);
    if (failures === undefined) {
      throw new OnhandError(
        'results_expired',
        'The failing lines of this batch are no longer kept; what it counted still stands with the batch.',
      );
    }
    return sendJson(request, reply, printFailures(failures));
  };

  const revert = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, limits);
    checkParameters(request, Object.keys(RevertQuerySchema.properties));
    const [force, dryRun] = [flagOf(request, 'force'), flagOf(request, 'dry_run')];
    const reason = noteHeaderOf(request, 'Batch-Reason');
    const reference = noteHeaderOf(request, 'Batch-Reference');
    refuseBody(body);
    const { organizationId: supplierId, userId } = gate.principalOf(request);
    const uuid = uuidOf(request);
    const asked = { supplierId, userId, uuid, force: force ?? false, dryRun: dryRun ?? false };
    const outcome = UUID.test(uuid)
      ? await batches.revert({
          ...asked,
          ...(reason !== undefined && { reason }),
          ...(reference !== undefined && { reference }),
        })
      : undefined;
    if (outcome === undefined) throw noSuchBatch();
    if (asked.dryRun) reply.header('dry-run', 'true');
    if (outcome.uuid !== null) reply.header('batch-id', outcome.uuid);
    return sendJson(request, reply, JSON.stringify(printRevert(uuid, outcome)));
  };

  addResource(app, LIST_PATH, {
    GET: {
      schema: describe({
        operationId: 'listBatches',
        summary: "The supplier's batches, the latest first",
        query: BatchListQuerySchema,
        ok: BatchPageSchema,
        access: 'owner',
      }),
      guard: (request, reply) => gate.enter(request, reply, 'owner'),
      handle: list,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: {
      schema: describe({
        operationId: 'showBatch',
        summary: 'One batch',
        params: BatchParametersSchema,
        ok: BatchSchema,
        access: 'owner',
        problems: NO_SUCH_BATCH,
      }),
      guard: (request, reply) => gate.enter(request, reply, 'owner'),
      handle: show,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/results/`, {
    GET: {
      schema: describe({
        operationId: 'showBatchResults',
        summary: 'The failing lines of a batch, as they were answered',
        params: BatchParametersSchema,
        ok: BulkResultsSchema,
        access: 'owner',
        problems: { ...NO_SUCH_BATCH, 410: 'They are no longer kept.' },
      }),
      guard: (request, reply) => gate.enter(request, reply, 'owner'),
      handle: results,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/revert/`, {
    POST: {
      schema: describe({
        operationId: 'revertBatch',
        summary: 'Put back every SKU whose last change is that of a batch',
        params: BatchParametersSchema,
        query: RevertQuerySchema,
        headers: Type.Object(NOTE_HEADERS),
        ok: RevertReplySchema,
        access: 'editor',
        problems: NO_SUCH_BATCH,
      }),
      guard: (request, reply) => gate.enter(request, reply, 'editor'),
      handle: revert,
    },
  });
}

/** What was meant by a body must not be left undone: throws `body_shape_wrong` where there is one. */
export function refuseBody(body: string | undefined): void {
  if (body === undefined || body.trim() === '') return;
  const value = parseJson(body);
  if (isJsonObject(value) && Object.keys(value).length === 0) return;
  throw new OnhandError(
    'body_shape_wrong',
    'This request takes no body; say what you want in the query, as ?dry_run=true.',
  );
}

function noSuchBatch(): OnhandError {
  return new OnhandError('batch_not_found', 'There is no batch of this uuid among yours.');
}
