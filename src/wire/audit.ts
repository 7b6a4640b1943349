/** The audit log over HTTP: its query, and a page of it. */
import { Type } from 'typebox';
import { AUDIT_ACTIONS, auditLine, type AuditEntry } from '../domain/audit.ts';
import { createQueryReader } from './query.ts';
import { integerOrNull, time, uuid } from './schema.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 500;
/** The most entries in one part of an export. `Link` names the next part. */
const EXPORT_LIMIT = 10_000;

const FILTERS = {
  after: Type.Integer({
    minimum: 0,
    default: 0,
    description: 'Only entries after the one with this sequence.',
  }),
  organization: Type.Optional(
    Type.String({ format: 'uuid', description: 'Only entries about this organization.' }),
  ),
  action: Type.Optional(
    Type.Enum([...AUDIT_ACTIONS], { description: 'Only entries of this kind.' }),
  ),
};

const limitOf = (maximum: number, fallback: number) =>
  Type.Integer({
    minimum: 1,
    maximum,
    default: fallback,
    description: 'How many entries to answer with at most.',
  });

export const AuditQuerySchema = Type.Object(
  { ...FILTERS, limit: limitOf(LIMIT_MAX, LIMIT_DEFAULT) },
  { title: 'AuditQuery', additionalProperties: false },
);
export const AuditExportQuerySchema = Type.Object(
  { ...FILTERS, limit: limitOf(EXPORT_LIMIT, EXPORT_LIMIT) },
  { title: 'AuditExportQuery', additionalProperties: false },
);
/** Both throw `parameter_invalid`. */
export const parseAuditQuery = createQueryReader(AuditQuerySchema);
export const parseAuditExport = createQueryReader(AuditExportQuerySchema);

const text = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const AuditPageSchema = Type.Object(
  {
    entries: Type.Array(
      Type.Object(
        {
          sequence: Type.Integer({ description: 'From 1, without gaps.' }),
          at: time('When it was done.'),
          action: Type.String(),
          organization: uuid('The organization that it was done to.'),
          subject: Type.String({ description: 'What it was done to: a UUID or a name.' }),
          actor: Type.Object(
            {
              kind: Type.Enum(['user', 'token', 'command_line', 'server']),
              name: text('The name of the user.'),
              token_id: Type.Optional(Type.Integer()),
            },
            { additionalProperties: false },
          ),
          request_id: text('As in the log and in the `Request-Id` of the response.'),
          address: text("The client's address."),
          details: Type.Record(Type.String(), Type.Unknown()),
          hash: Type.String({
            description: 'SHA-256 of the hash before, a line break, and the entry.',
          }),
        },
        { additionalProperties: false },
      ),
      { description: 'The oldest first.' },
    ),
    next_after: integerOrNull('The `after` of the next page; null on the last.'),
  },
  { title: 'AuditPage', additionalProperties: false },
);

export function printAuditPage(entries: readonly AuditEntry[], nextAfter: number | null): string {
  return `{"entries":[${entries.map(auditLine).join(',')}],"next_after":${String(nextAfter)}}`;
}
