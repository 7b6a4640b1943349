/** What suppliers sent, by hour or by day. */
import { type Static, Type } from 'typebox';
import { HOUR_MS, type BatchCounts, type HourCounts } from '../domain/statistics.ts';
import { createQueryReader, invalidQuery, type Query, readTimeMs } from './query.ts';
import { time } from './schema.ts';
import { printTime } from './times.ts';

const INTERVALS_MAX = 2000;
const HOURS = { hour: 1, day: 24 } as const;
/** How much is shown if no times are given, in intervals. */
const INTERVALS_DEFAULT = { hour: 24, day: 30 } as const;
type Interval = keyof typeof HOURS;

export const StatisticsQuerySchema = Type.Object(
  {
    from: Type.Optional(
      Type.String({ description: 'From the interval of this time (RFC 3339) on.' }),
    ),
    to: Type.Optional(
      Type.String({ description: 'To the interval before this time (RFC 3339); now by default.' }),
    ),
    interval: Type.Enum(['hour', 'day'], {
      default: 'hour',
      description: 'How long an interval is; days begin at 00:00 UTC.',
    }),
  },
  { title: 'StatisticsQuery', additionalProperties: false },
);

const COUNTS = {
  batches: Type.Integer({ description: 'Batches that were applied.' }),
  lines: Type.Integer({ description: 'Their lines.' }),
  changed: Type.Integer({ description: 'SKUs that they changed; a SKU counts once per batch.' }),
  failed: Type.Integer({ description: 'Lines that were not applied.' }),
};

export const StatisticsSchema = Type.Object(
  {
    intervals: Type.Array(
      Type.Object(
        {
          start: time('When the interval begins.'),
          ...COUNTS,
          by_source: Type.Record(
            Type.String(),
            Type.Object(COUNTS, { additionalProperties: false }),
            { description: 'The same by how the batches were sent, as `source` of a batch.' },
          ),
        },
        { additionalProperties: false },
      ),
      { description: 'In order, without gaps: an interval in which nothing was sent has zeros.' },
    ),
  },
  { title: 'Statistics', additionalProperties: false },
);

/** A parsed request. */
export interface StatisticsRequest {
  readonly interval: Interval;
  /** Hours since 1970-01-01T00:00Z, at the beginning of an interval; `untilHour` is exclusive. */
  readonly fromHour: number;
  readonly untilHour: number;
}

const readQuery = createQueryReader(StatisticsQuerySchema);

/** Throws `parameter_invalid`. */
export function parseStatistics(query: Query, nowMs: number): StatisticsRequest {
  const { from, to, interval } = readQuery(query);
  const hours = HOURS[interval];
  const placeOf = (ms: number): number => ms / HOUR_MS / hours;
  const until = Math.ceil(placeOf(to === undefined ? nowMs : readTimeMs('to', to)));
  const first =
    from === undefined
      ? until - INTERVALS_DEFAULT[interval]
      : Math.floor(placeOf(readTimeMs('from', from)));
  if (first >= until) throw invalidQuery('from must be before to');
  if (until - first > INTERVALS_MAX) {
    throw invalidQuery(
      `there are more than ${INTERVALS_MAX} intervals of one ${interval} between from and to`,
    );
  }
  return { interval, fromHour: first * hours, untilHour: until * hours };
}

type Counts = { -readonly [Name in keyof BatchCounts]: number };

/** @param counts in the order of their hours */
export function printStatistics(
  { interval, fromHour, untilHour }: StatisticsRequest,
  counts: readonly HourCounts[],
): string {
  const intervals: Static<typeof StatisticsSchema>['intervals'] = [];
  let next = 0;
  for (let hour = fromHour; hour < untilHour; hour += HOURS[interval]) {
    const total = nothing();
    const bySource: Record<string, Counts> = {};
    for (; ; next += 1) {
      const counted = counts[next];
      if (counted === undefined || counted.hour >= hour + HOURS[interval]) break;
      add(total, counted);
      add((bySource[counted.source] ??= nothing()), counted);
    }
    intervals.push({ start: printTime(hour * HOUR_MS), ...total, by_source: bySource });
  }
  return JSON.stringify({ intervals });
}

function nothing(): Counts {
  return { batches: 0, lines: 0, changed: 0, failed: 0 };
}

function add(total: Counts, { batches, lines, changed, failed }: BatchCounts): void {
  total.batches += batches;
  total.lines += lines;
  total.changed += changed;
  total.failed += failed;
}
