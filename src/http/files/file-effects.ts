import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { rulesInForce } from '../../domain/reading-rules.ts';
import type { FileRecord } from '../../domain/files.ts';
import { isOver, OPEN_STATES } from '../../domain/files.ts';
import {
  FileEffectsQuerySchema,
  FileEffectsSchema,
  FilePreviewQuerySchema,
  FilePreviewSchema,
  parseFileEffectsQuery,
  parsePreviewRows,
  printFileEffects,
  printFilePreview,
} from '../../wire/file-effects.ts';
import { FileUploadedSchema } from '../../wire/file-jobs.ts';
import { FileSettingsChangeSchema, parseFileRules } from '../../wire/file-settings.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { parseBody } from '../../wire/json.ts';
import { describe } from '../documentation.ts';
import { refuseBody } from '../inventory/batches.ts';
import { readBody, smallBodyLimits } from '../request/body.ts';
import { checkParameters, noteHeaderOf, queryOf } from '../request/parameters.ts';
import { traceOf } from '../request/request-trace.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import {
  DOWNLOAD_TYPES,
  FileParametersSchema,
  findFile,
  FINISHED_FILE_PROBLEMS,
  finishedFile,
  sendDownload,
  wrongState,
  type DownloadKind,
  type FileRoutes,
} from './files.ts';
import { readRules } from './reading-rules.ts';

type EffectRoutes = Pick<FileRoutes, 'admission' | 'service' | 'limits'>;

const PATH = '/timp/organizations/files/:uuid/';
const RULES_EXPECTED = 'rules such as {"columns": {"Lagerbestand": "quantity_in_stock"}}';
/** Memory reserved for a page of effects or a preview. */
const PAGE_BYTES = 1024 * 1024;

/** Adds the routes that show what a file would do, or did, and that apply one after its dry run. */
export function addFileEffects(app: FastifyInstance, routes: EffectRoutes): void {
  const { admission, service, limits } = routes;
  const bodyLimits = smallBodyLimits(limits);

  const effects = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const file = await finishedFile(
      routes,
      request,
      Object.keys(FileEffectsQuerySchema.properties),
    );
    const asked = parseFileEffectsQuery(queryOf(request));
    admission.openRequestOf(request).reserve(PAGE_BYTES, 0);
    const found = await service.results.effects(file, asked, disconnectOf(reply));
    return sendJson(request, reply, printFileEffects(file, asked, found));
  };

  const failedAs =
    (kind: DownloadKind) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const file = await finishedFile(routes, request, []);
      const content = () => service.results.failedRows(file, kind);
      return sendDownload(routes, { request, reply, content, kind, name: `failed-${file.uuid}` });
    };

  const preview = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(FilePreviewQuerySchema.properties));
    const rowsMax = parsePreviewRows(queryOf(request));
    const given = readRules(request);
    const file = await findFile(routes, request);
    await service.results.check(file);
    admission.openRequestOf(request).reserve(PAGE_BYTES, 0);
    const rules = rulesInForce(file.asked.rules, given);
    const found = await service.results.preview(file, { rules, rowsMax }, disconnectOf(reply));
    return sendJson(request, reply, printFilePreview(found));
  };

  const apply = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseBody(await readBody(request, bodyLimits));
    checkParameters(request, []);
    const reason = noteHeaderOf(request, 'Batch-Reason');
    const reference = noteHeaderOf(request, 'Batch-Reference');
    const file = await findFile(routes, request);
    refuseNoDryRun(file);
    const { userId } = admission.principalOf(request);
    const uuid = await admission.writing(request, () =>
      service.apply(file, {
        userId,
        reason: reason ?? file.reason,
        reference: reference ?? file.reference,
        ...traceOf(request),
      }),
    );
    return sendJson(request, reply, JSON.stringify({ uuid }));
  };

  const check = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    const file = await findFile(routes, request);
    if (OPEN_STATES.some((state) => state === file.state)) {
      throw wrongState(file, 'cancel it first, or wait until it is finished');
    }
    const { value } = parseBody(body, RULES_EXPECTED);
    const rules = parseFileRules(value, file.asked.rules);
    const { userId } = admission.principalOf(request);
    const { reason, reference } = file;
    const uuid = await admission.writing(request, () =>
      service.check(file, rules, { userId, reason, reference, ...traceOf(request) }),
    );
    return sendJson(request, reply, JSON.stringify({ uuid }));
  };

  const owner = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    admission.admit(request, reply, 'owner');

  addResource(app, `${PATH}effects/`, {
    GET: {
      schema: describe({
        group: 'Files',
        operationId: 'showFileEffects',
        summary:
          'Show what a file did, or would do in a dry run: totals, reasons of failures, rows',
        params: FileParametersSchema,
        query: FileEffectsQuerySchema,
        ok: FileEffectsSchema,
        access: 'owner',
        problems: FINISHED_FILE_PROBLEMS,
      }),
      guard: owner,
      handle: effects,
    },
  });
  for (const [kind, operationId] of [
    ['csv', 'showFailedRows'],
    ['xlsx', 'showFailedRowsAsWorkbook'],
  ] as const) {
    addResource(app, `${PATH}failed.${kind}`, {
      GET: {
        schema: describe({
          group: 'Files',
          operationId,
          summary: `Download the failed rows of a file in its own columns, as ${kind.toUpperCase()}`,
          params: FileParametersSchema,
          ok: Type.Unsafe<string>({ type: 'string' }),
          okType: DOWNLOAD_TYPES[kind],
          access: 'owner',
          problems: FINISHED_FILE_PROBLEMS,
        }),
        guard: owner,
        handle: failedAs(kind),
      },
    });
  }
  addResource(app, `${PATH}preview/`, {
    GET: {
      schema: describe({
        group: 'Files',
        operationId: 'previewFile',
        summary: 'Show the first rows of a file and how its columns are read',
        description:
          'Reading rules of the query are tried, and not saved: they replace those of the upload for this response.',
        params: FileParametersSchema,
        query: FilePreviewQuerySchema,
        ok: FilePreviewSchema,
        access: 'owner',
        problems: {
          ...FINISHED_FILE_PROBLEMS,
          400: 'The file cannot be read by these rules, or a parameter is invalid.',
        },
      }),
      guard: owner,
      handle: preview,
    },
  });
  addResource(app, `${PATH}check/`, {
    POST: {
      schema: describe({
        group: 'Files',
        operationId: 'checkFile',
        summary: 'Check a file again with other reading rules, without another upload',
        description:
          'Adds a dry run of the same content and options. Rules that are given replace those of the file, null resets one, and `columns` are read before those of the file.',
        params: FileParametersSchema,
        body: FileSettingsChangeSchema,
        ok: FileUploadedSchema,
        access: 'editor',
        problems: {
          ...FINISHED_FILE_PROBLEMS,
          429: 'The supplier has too many stored or waiting files, or sends too many requests.',
        },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: check,
    },
  });
  addResource(app, `${PATH}apply/`, {
    POST: {
      schema: describe({
        group: 'Files',
        operationId: 'applyFile',
        summary: 'Apply a file after its dry run, without another upload',
        description:
          'Adds a file job of the same content and options, without `dry_run`. Repeating the request returns the same job.',
        params: FileParametersSchema,
        headers: Type.Object(NOTE_HEADERS),
        ok: FileUploadedSchema,
        access: 'editor',
        problems: {
          ...FINISHED_FILE_PROBLEMS,
          409: 'The token does not belong to a supplier, or the file is not a finished dry run.',
          429: 'The supplier has too many stored or waiting files, or sends too many requests.',
        },
      }),
      guard: (request, reply) => admission.admit(request, reply, 'editor'),
      handle: apply,
    },
  });
}

function refuseNoDryRun(file: FileRecord): void {
  if (!file.asked.dryRun)
    throw wrongState(file, 'it is not a dry run, so it is applied already or on its way');
  if (!isOver(file)) throw wrongState(file, 'its dry run is not finished');
  if (file.state === 'canceled' || file.state === 'failed')
    throw wrongState(file, 'its dry run did not read all of it; upload it again');
}

/** Aborted when the client leaves. */
function disconnectOf(reply: FastifyReply): AbortSignal {
  const disconnect = new AbortController();
  reply.raw.once('close', () => disconnect.abort());
  return disconnect.signal;
}
