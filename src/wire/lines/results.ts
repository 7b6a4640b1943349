import type { BatchOutcome, FailedLine, LineDetail, LineEffect } from '../../domain/batches.ts';
import { repr } from './python-repr.ts';
import { InventorySchema, printInventory } from '../inventory/inventory-fields.ts';
import { Type } from 'typebox';
import { type Inventory, QUANTITY_MAX } from '../../domain/inventory.ts';
import { CANDIDATES_NAMED_MAX, type Lines } from '../../domain/lines.ts';
import { misfitText } from '../../domain/misfits.ts';
import { integerOrNull, uuid } from '../schema.ts';
import { printTimeUs } from '../times.ts';
import { IDENTIFIERS } from './identifiers.ts';
import { isJsonObject } from '../json.ts';

const EFFECT = {
  sku_uuid: Type.Optional(uuid('The SKU that the line meant.')),
  before: Type.Optional(InventorySchema),
  after: Type.Optional(InventorySchema),
  sequence: Type.Optional(
    integerOrNull('Of the change that was made of the SKU; null where there was none.'),
  ),
};

export const LineResultSchema = Type.Object(
  {
    index: Type.Optional(
      Type.Integer({
        description:
          'The place of the line in the request, from 0; given with `errors_only` alone.',
      }),
    ),
    status_code: Type.Integer({
      description:
        '200 applied; 400 the line cannot be read; 404 no SKU matches; 412 what it demands does not hold; 422 more than one SKU matches, or the change is impossible; 424 left out because of another line.',
      examples: [200],
    }),
    message: Type.String({
      description: `"success", or what is wrong; for 422 the sku_ids that match, at most ${CANDIDATES_NAMED_MAX}.`,
      examples: ['success'],
    }),
    ...EFFECT,
  },
  { title: 'LineResult', additionalProperties: false },
);

export const BulkResultsSchema = Type.Array(LineResultSchema, {
  title: 'Results',
  description: 'Element i answers line i. What is answered 200 is durable.',
});

export const SuccessSchema = Type.Object(
  { message: Type.Literal('success'), ...EFFECT },
  { title: 'Success', additionalProperties: false },
);

export type LineOutcomes = Pick<BatchOutcome, 'statuses' | 'details' | 'effects'>;
export type Failure = Omit<FailedLine, 'index'>;

/** The result of one line. */
export interface LineResult {
  readonly status: number;
  readonly message: string;
}

const APPLIED = 200;

const NOT_FOUND = 404;

const SUCCESS: LineResult = { status: APPLIED, message: 'success' };

const SUCCESS_TEXT = `{${membersOf(SUCCESS)}}`;

const SUCCESS_MEMBER = `"message":${JSON.stringify(SUCCESS.message)}`;

/** How much text is printed without a pause, in characters: about a millisecond of work. */
const SLICE_CHARACTERS = 64 * 1024;

/**
 * Prints the response to a bulk update: result *i* answers line *i*; or only the failed lines, each with its
 * `index`. Yields the JSON in slices and returns the number of failed lines.
 */
export function* printResults(
  lines: Lines,
  outcomes: LineOutcomes,
  { failuresOnly }: { readonly failuresOnly: boolean },
): Generator<string, number> {
  const options = { failuresOnly, firstIndex: 0, before: ',', after: '' };
  let isFirst = true;
  const printing = printEach(lines, outcomes, options);
  for (;;) {
    const { value, done } = printing.next();
    if (done === true) {
      yield isFirst ? '[]' : ']';
      return value;
    }
    yield isFirst ? `[${value.slice(1)}` : value;
    isFirst = false;
  }
}

/**
 * Prints the results of one chunk of a stream, one per row, as `printResults` does. `firstIndex` is the index of the
 * chunk's first line in the stream.
 */
export function printRows(
  lines: Lines,
  outcomes: LineOutcomes,
  { failuresOnly }: { readonly failuresOnly: boolean },
  firstIndex: number,
): Generator<string, number> {
  return printEach(lines, outcomes, { failuresOnly, firstIndex, before: '', after: '\n' });
}

interface PrintOptions {
  readonly failuresOnly: boolean;
  readonly firstIndex: number;
  /** The text before and after each result. */
  readonly before: string;
  readonly after: string;
}

/** Yields no empty text. */
function* printEach(
  lines: Lines,
  outcomes: LineOutcomes,
  { failuresOnly, firstIndex, before, after }: PrintOptions,
): Generator<string, number> {
  const { statuses, effects } = outcomes;
  const success = `${before}${SUCCESS_TEXT}${after}`;
  const hasEffects = effects.size > 0;
  let text = '';
  let failed = 0;
  for (let i = 0; i < lines.count; i += 1) {
    if (statuses[i] !== APPLIED) {
      const place = failuresOnly ? `"index":${firstIndex + i},` : '';
      const result = failureResult(
        failureOf(lines, outcomes, i),
        firstIndex,
        failuresOnly ? 'misfits' : 'nothing',
      );
      text += `${before}{${place}${membersOf(result)}}${after}`;
      failed += 1;
    } else if (!failuresOnly) {
      const effect = hasEffects ? effects.get(i) : undefined;
      text +=
        effect === undefined
          ? success
          : `${before}{${membersOf(SUCCESS)},${effectMembers(effect)}}${after}`;
    }
    if (text.length < SLICE_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
  return failed;
}

/** Prints stored failed lines as they were answered, each with its index in the request. Yields the JSON in slices. */
export function* printFailures(failures: readonly FailedLine[]): Generator<string, void> {
  let text = '[';
  for (const [i, failure] of failures.entries()) {
    text += `${i === 0 ? '' : ','}{"index":${failure.index},${membersOf(failureResult(failure))}}`;
    if (text.length < SLICE_CHARACTERS) continue;
    yield text;
    text = '';
  }
  yield `${text}]`;
}

/** The message of a line that failed. */
export function printFailureMessage(failure: Failure): string {
  return failureResult(failure).message;
}

/** Describes the fields that a line of a dry run would change. */
export function printWouldChange(before: Inventory, after: Inventory): string {
  const was = new Map<string, unknown>(Object.entries(printInventory(before)));
  const changes = Object.entries(printInventory(after))
    .filter(([field, value]) => value !== was.get(field))
    .map(([field, value]) => `${field} from ${String(was.get(field))} to ${String(value)}`);
  return `Would change ${changes.join(', ') || 'nothing'}`;
}

/** The result of a single update. */
export function resultOfLine(lines: Lines, outcomes: LineOutcomes): LineResult {
  if (outcomes.statuses[0] === APPLIED) return SUCCESS;
  return failureResult(failureOf(lines, outcomes, 0), 0, 'nothing');
}

/** Prints the response to a single update that was applied. */
export function printSuccess({ effects }: LineOutcomes): string {
  const effect = effects.get(0);
  return effect === undefined
    ? `{${SUCCESS_MEMBER}}`
    : `{${SUCCESS_MEMBER},${effectMembers(effect)}}`;
}

function failureOf(lines: Lines, { statuses, details }: LineOutcomes, i: number): Failure {
  return {
    status: statuses[i] ?? 0,
    message: lines.refusals.get(i)?.message ?? null,
    detail: details.get(i) ?? null,
    skuId: lines.skuIds[i] ?? null,
    asSent: lines.asSent[i] ?? null,
  };
}

/**
 * @param firstIndex the index of the batch's first line in the response
 * @param explains whether a 404 says which identifier does not fit: the default response has exactly the text that
 *   clients know
 */
function failureResult(
  { status, message, detail, skuId, asSent }: Failure,
  firstIndex = 0,
  explains: 'misfits' | 'nothing' = 'misfits',
): LineResult {
  if (message !== null) return { status, message };
  if (detail?.kind === 'misfit') {
    const message = notFoundMessage(skuId, asSent);
    const isExplained = explains === 'misfits';
    return {
      status,
      message: isExplained ? `${message}; ${misfitText(detail.gtins, asSent)}` : message,
    };
  }
  if (detail !== null) return { status, message: detailMessage(detail, firstIndex) };
  if (status !== NOT_FOUND) throw new Error(`a line failed with ${status} and no reason`);
  return { status, message: notFoundMessage(skuId, asSent) };
}

function detailMessage(
  detail: Exclude<LineDetail, { readonly kind: 'misfit' }>,
  firstIndex: number,
): string {
  switch (detail.kind) {
    case 'ambiguous':
      return ambiguous(detail.skuIds);
    case 'older':
      return `The line is older than what is held, which is as of ${printTimeUs(detail.heldAsOfUs)}`;
    case 'unexpected':
      return `quantity_in_stock is ${quantity(detail.quantityInStock)}, and not what the line expects`;
    case 'impossible':
      return impossible(detail.quantityInStock, detail.change);
    case 'left_out':
      return `Left out because the line at index ${firstIndex + detail.because} was not applied`;
  }
}

function ambiguous(candidates: readonly string[]): string {
  const named = candidates.slice(0, CANDIDATES_NAMED_MAX);
  const hint = candidates.length < CANDIDATES_NAMED_MAX ? '' : ', perhaps others';
  return `More than one sku matches: ${named.map(repr).join(', ')}${hint}; name the one that is meant by its sku_id`;
}

function impossible(held: number | null, change: number): string {
  const problem =
    held === null
      ? 'there is nothing to change until it is set'
      : `a change of ${change} would take it ${change < 0 ? 'below 0' : `above ${QUANTITY_MAX}`}`;
  return `quantity_in_stock is ${quantity(held)}: ${problem}`;
}

function quantity(held: number | null): string {
  return held === null ? 'null (unknown)' : String(held);
}

function membersOf({ status, message }: LineResult): string {
  return `"status_code":${status},"message":${JSON.stringify(message)}`;
}

function effectMembers({ skuUuid, before, after, sequence }: LineEffect): string {
  const members = {
    sku_uuid: skuUuid,
    before: printInventory(before),
    after: printInventory(after),
    sequence,
  };
  return JSON.stringify(members).slice(1, -1);
}

/**
 * The message of a line that matches no SKU: its identifiers as sent, without those not given, printed as a
 * Python dictionary.
 *
 * @param asSent as in `Lines.asSent`: null if the line has only `skuId`, as a text
 */
export function notFoundMessage(skuId: string | null, asSent: string | null): string {
  const given = asSent === null ? [`'sku_id': ${repr(skuId ?? '')}`] : printedAsSent(asSent);
  return `No sku found with sku identifier: {${given.join(', ')}}; Valid identifiers: ${IDENTIFIERS.join(', ')}`;
}

function printedAsSent(asSent: string): readonly string[] {
  const sent: unknown = JSON.parse(asSent);
  if (!isJsonObject(sent)) throw new Error('identifiers were not kept as they were sent');
  return Object.entries(sent).map(
    ([name, value]) => `'${name}': ${typeof value === 'string' ? repr(value) : String(value)}`,
  );
}
