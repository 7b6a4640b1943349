import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { BatchRecord } from '../../domain/batches.ts';
import type { Intake } from '../../intake/intake.ts';
import type { AuditStore, BatchStore } from '../../store/store.ts';
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
import { readBody, type ServerBodyLimits, smallBodyLimits } from '../request/body.ts';
import { appendNote, noteOf } from '../accounts/author.ts';
import { describe } from '../documentation.ts';
import type { Admission } from '../request/admission.ts';
import { checkParameters, flagOf, queryOf, uuidOf } from '../request/parameters.ts';
import { batchNotesOf } from '../request/request-trace.ts';
import { sendJson, sendJsonParts } from '../request/reply.ts';
import { printInSlices } from '../request/slices.ts';
import { addResource } from '../request/resource.ts';

interface BatchRoutes {
  readonly admission: Admission;
  readonly intake: Pick<Intake, 'runAlone'>;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly batches: BatchStore;
  readonly limits: ServerBodyLimits;
}

const LIST_PATH = '/timp/products/skus/inventory/batches/';
const BatchParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the batch.' }),
});
const NO_SUCH_BATCH = { 404: 'The supplier has no batch with this uuid.' };

/** Adds the routes of a supplier's batches: list, show, failed lines, revert. */
export function addBatches(
  app: FastifyInstance,
  { admission, audit, intake, batches, limits }: BatchRoutes,
): void {
  const bodyLimits = smallBodyLimits(limits);
  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(BatchListQuerySchema.properties));
    const options = parseBatchList(queryOf(request));
    const { organizationId } = admission.principalOf(request);
    const page = await admission.reading(request, () => batches.list(organizationId, options));
    return sendJson(request, reply, printBatchList(options, page));
  };

  const find = async (request: FastifyRequest): Promise<BatchRecord> => {
    const uuid = uuidOf(request);
    const { organizationId } = admission.principalOf(request);
    const batch = uuid === undefined ? undefined : await batches.find(organizationId, uuid);
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
    const { organizationId } = admission.principalOf(request);
    const failures = await admission.reading(request, () => batches.failures(organizationId, uuid));
    if (failures === undefined) {
      throw new OnhandError(
        'results_expired',
        'The failed lines of this batch have expired; its counts are still available from the batch itself.',
      );
    }
    return sendJsonParts(request, reply, await printInSlices(printFailures(failures)));
  };

  const revert = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, Object.keys(RevertQuerySchema.properties));
    const force = flagOf(request, 'force') ?? false;
    const dryRun = flagOf(request, 'dry_run') ?? false;
    const notes = batchNotesOf(request);
    refuseBody(body);
    const { organizationId: supplierId, userId } = admission.principalOf(request);
    const uuid = uuidOf(request);
    if (uuid === undefined) throw noSuchBatch();
    const asked = {
      supplierId,
      userId,
      uuid,
      force,
      dryRun,
      ...notes,
    };
    const outcome = await admission.reverting(request, () =>
      intake.runAlone(supplierId, () => batches.revert(asked)),
    );
    if (outcome === undefined) throw noSuchBatch();
    if (!dryRun && outcome.uuid !== null) {
      const details = { batch: outcome.uuid, force };
      const deed = { action: 'batch.reverted', subject: uuid, details } as const;
      await appendNote(audit, request, noteOf(request, admission.principalOf(request), deed));
    }
    if (dryRun) reply.header('dry-run', 'true');
    if (outcome.uuid !== null) reply.header('batch-id', outcome.uuid);
    return sendJson(request, reply, JSON.stringify(printRevert(uuid, outcome)));
  };

  addResource(app, LIST_PATH, {
    GET: {
      schema: describe({
        group: 'Batches',
        operationId: 'listBatches',
        summary: "List the supplier's batches, the latest first",
        query: BatchListQuerySchema,
        ok: BatchPageSchema,
        access: 'owner',
      }),
      guard: (request, reply) => admission.admit(request, reply, 'owner'),
      handle: list,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/`, {
    GET: {
      schema: describe({
        group: 'Batches',
        operationId: 'showBatch',
        summary: 'Show one batch',
        params: BatchParametersSchema,
        ok: BatchSchema,
        access: 'owner',
        problems: NO_SUCH_BATCH,
      }),
      guard: (request, reply) => admission.admit(request, reply, 'owner'),
      handle: show,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/results/`, {
    GET: {
      schema: describe({
        group: 'Batches',
        operationId: 'showBatchResults',
        summary: 'Show the failed lines of a batch, with their results',
        params: BatchParametersSchema,
        ok: BulkResultsSchema,
        access: 'owner',
        problems: { ...NO_SUCH_BATCH, 410: 'The results have expired.' },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'owner'),
      handle: results,
    },
  });
  addResource(app, `${LIST_PATH}:uuid/revert/`, {
    POST: {
      schema: describe({
        group: 'Batches',
        operationId: 'revertBatch',
        summary: 'Revert a batch: restore every SKU whose last change it made',
        params: BatchParametersSchema,
        query: RevertQuerySchema,
        headers: Type.Object(NOTE_HEADERS),
        ok: RevertReplySchema,
        access: 'editor',
        problems: NO_SUCH_BATCH,
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: revert,
    },
  });
}

/** Throws `body_shape_wrong` if there is a body: options in it would be ignored silently. */
export function refuseBody(body: string | undefined): void {
  if (body === undefined || body.trim() === '') return;
  const value = parseJson(body);
  if (isJsonObject(value) && Object.keys(value).length === 0) return;
  throw new OnhandError(
    'body_shape_wrong',
    'This request takes no body. Options go into the query, such as ?dry_run=true.',
  );
}

function noSuchBatch(): OnhandError {
  return new OnhandError('batch_not_found', 'You have no batch with this uuid.');
}
