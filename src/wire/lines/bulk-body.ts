/** Parses the body of a bulk update, on the main thread or in a worker. */
import { OnhandError } from '../../domain/errors.ts';
import type { Lines } from '../../domain/lines.ts';
import { parseBody } from '../json.ts';
import { tooManyLines, type JsonLimits } from '../json-counter.ts';
import type { AsOfOptions } from '../times.ts';
import { quoteValue } from '../validation-messages.ts';
import { parsingLines } from './lines.ts';

const LINES_EXPECTED = 'a JSON array of lines such as [{"sku_id": "A-1", "quantity_in_stock": 5}]';

/** Parsing the JSON of a longer body is a slice of its own. */
const LONG_CHARACTERS = 64 * 1024;

/** How a body is read. */
export interface BulkTerms {
  readonly limits: JsonLimits;
  readonly asOf: AsOfOptions;
}

/**
 * Parses the body of a bulk update. Throws as `parseBody` does, `body_shape_wrong` if it is no array, and
 * `too_many_lines`. Yields after each slice, as `parsingLines` does.
 */
export function* parsingBulk(
  body: string,
  { limits, asOf }: BulkTerms,
): Generator<undefined, Lines, undefined> {
  const { value, text } = parseBody(body, LINES_EXPECTED, limits);
  if (!Array.isArray(value)) throw wrongShape(LINES_EXPECTED, value);
  if (value.length > limits.linesMax) throw tooManyLines(limits.linesMax);
  if (body.length > LONG_CHARACTERS) yield;
  return yield* parsingLines(value, text, asOf);
}

/** The error for JSON that is not what a path reads. */
export function wrongShape(expected: string, value: unknown): OnhandError {
  return new OnhandError(
    'body_shape_wrong',
    `The body must be ${expected}; ${quoteValue(value)} is not.`,
  );
}
