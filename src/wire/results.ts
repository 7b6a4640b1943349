import { CANDIDATES_NAMED_MAX } from '../domain/limits.ts';
import { isJsonObject } from './json.ts';
import type { ParsedLines } from './lines.ts';
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

/** The reply to a bulk update as JSON: element *i* answers line *i* of `body`. */
export function printResults(
  parsed: ParsedLines,
  outcomes: LineOutcomes,
  body: readonly unknown[],
): string {
  const { positions, refusals } = parsed;
  let text = '[';
  let readable = 0;
  for (let i = 0; i < body.length; i += 1) {
    if (i > 0) text += ',';
    if (positions[readable] !== i) {
      text += resultText(refused(refusals.get(i)));
      continue;
    }
    const isApplied = outcomes.statuses[readable] === APPLIED;
    text += isApplied ? SUCCESS_TEXT : resultText(outcomeOf(parsed, outcomes, readable, body[i]));
    readable += 1;
  }
  return `${text}]`;
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

function resultText({ status, message }: LineResult): string {
  return `{"status_code":${status},"message":${JSON.stringify(message)}}`;
}
