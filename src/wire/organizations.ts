/** Organizations and connections, as operators manage them. */
import { type Static, Type } from 'typebox';
import {
  type Connection,
  NAME_LENGTH_MAX,
  type Organization,
  ORGANIZATION_TYPES,
} from '../domain/parties.ts';
import type { SafetyLimit } from '../domain/safety-limit.ts';
import {
  pageParameters,
  paginationSchema,
  type PageRequest,
  printPagination,
} from './pagination.ts';
import { createQueryReader } from './query.ts';
import { createValidator, textOrNull, time, uuid } from './schema.ts';
import { printTime } from './times.ts';

const LIMIT_MAX = 500;
/** A year. */
const INTERVAL_MINUTES_MAX = 527_040;

const type = Type.Enum([...ORGANIZATION_TYPES]);
const name = Type.String({
  minLength: 1,
  maxLength: NAME_LENGTH_MAX,
  description: 'Unique on this server.',
});

export const OrganizationListQuerySchema = Type.Object(
  {
    ...pageParameters('organizations', LIMIT_MAX),
    type: Type.Optional(type),
    q: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: NAME_LENGTH_MAX,
        description: 'Part of the name; the case of A to Z is ignored.',
      }),
    ),
  },
  { title: 'OrganizationListQuery', additionalProperties: false },
);
/** Throws `parameter_invalid`. */
export const parseOrganizationList = createQueryReader(OrganizationListQuerySchema);

const expectedInterval = Type.Union(
  [Type.Integer({ minimum: 1, maximum: INTERVAL_MINUTES_MAX }), Type.Null()],
  { description: 'How often the supplier is expected to report; null for not.' },
);
const safetyLimit = Type.Union(
  [
    Type.Object(
      {
        percent: Type.Number({
          minimum: 0,
          maximum: 100,
          description: 'Hold back more than this percentage of the SKUs that are for sale …',
        }),
        skus_min: Type.Integer({ minimum: 1, description: '… if it is at least this many.' }),
      },
      { additionalProperties: false },
    ),
    Type.Null(),
  ],
  { description: 'What a batch may take out of stock; null for the default.' },
);

export const OrganizationSchema = Type.Object(
  {
    uuid: uuid('The organization.'),
    name: Type.String(),
    type,
    created: time('When it was created.'),
    disabled: textOrNull({
      format: 'date-time',
      description: 'Since when it has no access; null if it has.',
    }),
    expected_interval_minutes: Type.Optional(expectedInterval),
    safety_limit: Type.Optional(safetyLimit),
  },
  { title: 'Organization', additionalProperties: false },
);

export const OrganizationPageSchema = Type.Object(
  {
    pagination: paginationSchema('organizations'),
    organizations: Type.Array(OrganizationSchema),
  },
  { title: 'OrganizationPage', additionalProperties: false },
);

export const OrganizationDraftSchema = Type.Object(
  { type, name },
  { title: 'OrganizationDraft', additionalProperties: false },
);
/** Throws `member_invalid`. */
export const parseOrganizationDraft = createValidator(
  OrganizationDraftSchema,
  'The organization',
  'member_invalid',
);

export const OrganizationChangeSchema = Type.Object(
  {
    name: Type.Optional(name),
    disabled: Type.Optional(
      Type.Boolean({ description: 'Whether its logins and tokens are refused.' }),
    ),
    expected_interval_minutes: Type.Optional(expectedInterval),
    safety_limit: Type.Optional(safetyLimit),
  },
  { title: 'OrganizationChange', additionalProperties: false, minProperties: 1 },
);
/** Throws `member_invalid`. */
export const parseOrganizationChange = createValidator(
  OrganizationChangeSchema,
  'The change of the organization',
  'member_invalid',
);

/** What is set for a supplier. */
export interface SupplierLimits {
  readonly expectedMinutes: number | null;
  readonly safetyLimit: SafetyLimit | null;
}

/** @param limits undefined for an organization that is no supplier */
export function printOrganization(
  organization: Organization,
  limits: SupplierLimits | undefined,
): Static<typeof OrganizationSchema> {
  const { disabledAtMs } = organization;
  return {
    uuid: organization.uuid,
    name: organization.name,
    type: organization.type,
    created: printTime(organization.createdAtMs),
    disabled: disabledAtMs === null ? null : printTime(disabledAtMs),
    ...(limits !== undefined && {
      expected_interval_minutes: limits.expectedMinutes,
      safety_limit: limits.safetyLimit && {
        percent: limits.safetyLimit.percentMax,
        skus_min: limits.safetyLimit.skusMin,
      },
    }),
  };
}

export const ConnectionListQuerySchema = Type.Object(pageParameters('connections', LIMIT_MAX), {
  title: 'ConnectionListQuery',
  additionalProperties: false,
});
/** Throws `parameter_invalid`. */
export const parseConnectionList = createQueryReader(ConnectionListQuerySchema);

const party = (description: string) =>
  Type.Object({ uuid: uuid(description), name: Type.String() }, { additionalProperties: false });

export const ConnectionPageSchema = Type.Object(
  {
    pagination: paginationSchema('connections'),
    connections: Type.Array(
      Type.Object(
        {
          supplier: party('Whose SKUs are read.'),
          retailer: party('Who reads them.'),
          created: time('When it was created.'),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { title: 'ConnectionPage', additionalProperties: false },
);

export const ConnectionDraftSchema = Type.Object(
  { supplier: uuid('Whose SKUs are read.'), retailer: uuid('Who reads them.') },
  { title: 'ConnectionDraft', additionalProperties: false },
);
/** Throws `member_invalid`. */
export const parseConnectionDraft = createValidator(
  ConnectionDraftSchema,
  'The connection',
  'member_invalid',
);

export function printConnections(
  page: PageRequest,
  connections: readonly Connection[],
): Static<typeof ConnectionPageSchema> {
  const { start, limit } = page;
  return {
    pagination: printPagination(page, connections.length),
    connections: connections.slice(start, start + limit).map((connection) => ({
      supplier: { uuid: connection.supplierUuid, name: connection.supplier },
      retailer: { uuid: connection.retailerUuid, name: connection.retailer },
      created: printTime(connection.createdAtMs),
    })),
  };
}

/** With these an operator names the organization that a request is for. */
export const ActingQuerySchema = Type.Object({
  supplier: Type.Optional(
    uuid(
      'For operators only: act for this supplier. Operators send it, or `organization`, for what belongs to a supplier.',
    ),
  ),
  organization: Type.Optional(
    uuid('For operators only: act for this organization, which may be a retailer.'),
  ),
});
