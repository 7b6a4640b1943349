import { stringify } from 'csv-stringify/sync';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { AUDIT_COLUMNS, auditCells, auditLine, type AuditEntry } from '../domain/audit.ts';
import type { AuditQuery, AuditStore } from '../store/store.ts';
import {
  AuditExportQuerySchema,
  AuditPageSchema,
  AuditQuerySchema,
  parseAuditExport,
  parseAuditQuery,
  printAuditPage,
} from '../wire/audit.ts';
import { describe } from './documentation.ts';
import type { Admission } from './request/admission.ts';
import { checkParameters, queryOf } from './request/parameters.ts';
import { sendJson } from './request/reply.ts';
import { addResource } from './request/resource.ts';

interface AuditRoutes {
  readonly admission: Admission;
  readonly audit: Pick<AuditStore, 'read'>;
}

const PATH = '/timp/audit/';
const TYPES = { csv: 'text/csv; charset=utf-8', ndjson: 'application/x-ndjson' } as const;
type ExportFormat = keyof typeof TYPES;

/** Adds the audit log, for operators with a permission of its own. */
export function addAudit(app: FastifyInstance, { admission, audit }: AuditRoutes): void {
  const guard = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
    admission.admit(request, reply, 'auditor');

  const read = async (
    request: FastifyRequest,
    { organization, ...query }: AuditQuery & { readonly organization?: string | undefined },
  ): Promise<{ readonly entries: readonly AuditEntry[]; readonly nextAfter: number | null }> => {
    const { limit } = query;
    const organizationUuid = organization?.toLowerCase();
    const found = await admission.reading(request, () =>
      audit.read({ ...query, organizationUuid, limit: limit + 1 }),
    );
    const entries = found.slice(0, limit);
    return { entries, nextAfter: found.length > limit ? (entries.at(-1)?.sequence ?? null) : null };
  };

  const list = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkParameters(request, Object.keys(AuditQuerySchema.properties));
    const { entries, nextAfter } = await read(request, parseAuditQuery(queryOf(request)));
    reply.header('cache-control', 'no-store');
    return sendJson(request, reply, printAuditPage(entries, nextAfter));
  };

  const exportAs =
    (format: ExportFormat) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      checkParameters(request, Object.keys(AuditExportQuerySchema.properties));
      const asked = parseAuditExport(queryOf(request));
      const { entries, nextAfter } = await read(request, asked);
      if (nextAfter !== null) {
        const { organization, action } = asked;
        const next = new URLSearchParams({
          after: String(nextAfter),
          limit: String(asked.limit),
          ...(organization !== undefined && { organization }),
          ...(action !== undefined && { action }),
        });
        reply.header('link', `<${PATH}export.${format}?${next.toString()}>; rel="next"`);
      }
      return reply
        .header('cache-control', 'no-store')
        .header(
          'content-disposition',
          `attachment; filename="audit-after-${asked.after}.${format}"`,
        )
        .type(TYPES[format])
        .send(PRINT[format](entries));
    };

  addResource(app, PATH, {
    GET: {
      schema: describe({
        group: 'Accounts',
        operationId: 'listAuditEntries',
        summary: 'Read the audit log, the oldest entry first',
        query: AuditQuerySchema,
        ok: AuditPageSchema,
        access: 'auditor',
      }),
      guard,
      handle: list,
    },
  });
  for (const format of ['csv', 'ndjson'] as const) {
    addResource(app, `${PATH}export.${format}`, {
      GET: {
        schema: describe({
          group: 'Accounts',
          operationId: format === 'csv' ? 'exportAuditLog' : 'exportAuditLogAsNdjson',
          summary: `Download the audit log as ${format.toUpperCase()}; \`Link\` names the next part`,
          query: AuditExportQuerySchema,
          ok: Type.Unsafe<string>({ type: 'string' }),
          okType: TYPES[format],
          access: 'auditor',
        }),
        guard,
        handle: exportAs(format),
      },
    });
  }
}

const PRINT: Readonly<Record<ExportFormat, (entries: readonly AuditEntry[]) => string>> = {
  csv: (entries) => {
    const rows = entries.map(auditCells).map((cells) => AUDIT_COLUMNS.map((name) => cells[name]));
    // A spreadsheet must not take a name for a formula.
    return stringify([[...AUDIT_COLUMNS], ...rows], { escape_formulas: true });
  },
  ndjson: (entries) => entries.map((entry) => `${auditLine(entry)}\n`).join(''),
};
