import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { FileService } from '../../files/service.ts';
import { isOver, type FileRecord } from '../../domain/files.ts';
import { newUuid } from '../../store/uuids.ts';
import { BatchListQuerySchema, parseBatchList } from '../../wire/inventory/batch-records.ts';
import {
  BINARY,
  FILE_WAIT_SECONDS_MAX,
  FileFormSchema,
  FilePageSchema,
  FileQuerySchema,
  FileUploadedSchema,
  FileUploadQuerySchema,
  FileWithBatchesSchema,
  printFile,
  printFileList,
} from '../../wire/file-jobs.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { describe } from '../documentation.ts';
import { readMultipartIn, shownName, takeUpload } from './file-upload.ts';
import type { Admission } from '../request/admission.ts';
import { headerOf, keyHeaderOf, noteHeaderOf } from '../request/headers.ts';
import type { OpenUploads } from './open-uploads.ts';
import { checkParameters, flagOf, queryOf } from '../request/query.ts';
import { sendJson } from '../request/reply.ts';
import { addResource, uuidOf } from '../request/resource.ts';
import { isSnapshot, readAsOfHeader } from '../inventory/write-options.ts';

export interface FileSettings {
  /** Largest file that is taken, in bytes. */
  readonly fileBytesMax: number;
  readonly idempotencyKeptHours: number;
  readonly asOfToleranceSeconds: number;
}

export interface FileRoutes {
  readonly gate: Admission;
  readonly service: FileService;
  readonly uploads: OpenUploads;
  readonly settings: FileSettings;
}

const PATH = '/timp/organizations/files/';
const HOUR_MS = 3_600_000;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;
/** How often it is looked whether another node has ended a file that somebody waits for. */
const LOOK_EVERY_MS = 1000;

export const FileParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the file.' }),
});
export const NO_SUCH_FILE = { 404: 'There is no such file of this supplier.' };

/** The file that a request is about. */
export async function findFile(
  { gate, service }: Pick<FileRoutes, 'gate' | 'service'>,
  request: FastifyRequest,
): Promise<FileRecord> {
  const uuid = uuidOf(request);
  const { organizationId } = gate.principalOf(request);
  const file = UUID.test(uuid) ? await service.jobs.find(organizationId, uuid) : undefined;
  if (file !== undefined) return file;
  throw new OnhandError('file_not_found', 'There is no file of this uuid among yours.');
}

/** The files of a supplier: sent, listed, followed, and their results. */
export function addFiles(app: FastifyInstance, routes: FileRoutes): void {
  const { gate, service, uploads, settings } = routes;
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    done();
  });

  const upload = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const asked = readAsked(request, settings);
    const { organizationId: supplierId, userId } = gate.principalOf(request);
    const mappings = await service.jobs.mappingOf(supplierId);
    const nowMs = Date.now();
    const uuid = newUuid(nowMs);
    const { filename, bytes, sha256 } = await uploads.during(request.raw, () =>
      takeUpload(request, service.files, uuid, settings.fileBytesMax),
    );
    const { key, reason, reference, ...terms } = asked;
    const added = await service.add({
      supplierId,
      uuid,
      userId,
      filename: shownName(queryOf(request).get('filename')?.[0] ?? filename),
      bytes,
      asked: { ...terms, mappings },
      reason: reason ?? null,
      reference: reference ?? null,
      uploadedAtMs: Date.now(),
      idempotency:
        key === undefined
          ? null
          : {
              key,
              fingerprint: fingerprintOf(request, sha256),
              usedSinceMs: nowMs - settings.idempotencyKeptHours * HOUR_MS,
            },
    });
    return sendJson(request, reply, JSON.stringify({ uuid: added }));
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(BatchListQuerySchema.properties));
    const asked = parseBatchList(queryOf(request));
    const page = await service.jobs.list(gate.principalOf(request).organizationId, asked);
    return sendJson(request, reply, printFileList(asked, page));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FileQuerySchema.properties));
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    const file = await waitedFor(request, waitSecondsOf(request) * 1000, signal);
    const batches = await service.batchesOf(file);
    const problem = file.problem ?? (await service.whyStuck(file));
    return sendJson(
      request,
      reply,
      JSON.stringify({ ...printFile({ ...file, problem }), batches }),
    );
  };

  /** The file, once there is nothing to wait for. */
  const waitedFor = async (
    request: FastifyRequest,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<FileRecord> => {
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const leftMs = untilMs - performance.now();
      // From before it is looked up: what changes meanwhile is not missed.
      const change =
        leftMs > 0 && service.changed(uuidOf(request), Math.min(leftMs, LOOK_EVERY_MS), signal);
      const file = await findFile(routes, request);
      const isSettled = isOver(file) || file.state === 'held';
      if (change === false || isSettled || signal.aborted) return file;
      await change;
    }
  };

  const overOf = async (request: FastifyRequest): Promise<FileRecord> => {
    checkParameters(request, []);
    const file = await findFile(routes, request);
    if (!isOver(file)) {
      throw new OnhandError(
        'file_state_wrong',
        `The file is ${file.state}: it has results when it is done, refused, failed or canceled. GET it with ?wait=30 to be told when it is.`,
      );
    }
    await service.results.check(file);
    return file;
  };

  const resultsAs =
    (kind: 'csv' | 'xlsx') =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const file = await overOf(request);
      const content = await service.results.content(file, kind);
      reply
        .type(RESULT_TYPES[kind])
        .header('content-disposition', `attachment; filename="results-${file.uuid}.${kind}"`)
        .header('x-content-type-options', 'nosniff');
      return reply.send(Readable.from(content, { objectMode: false }));
    };

  const acknowledge = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const text = await service.results.acknowledgement(await overOf(request));
    return reply.type('application/edi-x12').send(text);
  };

  const owner = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    gate.enter(request, reply, 'owner');

  addResource(app, PATH, {
    GET: {
      schema: describe({
        operationId: 'listFiles',
        summary: "The supplier's files, the latest first",
        query: BatchListQuerySchema,
        ok: FilePageSchema,
        access: 'owner',
      }),
      guard: owner,
      handle: list,
    },
  });
  app.register(async (scope) => {
    await readMultipartIn(scope);
    addResource(scope, `${PATH}upload/`, {
      POST: {
        schema: describe({
          operationId: 'uploadFile',
          summary: 'Send a file of inventory, or a catalogue, in any format that is read',
          description:
            'The file is the body, or the part `file` of a form. It is recognised by its content.',
          query: FileUploadQuerySchema,
          headers: Type.Object(UPLOAD_HEADERS),
          bodies: {
            'multipart/form-data': FileFormSchema,
            'application/octet-stream': BINARY,
            'text/csv': BINARY,
          },
          ok: FileUploadedSchema,
          access: 'editor',
          problems: {
            400: 'There is no file, or it was cut short; or a parameter is wrong.',
            413: 'The file is too large.',
            422: 'The key was used for another upload.',
          },
        }),
        guard: (request, reply) => gate.enter(request, reply, 'editor'),
        handle: upload,
      },
    });
  });
  addResource(app, `${PATH}:uuid/`, {
    GET: {
      schema: describe({
        operationId: 'showFile',
        summary: 'One file: what it was read as, how far it is, and what became of it',
        params: FileParametersSchema,
        query: FileQuerySchema,
        ok: FileWithBatchesSchema,
        access: 'owner',
        problems: NO_SUCH_FILE,
      }),
      guard: (request, reply) =>
        queryOf(request).has('wait')
          ? gate.follow(request, reply, 'owner')
          : gate.enter(request, reply, 'owner'),
      handle: show,
    },
  });
  const results = {
    params: FileParametersSchema,
    ok: Type.Unsafe<string>({ type: 'string' }),
    access: 'owner',
    problems: {
      ...NO_SUCH_FILE,
      409: 'The token is not of a supplier; or the file is not over.',
      410: 'They are no longer kept.',
    },
  } as const;
  for (const [kind, operationId] of [
    ['csv', 'showFileResults'],
    ['xlsx', 'showFileResultsAsWorkbook'],
  ] as const) {
    addResource(app, `${PATH}:uuid/results.${kind}`, {
      GET: {
        schema: describe({
          ...results,
          operationId,
          summary: `The rows of a file in their order, each with what became of it, as ${kind.toUpperCase()}`,
          okType: RESULT_TYPES[kind],
        }),
        guard: owner,
        handle: resultsAs(kind),
      },
    });
  }
  addResource(app, `${PATH}:uuid/acknowledgement.edi`, {
    GET: {
      schema: describe({
        ...results,
        operationId: 'showFileAcknowledgement',
        summary: 'The functional acknowledgement (997) of an X12 file',
        okType: 'application/edi-x12',
      }),
      guard: owner,
      handle: acknowledge,
    },
  });
}

const RESULT_TYPES = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const;

const UPLOAD_HEADERS = {
  'Idempotency-Key': Type.Optional(
    Type.String({
      description: 'Sent again with the same, an upload is answered as before and applied once.',
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]*$',
    }),
  ),
  'As-Of': Type.Optional(
    Type.String({
      description: 'Of when the file is; rows older than what is held are not applied.',
      format: 'date-time',
    }),
  ),
  ...NOTE_HEADERS,
};

function readAsked(request: FastifyRequest, settings: FileSettings) {
  checkParameters(request, Object.keys(FileUploadQuerySchema.properties));
  const { asOfToleranceSeconds } = settings;
  return {
    isSnapshot: isSnapshot(request),
    atomic: flagOf(request, 'atomic') ?? false,
    dryRun: flagOf(request, 'dry_run') ?? false,
    asOfUs: readAsOfHeader(request, { nowMs: Date.now(), asOfToleranceSeconds }) ?? null,
    reason: noteHeaderOf(request, 'Batch-Reason'),
    reference: noteHeaderOf(request, 'Batch-Reference'),
    key: keyHeaderOf(request, 'Idempotency-Key'),
  };
}

/** What makes two uploads with one key the same: the query, of when they are, and every byte. */
function fingerprintOf(request: FastifyRequest, sha256: Uint8Array): Uint8Array {
  const query = [...queryOf(request)];
  return createHash('sha256')
    .update(JSON.stringify([query, headerOf(request, 'as-of') ?? null]))
    .update(sha256)
    .digest();
}

function waitSecondsOf(request: FastifyRequest): number {
  const values = queryOf(request).get('wait') ?? ['0'];
  const seconds = /^[0-9]{1,2}$/.test(values[0] ?? '') ? Number(values[0]) : Number.NaN;
  if (values.length === 1 && seconds <= FILE_WAIT_SECONDS_MAX) return seconds;
  throw new OnhandError(
    'parameter_invalid',
    `wait must be a whole number of seconds from 0 to ${FILE_WAIT_SECONDS_MAX}, given once.`,
  );
}
