import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { FileService } from '../../files/service.ts';
import type { ReservedRoom } from '../../files/disk-quota.ts';
import { parseRules, rulesInForce } from '../../domain/reading-rules.ts';
import { readRules } from './reading-rules.ts';
import { measure } from '../../files/storage.ts';
import { isOver, uuidOfSame, type FileRecord, type StoredFile } from '../../domain/files.ts';
import { newUuid } from '../../store/uuids.ts';
import {
  BINARY,
  FILE_WAIT_SECONDS_MAX,
  FileFormSchema,
  FileListQuerySchema,
  FilePageSchema,
  FileQuerySchema,
  FileUploadedSchema,
  FileUploadQuerySchema,
  FileWithBatchesSchema,
  parseFileList,
  printFile,
  printFileList,
} from '../../wire/file-jobs.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import { describe } from '../documentation.ts';
import { refuseBody } from '../inventory/batches.ts';
import { readBody, smallBodyLimits, type ServerBodyLimits } from '../request/body.ts';
import {
  cleanFilename,
  declaredBytesOf,
  discardRest,
  receiveUpload,
  registerMultipart,
  type OpenUploads,
  type UploadedFile,
  type UploadTarget,
} from './file-upload.ts';
import type { AuditStore } from '../../store/store.ts';
import type { Admission } from '../request/admission.ts';
import {
  checkParameters,
  flagOf,
  headerOf,
  keyHeaderOf,
  noteHeaderOf,
  queryOf,
  uuidOf,
} from '../request/parameters.ts';
import { traceOf } from '../request/request-trace.ts';
import { sendJson } from '../request/reply.ts';
import { sliced } from '../request/reply-budget.ts';
import { addResource } from '../request/resource.ts';
import { isSnapshot, readAsOfHeader } from '../inventory/write-options.ts';

export interface FileSettings {
  /** The largest file, in bytes. */
  readonly fileBytesMax: number;
  readonly idempotencyKeptHours: number;
  readonly asOfToleranceSeconds: number;
}

export interface FileRoutes {
  readonly admission: Admission;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly service: FileService;
  readonly uploads: OpenUploads;
  readonly settings: FileSettings;
  readonly limits: ServerBodyLimits;
}

const PATH = '/timp/organizations/files/';
const HOUR_MS = 3_600_000;
/** Memory reserved for a download: the rows that are read and printed, and what is not sent yet. */
const DOWNLOAD_BYTES = 2 * 1024 * 1024;
/** How often a waiting request checks whether another node has finished the file. */
const POLL_EVERY_MS = 1000;

export const FileParametersSchema = Type.Object({
  uuid: Type.String({ format: 'uuid', description: 'The uuid of the file.' }),
});
export const NO_SUCH_FILE = { 404: 'The supplier has no file with this uuid.' };

/** The file named in the path. Rejects with `file_not_found`. */
export async function findFile(
  { admission, service }: Pick<FileRoutes, 'admission' | 'service'>,
  request: FastifyRequest,
): Promise<FileRecord> {
  const uuid = uuidOf(request);
  const { organizationId } = admission.principalOf(request);
  const file = uuid === undefined ? undefined : await service.jobs.find(organizationId, uuid);
  if (file !== undefined) return file;
  throw new OnhandError('file_not_found', 'You have no file with this uuid.');
}

export function wrongState(file: FileRecord, reason: string): OnhandError {
  return new OnhandError('file_state_wrong', `The file is ${file.state}: ${reason}.`);
}

/** The file named in the path, if it is over and still stored. `known` are the query's parameters. */
export async function finishedFile(
  routes: Pick<FileRoutes, 'admission' | 'service'>,
  request: FastifyRequest,
  known: readonly string[],
): Promise<FileRecord> {
  checkParameters(request, known);
  const file = await findFile(routes, request);
  if (!isOver(file)) {
    throw new OnhandError(
      'file_state_wrong',
      `The file is ${file.state}: it has results when it is done, refused, failed or canceled. GET it with ?wait=30 to wait for that.`,
    );
  }
  await routes.service.results.check(file);
  return file;
}

/** The problems of what only a finished file has. */
export const FINISHED_FILE_PROBLEMS = {
  ...NO_SUCH_FILE,
  409: 'The token does not belong to a supplier, or the file is not finished.',
  410: 'The results have expired.',
} as const;

export type DownloadKind = keyof typeof DOWNLOAD_TYPES;

interface Download {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly kind: DownloadKind;
  /** The name of the download, without its ending. */
  readonly name: string;
  readonly content: () => Promise<Readable>;
}

/** Sends a file that is made while it is sent. */
export async function sendDownload(
  { admission }: Pick<FileRoutes, 'admission'>,
  { request, reply, kind, name, content }: Download,
): Promise<FastifyReply> {
  admission.openRequestOf(request).reserve(DOWNLOAD_BYTES, 0);
  const stream = await content();
  reply
    .type(DOWNLOAD_TYPES[kind])
    .header('content-disposition', `attachment; filename="${name}.${kind}"`)
    .header('x-content-type-options', 'nosniff');
  // The worker that prints is to stop when its client leaves, even if it has nothing to send then.
  reply.raw.once('close', () => stream.destroy());
  return reply.send(sliced(stream));
}

/** Adds the routes of a supplier's files: upload, list, show, delete, results. */
export function addFiles(app: FastifyInstance, routes: FileRoutes): void {
  const { admission, service, uploads, settings } = routes;
  const { fileBytesMax: bytesMax } = settings;
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    done();
  });

  const upload = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const options = readUploadOptions(request, settings);
    const { organizationId: supplierId, userId } = admission.principalOf(request);
    const saved = await service.jobs.rulesOf(supplierId);
    const nowMs = Date.now();
    const uuid = newUuid(nowMs);
    const file: StoredFile = { supplierId, uuid };
    const { key, reason, reference, given, ...terms } = options;
    const usedSinceMs = nowMs - settings.idempotencyKeptHours * HOUR_MS;
    const earlier =
      key === undefined ? undefined : await service.jobs.withKey(supplierId, { key, usedSinceMs });
    // A repeated upload is only compared. It takes no room, so a full quota does not refuse it.
    if (earlier !== undefined) {
      const again = await receive(request, {
        write: (content) => measure(content, bytesMax),
        remove: () => Promise.resolve(),
      });
      return sendUuid(request, reply, uuidOfSame(earlier, fingerprintOf(request, again)));
    }
    const room = await reserveRoom(request, supplierId);
    try {
      const received = await receive(request, {
        write: (content) => service.files.write(file, content, { bytesMax, room }),
        remove: () => service.files.remove(file),
      });
      const { filename, bytes } = received;
      const inForm = parseRules(received.rules);
      const added = await service.add({
        supplierId,
        uuid,
        userId,
        filename: cleanFilename(queryOf(request).get('filename')?.[0] ?? filename),
        bytes,
        asked: { ...terms, rules: rulesInForce(saved, { ...given, ...inForm }) },
        reason: reason ?? null,
        reference: reference ?? null,
        ...traceOf(request),
        uploadedAtMs: Date.now(),
        idempotency:
          key === undefined
            ? null
            : { key, fingerprint: fingerprintOf(request, received), usedSinceMs },
      });
      if (added === uuid) room.settle();
      return await sendUuid(request, reply, added);
    } finally {
      room.release();
    }
  };

  const receive = (
    request: FastifyRequest,
    target: Omit<UploadTarget, 'bytesMax'>,
  ): Promise<UploadedFile> =>
    uploads.during(request.raw, () => receiveUpload(request, { bytesMax, ...target }));

  const reserveRoom = async (
    request: FastifyRequest,
    supplierId: number,
  ): Promise<ReservedRoom> => {
    const declaredBytes = Math.min(declaredBytesOf(request.raw), bytesMax);
    try {
      return await service.quota.reserve(supplierId, declaredBytes);
    } catch (error) {
      discardRest(request);
      throw error;
    }
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FileListQuerySchema.properties));
    const options = parseFileList(queryOf(request));
    const { organizationId } = admission.principalOf(request);
    const page = await admission.reading(request, () => service.jobs.list(organizationId, options));
    return sendJson(request, reply, printFileList(options, page));
  };

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FileQuerySchema.properties));
    const disconnect = new AbortController();
    reply.raw.once('close', () => disconnect.abort());
    const signal = AbortSignal.any([disconnect.signal, closing.signal]);
    const file = await settledFile(request, waitSecondsOf(request) * 1000, signal);
    const batches = await service.batchesOf(file);
    const problem = file.problem ?? (await service.whyStuck(file));
    return sendJson(
      request,
      reply,
      JSON.stringify({ ...printFile({ ...file, problem }), batches }),
    );
  };

  /** Resolves with the file when it is finished or held, or after `waitMs`. */
  const settledFile = async (
    request: FastifyRequest,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<FileRecord> => {
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const leftMs = untilMs - performance.now();
      // Starts before the file is read, so that no change in between is missed.
      const change =
        leftMs > 0 &&
        service.changed(uuidOf(request) ?? '', Math.min(leftMs, POLL_EVERY_MS), signal);
      const file = await findFile(routes, request);
      const isSettled = isOver(file) || file.state === 'held';
      if (change === false || isSettled || signal.aborted) return file;
      await change;
    }
  };

  const remove = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseBody(await readBody(request, smallBodyLimits(routes.limits)));
    checkParameters(request, []);
    const file = await findFile(routes, request);
    if (!isOver(file)) throw wrongState(file, 'cancel it first, or wait until it is finished');
    await admission.writing(request, () => service.remove(file));
    return sendJson(request, reply, JSON.stringify({ message: 'success' }));
  };

  const resultsAs =
    (kind: DownloadKind) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const file = await finishedFile(routes, request, []);
      const content = (): Promise<Readable> => service.results.content(file, kind);
      return sendDownload(routes, { request, reply, content, kind, name: `results-${file.uuid}` });
    };

  const acknowledge = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const disconnect = new AbortController();
    reply.raw.once('close', () => disconnect.abort());
    const file = await finishedFile(routes, request, []);
    const text = await service.results.acknowledgement(file, disconnect.signal);
    const type = file.found?.format === 'edifact' ? 'application/edifact' : EDI_TYPE;
    return reply.type(type).send(text);
  };

  const owner = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    admission.admit(request, reply, 'owner');

  addResource(app, PATH, {
    GET: {
      schema: describe({
        group: 'Files',
        operationId: 'listFiles',
        summary: "List the supplier's files, the latest first",
        query: FileListQuerySchema,
        ok: FilePageSchema,
        access: 'owner',
      }),
      guard: owner,
      handle: list,
    },
  });
  app.register(async (scope) => {
    await registerMultipart(scope);
    addResource(scope, `${PATH}upload/`, {
      POST: {
        schema: describe({
          group: 'Files',
          operationId: 'uploadFile',
          summary: 'Upload a file with inventory or a catalogue, in any supported format',
          description:
            'The file is the body, or the part `file` of a form. Its format is detected from its content.',
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
            400: 'There is no file, the file is incomplete, or a parameter is invalid.',
            413: 'The file is too large.',
            422: 'The key was used for a different upload.',
            429: 'The supplier has too many stored or waiting files, or sends too many requests.',
            503: 'The server is overloaded, or its disk is almost full; send the file again later.',
          },
        }),
        guard: (request, reply) => admission.admit(request, reply, 'editor', 'upload'),
        handle: upload,
      },
    });
  });
  addResource(app, `${PATH}:uuid/`, {
    GET: {
      schema: describe({
        group: 'Files',
        operationId: 'showFile',
        summary: 'Show one file: its format, progress and outcome',
        params: FileParametersSchema,
        query: FileQuerySchema,
        ok: FileWithBatchesSchema,
        access: 'owner',
        problems: NO_SUCH_FILE,
      }),
      guard: (request, reply) =>
        queryOf(request).has('wait')
          ? admission.admitFollower(request, reply, 'owner')
          : admission.admit(request, reply, 'owner'),
      handle: show,
    },
    DELETE: {
      schema: describe({
        group: 'Files',
        operationId: 'deleteFile',
        summary: 'Delete a finished file and its results; its counts and batches remain',
        params: FileParametersSchema,
        ok: SuccessSchema,
        access: 'editor',
        problems: {
          ...NO_SUCH_FILE,
          409: 'The token does not belong to a supplier, or the file is not finished.',
        },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: remove,
    },
  });
  const results = {
    params: FileParametersSchema,
    ok: Type.Unsafe<string>({ type: 'string' }),
    access: 'owner',
    problems: FINISHED_FILE_PROBLEMS,
  } as const;
  for (const [kind, operationId] of [
    ['csv', 'showFileResults'],
    ['xlsx', 'showFileResultsAsWorkbook'],
  ] as const) {
    addResource(app, `${PATH}:uuid/results.${kind}`, {
      GET: {
        schema: describe({
          ...results,
          group: 'Files',
          operationId,
          summary: `Download the rows of a file in order, each with its result, as ${kind.toUpperCase()}`,
          okType: DOWNLOAD_TYPES[kind],
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
        group: 'Files',
        operationId: 'showFileAcknowledgement',
        summary: 'Download the acknowledgement of an EDI file: 997 of X12, CONTRL of EDIFACT',
        okType: EDI_TYPE,
      }),
      guard: owner,
      handle: acknowledge,
    },
  });
}

function sendUuid(
  request: FastifyRequest,
  reply: FastifyReply,
  uuid: string,
): Promise<FastifyReply> {
  return sendJson(request, reply, JSON.stringify({ uuid }));
}

const EDI_TYPE = 'application/edi-x12';

export const DOWNLOAD_TYPES = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const;

const UPLOAD_HEADERS = {
  'Idempotency-Key': Type.Optional(
    Type.String({
      description:
        'An upload that is repeated with the same key is applied once and gets the same response.',
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]*$',
    }),
  ),
  'As-Of': Type.Optional(
    Type.String({
      description:
        'The timestamp of the file; rows older than the current inventory are not applied.',
      format: 'date-time',
    }),
  ),
  ...NOTE_HEADERS,
};

function readUploadOptions(request: FastifyRequest, settings: FileSettings) {
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
    given: readRules(request),
  };
}

/** Identifies the upload that an idempotency key belongs to: query, timestamp, rules and content. */
function fingerprintOf(
  request: FastifyRequest,
  { sha256, rules }: Pick<UploadedFile, 'sha256' | 'rules'>,
): Uint8Array {
  const terms: unknown[] = [[...queryOf(request)], headerOf(request, 'as-of') ?? null];
  if (rules.length > 0) terms.push(rules);
  return createHash('sha256').update(JSON.stringify(terms)).update(sha256).digest();
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
