/** The state of the server, for its operators. */
import { type Static, Type } from 'typebox';
import { ORGANIZATION_TYPES, TOKEN_EXPIRY_DAYS } from '../domain/parties.ts';
import { time, uuid } from './schema.ts';

/** How many organizations are named for each kind of attention. */
export const ATTENTION_NAMES_MAX = 100;

const NAMED = {
  uuid: uuid('The organization.'),
  name: Type.String(),
  type: Type.Enum([...ORGANIZATION_TYPES]),
};

const attention = (description: string, things: string) =>
  Type.Object(
    {
      total: Type.Integer({ description: `How many ${things} there are in all.` }),
      organizations: Type.Array(
        Type.Object(
          { ...NAMED, count: Type.Integer({ description: `How many ${things} it has.` }) },
          { additionalProperties: false },
        ),
        { description: `Those that have most first, at most ${ATTENTION_NAMES_MAX}.` },
      ),
    },
    { description, additionalProperties: false },
  );

export const ServerStatusSchema = Type.Object(
  {
    version: Type.String({ description: 'The version of onhand.' }),
    database: Type.Enum(['sqlite', 'postgres']),
    started: time('When this server started.'),
    ready: Type.Boolean({ description: 'Whether the database can be read and written.' }),
    organizations: Type.Object(
      {
        suppliers: Type.Integer(),
        retailers: Type.Integer(),
        operators: Type.Integer(),
        disabled: Type.Integer({ description: 'How many of them are disabled.' }),
      },
      { additionalProperties: false },
    ),
    lines_per_second: Type.Number({
      description: 'Lines that this server processed per second, over the last minute.',
    }),
    files_waiting: Type.Integer({ description: 'Files that wait or are being applied.' }),
    lines_waiting: Type.Integer({ description: 'Lines in the write queue of this server.' }),
    disk: Type.Object(
      {
        free_bytes: Type.Union([Type.Integer(), Type.Null()], {
          description: 'Free on the disk of the files; null if there is none.',
        }),
        files_bytes: Type.Integer({ description: 'Used by stored files.' }),
      },
      { additionalProperties: false },
    ),
    attention: Type.Object(
      {
        late_suppliers: attention(
          'Suppliers that have not reported for longer than they are expected to.',
          'late suppliers',
        ),
        held_files: attention('Files that wait for an answer or a confirmation.', 'held files'),
        paused_webhooks: attention(
          'Webhooks that deliver nothing until someone resumes them.',
          'paused webhooks',
        ),
        expiring_tokens: attention(
          `API tokens that expire within ${TOKEN_EXPIRY_DAYS} days.`,
          'such tokens',
        ),
      },
      { additionalProperties: false },
    ),
  },
  { title: 'ServerStatus', additionalProperties: false },
);

export type ServerStatus = Static<typeof ServerStatusSchema>;
export type Attention = ServerStatus['attention'][keyof ServerStatus['attention']];
