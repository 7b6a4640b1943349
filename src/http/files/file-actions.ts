import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import { isOver, type FileRecord } from '../../domain/files.ts';
import {
  FileRevertSchema,
  printFileRevert,
  RevertQuerySchema,
} from '../../wire/inventory/reverts.ts';
import { parseBody } from '../../wire/json.ts';
import {
  FileMappingSchema,
  FileSchema,
  parseFileMapping,
  printFile,
  printFileMapping,
} from '../../wire/file-jobs.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import { refuseBody } from '../inventory/batches.ts';
import { type BodyLimits, readBody } from '../request/body.ts';
import { describe } from '../documentation.ts';
import { FileParametersSchema, type FileRoutes, findFile, NO_SUCH_FILE } from './files.ts';
import { noteHeaderOf } from '../request/headers.ts';
import { checkParameters, flagOf } from '../request/query.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';

type ActionRoutes = Pick<FileRoutes, 'gate' | 'service'> & { readonly limits: BodyLimits };

const PATH = '/timp/organizations/files/';
const MAPPING_EXPECTED =
  'names of columns such as {"columns": {"Lagerbestand": "quantity_in_stock"}}';

/** What is done about a file that was sent, and the names that a supplier gives its columns. */
export function addFileActions(app: FastifyInstance, routes: ActionRoutes): void {
  const { gate, service, limits } = routes;
  const supplierIdOf = (request: FastifyRequest): number =>
    gate.principalOf(request).organizationId;

  const sendFile = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    sendJson(request, reply, JSON.stringify(printFile(await findFile(routes, request))));

  const cancel = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseBody(await readBody(request, limits));
    checkParameters(request, []);
    const file = await findFile(routes, request);
    if (isOver(file)) throw wrongState(file, 'only one that is not over can be canceled');
    await service.cancel(file);
    return sendFile(request, reply);
  };

  const confirm = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseBody(await readBody(request, limits));
    checkParameters(request, []);
    const file = await findFile(routes, request);
    if (!(await service.confirm(file)))
      throw wrongState(file, 'only one that is held is confirmed');
    return sendFile(request, reply);
  };

  const revert = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, limits);
    checkParameters(request, Object.keys(RevertQuerySchema.properties));
    const dryRun = flagOf(request, 'dry_run') ?? false;
    const force = flagOf(request, 'force') ?? false;
    const reason = noteHeaderOf(request, 'Batch-Reason');
    const reference = noteHeaderOf(request, 'Batch-Reference');
    refuseBody(body);
    const file = await findFile(routes, request);
    if (!isOver(file)) throw wrongState(file, 'cancel it first, or wait until it is over');
    if (file.found?.kind === 'catalogue')
      throw wrongState(file, 'it is a catalogue, whose SKUs are not taken back');
    const reverted = await service.revert(file, {
      userId: gate.principalOf(request).userId,
      force,
      dryRun,
      ...(reason !== undefined && { reason }),
      ...(reference !== undefined && { reference }),
    });
    if (dryRun) reply.header('dry-run', 'true');
    return sendJson(request, reply, JSON.stringify(printFileRevert(file.uuid, reverted)));
  };

  const showMapping = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    checkParameters(request, []);
    const columns = await service.jobs.mappingOf(supplierIdOf(request));
    return sendJson(request, reply, printFileMapping(columns));
  };

  const setMapping = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const body = await readBody(request, limits);
    checkParameters(request, []);
    const columns = parseFileMapping(parseBody(body, MAPPING_EXPECTED).value);
    await service.setMapping(supplierIdOf(request), columns);
    return showMapping(request, reply);
  };

  const dropMapping = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    checkParameters(request, []);
    await service.setMapping(supplierIdOf(request), []);
    return sendJson(request, reply, JSON.stringify({ message: 'success' }));
  };

  const owner = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    gate.enter(request, reply, 'owner');
  const editor = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    gate.enter(request, reply, 'editor');
  const ofOne = {
    params: FileParametersSchema,
    access: 'editor',
    problems: {
      ...NO_SUCH_FILE,
      409: 'The token is not of a supplier; or the file does not stand so that this is possible.',
    },
  } as const;

  addResource(app, `${PATH}:uuid/cancel/`, {
    POST: {
      schema: describe({
        operationId: 'cancelFile',
        summary: 'Stop a file after the piece that is being applied',
        ok: FileSchema,
        ...ofOne,
      }),
      guard: editor,
      handle: cancel,
    },
  });
  addResource(app, `${PATH}:uuid/confirm/`, {
    POST: {
      schema: describe({
        operationId: 'confirmFile',
        summary: 'Let a file through that is held because too many SKUs would fall',
        ok: FileSchema,
        ...ofOne,
      }),
      guard: editor,
      handle: confirm,
    },
  });
  addResource(app, `${PATH}:uuid/revert/`, {
    POST: {
      schema: describe({
        operationId: 'revertFile',
        summary: 'Put back every batch of a file, the last first',
        query: RevertQuerySchema,
        headers: Type.Object(NOTE_HEADERS),
        ok: FileRevertSchema,
        ...ofOne,
      }),
      guard: editor,
      handle: revert,
    },
  });
  addResource(app, `${PATH}mapping/`, {
    GET: {
      schema: describe({
        operationId: 'showFileMapping',
        summary: "The supplier's own names of columns",
        ok: FileMappingSchema,
        access: 'owner',
      }),
      guard: owner,
      handle: showMapping,
    },
    PUT: {
      schema: describe({
        operationId: 'setFileMapping',
        summary: 'Say what columns are called in files to come',
        body: FileMappingSchema,
        ok: FileMappingSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: setMapping,
    },
    DELETE: {
      schema: describe({
        operationId: 'removeFileMapping',
        summary: 'Forget the names of columns',
        ok: SuccessSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: dropMapping,
    },
  });
}

function wrongState(file: FileRecord, because: string): OnhandError {
  return new OnhandError('file_state_wrong', `The file is ${file.state}: ${because}.`);
}
