import { Type } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import { ChangeSchema, SupplierEnteredSchema, SupplierLeftSchema } from './schemas.ts';
import { readUuids } from '../inventory/sku-list.ts';
import { shapeReader } from '../shape.ts';

export const CHANGE_LIMIT_MAX = 10_000;
export const CHANGE_LIMIT_DEFAULT = 1000;
/** Longest wait for changes to come, in seconds. */
export const WAIT_SECONDS_MAX = 60;

export const ChangeListQuerySchema = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        description: 'The `cursor` of the answer before: what came after it follows.',
      }),
    ),
    from: Type.Optional(
      Type.Enum(['start', 'now'], {
        description:
          'Where to begin without a cursor: at the first changes that are kept, or at those to come.',
      }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: CHANGE_LIMIT_MAX,
      default: CHANGE_LIMIT_DEFAULT,
      description: 'How many changes to answer with at most.',
    }),
    wait: Type.Integer({
      minimum: 0,
      maximum: WAIT_SECONDS_MAX,
      default: 0,
      description: 'How many seconds to wait for a change where there is none yet.',
    }),
    supplier_uuids: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Only changes of these suppliers: one, separated by commas, or repeated. The same in every request of one walk.',
      }),
    ),
  },
  { title: 'ChangeListQuery', additionalProperties: false },
);

export const ChangePageSchema = Type.Object(
  {
    records: Type.Array(Type.Union([ChangeSchema, SupplierEnteredSchema, SupplierLeftSchema])),
    cursor: Type.String({ description: 'Where to go on: the `after` of the next request.' }),
    has_more: Type.Boolean({ description: 'Whether there is more to read at once.' }),
  },
  { title: 'ChangePage', additionalProperties: false },
);

export interface ChangeListRequest {
  /** Where to go on from; undefined where it begins by `from`. */
  readonly after: string | undefined;
  readonly from: 'start' | 'now' | undefined;
  readonly limit: number;
  readonly waitSeconds: number;
  /** Undefined asks for all suppliers that the asker may see. */
  readonly supplierUuids: readonly string[] | undefined;
}

const readShape = shapeReader(ChangeListQuerySchema, 'The query', 'parameter_invalid');

/**
 * Reads the query of the change feed, each parameter with its values.
 *
 * @param lastEventId what a client of server-sent events says that it has read; wins over `after`
 * @throws OnhandError `parameter_invalid`
 */
export function parseChangeList(
  query: ReadonlyMap<string, readonly string[]>,
  lastEventId: string | undefined,
): ChangeListRequest {
  const defaults = [
    ['limit', [String(CHANGE_LIMIT_DEFAULT)]],
    ['wait', ['0']],
  ] as const;
  const { after, from, limit, wait, supplier_uuids } = readShape(
    Object.fromEntries(
      [...defaults, ...query].map(([name, values]) => [name, asShaped(name, values)]),
    ),
  );
  const place = lastEventId ?? after;
  if (place === undefined && from === undefined) {
    throw invalid('say where to begin: after=<cursor>, from=now or from=start');
  }
  if (after !== undefined && from !== undefined) {
    throw invalid('after and from cannot be given together');
  }
  return { after: place, from, limit, waitSeconds: wait, supplierUuids: supplier_uuids };
}

/** Parameters come as texts; each in the type that its schema asks for, where it can be. */
function asShaped(name: string, values: readonly string[]): unknown {
  if (name === 'supplier_uuids') return readUuids(values);
  if (values.length > 1) throw invalid(`${name} is given ${values.length} times`);
  const [text = ''] = values;
  const isNumber = (name === 'limit' || name === 'wait') && /^[0-9]{1,15}$/.test(text);
  return isNumber ? Number(text) : text;
}

function invalid(what: string): OnhandError {
  return new OnhandError('parameter_invalid', `The query cannot be read: ${what}.`);
}
