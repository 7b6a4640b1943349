/** The results of a pushed file: writing them, and the excerpt that is shown. */
import { createReadStream, createWriteStream, renameSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import type { LineResult, Onhand } from '../../../client/src/index.ts';
import { isWorkbook } from './options.ts';
import { removeOnExit } from './source.ts';

/** A row that was not applied. */
export interface FailingRow {
  /** In the results file, whose header is row 1; for a catalogue in the file itself; for a stream in the input. */
  readonly row: number;
  /** A status code; for a catalogue the kind of complaint. */
  readonly status: string;
  readonly message: string;
}

/** How many failed rows are shown. */
export const FAILURES_SHOWN_MAX = 5;

/** The part of the results that is shown. */
export interface FailureExcerpt {
  /** The first rows that failed. */
  readonly failures: readonly FailingRow[];
  /** For a dry run only. */
  readonly difference: Difference | null;
}

/** What a dry run would change. */
export interface Difference {
  /** How many rows would change inventory. */
  changed: number;
  /** The first of those rows. */
  readonly examples: Pick<FailingRow, 'row' | 'message'>[];
}

const EXAMPLES_MAX = 5;
const FIELDS = [
  'quantity_in_stock',
  'quantity_on_backorder',
  'backorder_date',
  'restrictions',
] as const;

/** Counts a row that would change inventory, and keeps the first ones as examples. */
export function addChange(difference: Difference, row: number, message: string): void {
  difference.changed += 1;
  if (difference.examples.length < EXAMPLES_MAX) difference.examples.push({ row, message });
}

/** Describes what a row would change, from the `before` and `after` of its result; undefined if nothing. */
export function changeText(name: string, { before, after }: LineResult): string | undefined {
  const changes = FIELDS.filter((field) => before?.[field] !== after?.[field]).map(
    (field) => `${field} from ${String(before?.[field])} to ${String(after?.[field])}`,
  );
  return changes.length === 0 ? undefined : `${name}: ${changes.join(', ')}`;
}

/** Writes the results of a file atomically to a path, as a workbook or as CSV. */
export async function writeResults(onhand: Onhand, uuid: string, path: string): Promise<void> {
  const partPath = `${path}.part`;
  const remove = removeOnExit(partPath);
  try {
    await onhand.files.readResults(
      uuid,
      (content) => pipeline(content, createWriteStream(partPath)),
      { format: isWorkbook(path) ? 'xlsx' : 'csv' },
    );
    renameSync(partPath, path);
  } finally {
    remove();
  }
}

/**
 * Extracts the part of the results to show, from the written CSV file if there is one, otherwise from the
 * server. Reads a dry run to its end, other results until there are enough failures.
 */
export async function readResults(
  onhand: Onhand,
  uuid: string,
  { writtenPath, isDryRun }: { readonly writtenPath: string | null; readonly isDryRun: boolean },
): Promise<FailureExcerpt> {
  if (writtenPath !== null && !isWorkbook(writtenPath)) {
    return excerptOf(createReadStream(writtenPath), isDryRun);
  }
  return onhand.files.readResults(uuid, (content) => excerptOf(content, isDryRun));
}

async function excerptOf(
  content: AsyncIterable<Uint8Array>,
  isDryRun: boolean,
): Promise<FailureExcerpt> {
  const parser = parse({ bom: true, relax_column_count: true });
  // Reading the records below rejects with the same error.
  pipeline(content, parser).catch(() => undefined);
  const failures: FailingRow[] = [];
  const difference: Difference | null = isDryRun ? { changed: 0, examples: [] } : null;
  let readResult: ReturnType<typeof resultReader> | undefined;
  let row = 0;
  const records: AsyncIterable<readonly string[]> = parser;
  for await (const cells of records) {
    row += 1;
    if (readResult === undefined) {
      readResult = resultReader(cells);
      continue;
    }
    const { isApplied, ...result } = readResult(cells, row);
    if (!isApplied && failures.length < FAILURES_SHOWN_MAX) failures.push(result);
    if (isApplied && difference !== null && CHANGE.test(result.message)) {
      addChange(difference, row, result.message);
    }
    if (!isDryRun && failures.length === FAILURES_SHOWN_MAX) break;
  }
  return { failures, difference };
}

const APPLIED = '200';
/** The message in the results of a dry run for a row that would change inventory. */
const CHANGE = /^Would change (?!nothing)/;

interface RowResult extends FailingRow {
  readonly isApplied: boolean;
}

/** Returns the reader for a header: results have a status and message last; a catalogue has a report. */
function resultReader(
  header: readonly string[],
): (cells: readonly string[], row: number) => RowResult {
  if (header.at(-2) !== 'status_code') {
    return ([row = '', column = '', value = '', reason = '', kind = '']) => ({
      row: Number(row),
      status: kind,
      message: `${column} ${JSON.stringify(value)}: ${reason}`,
      isApplied: kind !== 'rejected',
    });
  }
  return (cells, row) => {
    const [status = '', message = ''] = cells.slice(-2);
    return { row, status, message, isApplied: status === APPLIED };
  };
}
