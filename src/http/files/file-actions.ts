import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import type { Intake } from '../../intake/intake.ts';
import type { AuditNote } from '../../domain/audit.ts';
import { isOver, type FileRecord } from '../../domain/files.ts';
import { RULE_NAMES } from '../../domain/reading-rules.ts';
import {
  FileRevertSchema,
  printFileRevert,
  RevertQuerySchema,
} from '../../wire/inventory/reverts.ts';
import { FileRulesQuerySchema, FileSchema, printFile } from '../../wire/file-jobs.ts';
import { NOTE_HEADERS } from '../../wire/inventory/write-parameters.ts';
import { refuseBody } from '../inventory/batches.ts';
import { readBody, smallBodyLimits } from '../request/body.ts';
import { appendNote, noteOf } from '../accounts/author.ts';
import { describe } from '../documentation.ts';
import {
  FileParametersSchema,
  findFile,
  NO_SUCH_FILE,
  wrongState,
  type FileRoutes,
} from './files.ts';
import { checkParameters, flagOf } from '../request/parameters.ts';
import { batchNotesOf } from '../request/request-trace.ts';
import { readRules } from './reading-rules.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';

interface ActionRoutes extends Pick<FileRoutes, 'admission' | 'audit' | 'service' | 'limits'> {
  readonly intake: Pick<Intake, 'runAlone'>;
}

const PATH = '/timp/organizations/files/';

/** Adds the routes that act on a file: cancel, confirm, revert. */
export function addFileActions(app: FastifyInstance, routes: ActionRoutes): void {
  const { admission, audit, intake, service, limits } = routes;
  const bodyLimits = smallBodyLimits(limits);
  const sendFile = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
    sendJson(request, reply, JSON.stringify(printFile(await findFile(routes, request))));

  const cancel = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseBody(await readBody(request, bodyLimits));
    checkParameters(request, []);
    const file = await findFile(routes, request);
    if (isOver(file)) throw wrongState(file, 'only a file that is not finished can be canceled');
    await admission.writing(request, () => service.cancel(file));
    return sendFile(request, reply);
  };

  const note = (
    request: FastifyRequest,
    action: 'file.confirmed' | 'file.reverted',
    { uuid }: FileRecord,
    details: AuditNote['details'] & object,
  ): Promise<void> => {
    const deed = { action, subject: uuid, details };
    return appendNote(audit, request, noteOf(request, admission.principalOf(request), deed));
  };

  const confirm = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    refuseBody(await readBody(request, bodyLimits));
    checkParameters(request, RULE_NAMES);
    const given = readRules(request);
    const file = await findFile(routes, request);
    const isConfirmed = await admission.writing(request, () => service.confirm(file, given));
    if (!isConfirmed) throw wrongState(file, 'only a held file can be confirmed');
    await note(request, 'file.confirmed', file, {
      filename: file.filename,
      rules: Object.keys(given),
    });
    return sendFile(request, reply);
  };

  const revert = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, Object.keys(RevertQuerySchema.properties));
    const dryRun = flagOf(request, 'dry_run') ?? false;
    const force = flagOf(request, 'force') ?? false;
    const notes = batchNotesOf(request);
    refuseBody(body);
    const file = await findFile(routes, request);
    if (!isOver(file)) throw wrongState(file, 'cancel it first, or wait until it is finished');
    if (file.found?.kind === 'catalogue' && !file.isKept)
      throw new OnhandError(
        'results_expired',
        'A catalogue can be undone only while its file is kept, and this one was deleted, by you or after its retention.',
      );
    const reverted = await service.revert(
      file,
      {
        userId: admission.principalOf(request).userId,
        force,
        dryRun,
        ...notes,
      },
      (revertOne) =>
        admission.reverting(request, () => intake.runAlone(file.supplierId, revertOne)),
    );
    if (dryRun) reply.header('dry-run', 'true');
    else await note(request, 'file.reverted', file, { filename: file.filename, force });
    return sendJson(request, reply, JSON.stringify(printFileRevert(file.uuid, reverted)));
  };

  const editor = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    admission.admit(request, reply, 'editor');
  const oneFile = {
    params: FileParametersSchema,
    access: 'editor',
    problems: {
      ...NO_SUCH_FILE,
      409: 'The token does not belong to a supplier, or the state of the file does not allow this.',
    },
  } as const;

  addResource(app, `${PATH}:uuid/cancel/`, {
    POST: {
      schema: describe({
        group: 'Files',
        operationId: 'cancelFile',
        summary: 'Cancel a file; the chunk that is being applied is finished',
        ok: FileSchema,
        ...oneFile,
      }),
      guard: editor,
      handle: cancel,
    },
  });
  addResource(app, `${PATH}:uuid/confirm/`, {
    POST: {
      schema: describe({
        group: 'Files',
        operationId: 'confirmFile',
        summary: 'Confirm a held file: answer what it asks, or allow it to exceed the safety limit',
        query: FileRulesQuerySchema,
        ok: FileSchema,
        ...oneFile,
        problems: {
          ...oneFile.problems,
          400: 'An answer is missing; `detail` names it.',
        },
      }),
      guard: editor,
      handle: confirm,
    },
  });
  addResource(app, `${PATH}:uuid/revert/`, {
    POST: {
      schema: describe({
        group: 'Files',
        operationId: 'revertFile',
        summary: 'Revert every batch of a file, the last first',
        query: RevertQuerySchema,
        headers: Type.Object(NOTE_HEADERS),
        ok: FileRevertSchema,
        ...oneFile,
      }),
      guard: editor,
      handle: revert,
    },
  });
}
