import { CANDIDATES_NAMED_MAX } from '../domain/limits.ts';
import { isJsonObject } from './json.ts';
import { SLICE_LINES, type ParsedLines } from './lines.ts';
import { notFoundMessage, repr } from './repr.ts';

/** What became of the readable lines of a request, in their order. */
export interface LineOutcomes {
  /** 200 applied, 404 no such SKU, 422 more than one SKU. */
  readonly statuses: Uint16Array;
  /** For each 422 line, the `sku_id`s that it could mean, at most `CANDIDATES_NAMED_MAX`. */
  readonly candidates: ReadonlyMap<number, readonly string[]>;
}

/** The result of one line. */
export interface LineResult {
  readonly status: number;
  readonly message: string;
}

const APPLIED = 200;
const UNREADABLE = 400;
const NOT_FOUND = 404;
const AMBIGUOUS = 422;

const SUCCESS: LineResult = { status: APPLIED, message: 'success' };
const SUCCESS_TEXT = resultText(SUCCESS);

/** The reply to a bulk update. */
export interface PrintedResults {
  /** JSON: element *i* answers line *i* of `body`; or, of failing lines only, each with its `index`. */
  readonly text: string;
  readonly failed: number;
}

/** Prints the reply to a bulk update; yields after each slice, as `parsingLines` does. */
export function* printingResults(
  parsed: ParsedLines,
  outcomes: LineOutcomes,
  body: readonly unknown[],
  { failuresOnly }: { readonly failuresOnly: boolean },
): Generator<undefined, PrintedResults, undefined> {
  const { positions, refusals } = parsed;
  const parts: string[] = [];
  let text = '';
  let failed = 0;
  let readable = 0;
  for (let i = 0; i < body.length; i += 1) {
    if (i % SLICE_LINES === SLICE_LINES - 1) {
      parts.push(text);
      text = '';
      yield;
    }
    const isReadable = positions[readable] === i;
    if (isReadable && outcomes.statuses[readable] === APPLIED) {
      if (!failuresOnly) text += `,${SUCCESS_TEXT}`;
    } else {
      const result = isReadable
        ? outcomeOf(parsed, outcomes, readable, body[i])
        : refused(refusals.get(i));
      text += `,${resultText(result, failuresOnly ? i : undefined)}`;
      failed += 1;
    }
    if (isReadable) readable += 1;
  }
  parts.push(text);
  return { text: `[${parts.join('').slice(1)}]`, failed };
}

/** The result of a single update that `parseLine` read from `line`. */
export function resultOfLine(
  parsed: ParsedLines,
  outcomes: LineOutcomes,
  line: unknown,
): LineResult {
  return parsed.lines.count === 0
    ? refused(parsed.refusals.get(0))
    : outcomeOf(parsed, outcomes, 0, line);
}

function refused(message: string | undefined): LineResult {
  if (message === undefined) throw new Error('a line was neither read nor refused');
  return { status: UNREADABLE, message };
}

/** The result of the readable line `i`, which was sent as `line`. */
function outcomeOf(
  parsed: ParsedLines,
  outcomes: LineOutcomes,
  i: number,
  line: unknown,
): LineResult {
  const status = outcomes.statuses[i];
  if (status === APPLIED) return SUCCESS;
  if (status === AMBIGUOUS) return { status, message: ambiguous(outcomes.candidates.get(i) ?? []) };
  if (status !== NOT_FOUND || !isJsonObject(line)) throw new Error(`line ${i} has no outcome`);
  return { status, message: notFoundMessage(line, parsed.lines.skuIds[i] ?? null) };
}

function ambiguous(candidates: readonly string[]): string {
  const named = candidates.slice(0, CANDIDATES_NAMED_MAX);
  const hint = candidates.length < CANDIDATES_NAMED_MAX ? '' : ', perhaps others';
  return `More than one sku matches: ${named.map(repr).join(', ')}${hint}; name the one that is meant by its sku_id`;
}

function resultText({ status, message }: LineResult, index?: number): string {
  const place = index === undefined ? '' : `"index":${index},`;
  return `{${place}"status_code":${status},"message":${JSON.stringify(message)}}`;
}
