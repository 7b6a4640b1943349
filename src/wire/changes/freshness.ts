import { Type } from 'typebox';
import type { NamedSupplier } from '../../domain/changes.ts';
import { integerOrNull, textOrNull, uuid } from '../schema.ts';
import { printTime } from '../times.ts';

const MINUTE_MS = 60_000;

export const FreshnessSchema = Type.Object(
  {
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

export function printFreshness(suppliers: readonly SupplierFreshness[], nowMs: number): string {
  return JSON.stringify({
    suppliers: suppliers.map(({ supplier, lastHeardAtMs, expectedIntervalMinutes, skusByAge }) => ({
      supplier: { uuid: supplier.uuid, name: supplier.name },
      last_heard: lastHeardAtMs === null ? null : printTime(lastHeardAtMs),
      expected_interval_minutes: expectedIntervalMinutes,
      is_late:
        expectedIntervalMinutes === null
          ? null
          : nowMs - (lastHeardAtMs ?? 0) > expectedIntervalMinutes * MINUTE_MS,
      skus_by_age: skusByAge.map(({ ageMsMax, count }) => ({
        age_seconds_max: ageMsMax === null ? null : ageMsMax / 1000,
        count,
      })),
    })),
  });
}
