import type { ResponseObject } from '../remote/response.ts';

/** A row that was not applied. */
export interface FailingRow {
  /** Of the results, whose header is row 1; of a catalogue, of the file itself; of a stream, of what was sent. */
  readonly row: number;
  /** A status code, or what the report of a catalogue calls it. */
  readonly status: string;
  readonly message: string;
}

/** How many failing rows are shown. */
export const FAILURES_SHOWN_MAX = 5;

/** What is shown of results. */
export interface FailureExcerpt {
  /** The first rows that were not applied. */
  readonly failures: readonly FailingRow[];
  /** Of a dry run. */
  readonly difference: Difference | null;
}

/** What a dry run found that would change. */
export interface Difference {
  /** How many rows would change something. */
  changed: number;
  /** The first of them. */
  readonly examples: Pick<FailingRow, 'row' | 'message'>[];
}

const EXAMPLES_MAX = 5;
const FIELDS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** Adds what a row would do, where that is anything. */
export function addChange(difference: Difference, row: number, message: string): void {
  difference.changed += 1;
  if (difference.examples.length < EXAMPLES_MAX) difference.examples.push({ row, message });
}

/** Says what a row would change, by its verdict with `before` and `after`; undefined where nothing. */
export function changeText(name: string, verdict: ResponseObject): string | undefined {
  const before = verdict.object('before');
  const after = verdict.object('after');
  const changes = FIELDS.filter((field) => before.scalar(field) !== after.scalar(field)).map(
    (field) => `${field} from ${String(before.scalar(field))} to ${String(after.scalar(field))}`,
  );
  return changes.length === 0 ? undefined : `${name}: ${changes.join(', ')}`;
}
