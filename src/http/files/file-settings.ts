import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Author } from '../../domain/audit.ts';
import type { ColumnMapping } from '../../domain/file-columns.ts';
import { NO_RULES } from '../../domain/reading-rules.ts';
import { FileMappingSchema, parseFileMapping, printFileMapping } from '../../wire/file-jobs.ts';
import {
  FileSettingsChangeSchema,
  FileSettingsSchema,
  parseFileSettings,
  printFileSettings,
} from '../../wire/file-settings.ts';
import { parseBody } from '../../wire/json.ts';
import { SuccessSchema } from '../../wire/lines/results.ts';
import { authorOf } from '../accounts/author.ts';
import { describe } from '../documentation.ts';
import { readBody, smallBodyLimits } from '../request/body.ts';
import { checkParameters } from '../request/parameters.ts';
import { sendJson } from '../request/reply.ts';
import { addResource } from '../request/resource.ts';
import type { FileRoutes } from './files.ts';

const PATH = '/timp/organizations/files/';
const MAPPING_EXPECTED = 'column names such as {"columns": {"Lagerbestand": "quantity_in_stock"}}';
const SETTINGS_EXPECTED = 'rules such as {"locations": "sum", "decimal": "comma"}';

/** Adds the routes of how a supplier's files are read: its saved rules, and its column names alone. */
export function addFileSettings(
  app: FastifyInstance,
  { admission, service, limits }: Pick<FileRoutes, 'admission' | 'service' | 'limits'>,
): void {
  const bodyLimits = smallBodyLimits(limits);
  const supplierIdOf = (request: FastifyRequest): number =>
    admission.principalOf(request).organizationId;

  const authorFor = (request: FastifyRequest): Author =>
    authorOf(request, admission.principalOf(request));

  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    const rules = await service.jobs.rulesOf(supplierIdOf(request));
    return sendJson(request, reply, printFileSettings(rules));
  };

  /** @param isPartial whether rules that are not given stay as they are */
  const change =
    (isPartial: boolean) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const body = await readBody(request, bodyLimits);
      checkParameters(request, []);
      const supplierId = supplierIdOf(request);
      const { value } = parseBody(body, SETTINGS_EXPECTED);
      const rules = await admission.writing(request, () =>
        service.jobs.changeRules(
          supplierId,
          (before) => parseFileSettings(value, isPartial ? before : NO_RULES),
          authorFor(request),
        ),
      );
      return sendJson(request, reply, printFileSettings(rules));
    };

  const reset = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, []);
    await admission.writing(request, () =>
      service.jobs.changeRules(supplierIdOf(request), () => NO_RULES, authorFor(request)),
    );
    return sendJson(request, reply, JSON.stringify({ message: 'success' }));
  };

  const showMapping = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    checkParameters(request, []);
    const { columns } = await service.jobs.rulesOf(supplierIdOf(request));
    return sendJson(request, reply, printFileMapping(columns));
  };

  const setColumns = async (
    request: FastifyRequest,
    columns: readonly ColumnMapping[],
  ): Promise<void> => {
    const supplierId = supplierIdOf(request);
    await admission.writing(request, () =>
      service.jobs.changeRules(
        supplierId,
        (before) => ({ ...before, columns }),
        authorFor(request),
      ),
    );
  };

  const setMapping = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    const body = await readBody(request, bodyLimits);
    checkParameters(request, []);
    const columns = parseFileMapping(parseBody(body, MAPPING_EXPECTED).value);
    await setColumns(request, columns);
    return showMapping(request, reply);
  };

  const removeMapping = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    checkParameters(request, []);
    await setColumns(request, []);
    return sendJson(request, reply, JSON.stringify({ message: 'success' }));
  };

  const owner = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    admission.admit(request, reply, 'owner');
  const editor = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    admission.admit(request, reply, 'editor');

  addResource(app, `${PATH}settings/`, {
    GET: {
      schema: describe({
        group: 'Files',
        operationId: 'showFileSettings',
        summary: "Show how the supplier's files are read",
        ok: FileSettingsSchema,
        access: 'owner',
      }),
      guard: owner,
      handle: show,
    },
    PUT: {
      schema: describe({
        group: 'Files',
        operationId: 'setFileSettings',
        summary: 'Set how future files are read; rules that are not given are reset',
        body: FileSettingsChangeSchema,
        ok: FileSettingsSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: change(false),
    },
    PATCH: {
      schema: describe({
        group: 'Files',
        operationId: 'changeFileSettings',
        summary: 'Change some rules of how future files are read; null resets one',
        body: FileSettingsChangeSchema,
        ok: FileSettingsSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: change(true),
    },
    DELETE: {
      schema: describe({
        group: 'Files',
        operationId: 'removeFileSettings',
        summary: 'Reset all rules of how files are read, the column names too',
        ok: SuccessSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: reset,
    },
  });

  addResource(app, `${PATH}mapping/`, {
    GET: {
      schema: describe({
        group: 'Files',
        operationId: 'showFileMapping',
        summary: "Show the supplier's own column names",
        ok: FileMappingSchema,
        access: 'owner',
      }),
      guard: owner,
      handle: showMapping,
    },
    PUT: {
      schema: describe({
        group: 'Files',
        operationId: 'setFileMapping',
        summary: 'Set column names for future files',
        body: FileMappingSchema,
        ok: FileMappingSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: setMapping,
    },
    DELETE: {
      schema: describe({
        group: 'Files',
        operationId: 'removeFileMapping',
        summary: 'Remove the column names',
        ok: SuccessSchema,
        access: 'editor',
      }),
      guard: editor,
      handle: removeMapping,
    },
  });
}
