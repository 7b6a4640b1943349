import { Type } from 'typebox';
import { isLate, type NamedSupplier } from '../../domain/changes.ts';
import {
  pageParameters,
  paginationSchema,
  type PageRequest,
  printPagination,
} from '../pagination.ts';
import { createQueryReader } from '../query.ts';
import { integerOrNull, textOrNull, uuid } from '../schema.ts';
import { printTime } from '../times.ts';

/** Each supplier of a page is a separate count over all its SKUs. */
const SUPPLIERS_MAX = 25;

export const FreshnessQuerySchema = Type.Object(
  {
    ...pageParameters('suppliers', SUPPLIERS_MAX),
    supplier_uuids: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Only these suppliers: one uuid, several separated by commas, or repeated.',
      }),
    ),
  },
  { title: 'FreshnessQuery', additionalProperties: false },
);

/** Reads the query of a freshness report. Throws `parameter_invalid`. */
export const parseFreshness = createQueryReader(FreshnessQuerySchema);

export const FreshnessSchema = Type.Object(
  {
    pagination: paginationSchema('suppliers'),
    suppliers: Type.Array(
      Type.Object(
        {
          supplier: Type.Object(
            { uuid: uuid('The supplier.'), name: Type.String() },
            { additionalProperties: false },
          ),
          last_heard: textOrNull({
            format: 'date-time',
            description: 'When its last batch came; null where none did.',
          }),
          expected_interval_minutes: integerOrNull(
            'How often it is to be heard, as the operator has set; null where nothing is expected.',
          ),
          is_late: Type.Unsafe<boolean | null>({
            type: ['boolean', 'null'],
            description: 'Whether it was not heard for longer; null where nothing is expected.',
          }),
          skus_by_age: Type.Array(
            Type.Object(
              {
                age_seconds_max: integerOrNull('Up to this age; null is older than all others.'),
                count: Type.Integer(),
              },
              { additionalProperties: false },
            ),
            {
              description: 'SKUs by the age of their last report, changed or not.',
            },
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { title: 'Freshness', additionalProperties: false },
);

/** How recently a supplier reported. */
export interface SupplierFreshness {
  readonly supplier: NamedSupplier;
  readonly lastHeardAtMs: number | null;
  readonly expectedIntervalMinutes: number | null;
  readonly skusByAge: readonly { readonly ageMsMax: number | null; readonly count: number }[];
}

export function printFreshness(
  page: PageRequest,
  totalCount: number,
  suppliers: readonly SupplierFreshness[],
  nowMs: number,
): string {
  return JSON.stringify({
    pagination: printPagination(page, totalCount),
    suppliers: suppliers.map(({ supplier, lastHeardAtMs, expectedIntervalMinutes, skusByAge }) => ({
      supplier: { uuid: supplier.uuid, name: supplier.name },
      last_heard: lastHeardAtMs === null ? null : printTime(lastHeardAtMs),
      expected_interval_minutes: expectedIntervalMinutes,
      is_late:
        expectedIntervalMinutes === null
          ? null
          : isLate(lastHeardAtMs, expectedIntervalMinutes, nowMs),
      skus_by_age: skusByAge.map(({ ageMsMax, count }) => ({
        age_seconds_max: ageMsMax === null ? null : ageMsMax / 1000,
        count,
      })),
    })),
  });
}
