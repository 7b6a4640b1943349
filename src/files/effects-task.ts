/** Sums up the results of a finished file in a worker thread, which reads the file again for what is not stored. */
import { APPLIED } from '../domain/batch-decision.ts';
import type { FailedLine } from '../domain/batches.ts';
import { OnhandError } from '../domain/errors.ts';
import type { TaskContext } from '../workers/serve.ts';
import type { LineFormatter } from './job-file.ts';
import {
  openRowResults,
  WOULD_CHANGE_NOTHING,
  type ResultsHost,
  type ResultsTarget,
  type RowResult,
} from './row-results.ts';
import { headersOf, storedChunks, type StoredResult } from './stored-results.ts';

/** Which rows to list: that failed, that would change their SKU, or that would set it to zero. */
export const EFFECT_FILTERS = ['failed', 'changed', 'to_zero'] as const;
export type EffectFilter = (typeof EFFECT_FILTERS)[number];

export interface EffectsTarget extends ResultsTarget {
  /** Null lists all rows. */
  readonly only: EffectFilter | null;
  /** How many such rows to skip, and how many to list at most. */
  readonly start: number;
  readonly limit: number;
}

/** A row and what came of it. */
export interface RowEffect extends Pick<RowResult, 'row' | 'statusCode' | 'message' | 'skuId'> {
  /** The `sku_id`s that it may mean, if it matches several SKUs. */
  readonly candidates: readonly string[];
  /** What a dry run would change; null for rows of a real run, and for those that would change nothing. */
  readonly wouldChange: FailedLine['wouldChange'] | null;
}

export interface EffectTotals {
  readonly rows: number;
  readonly failed: number;
  /** Rows that would change their SKU, that would change nothing, and that would set a quantity to zero. */
  readonly changed: number;
  readonly unchanged: number;
  readonly toZero: number;
}

/** Rows that failed for the same reason. */
export interface FailureGroup {
  readonly reason: string;
  readonly statusCode: number;
  readonly count: number;
  /** The first of them. */
  readonly example: RowEffect;
}

export interface FileEffects {
  readonly rows: readonly RowEffect[];
  /** How many rows the filter lets through. */
  readonly matchedCount: number;
  readonly totals: EffectTotals;
  /** The most frequent first. */
  readonly failures: readonly FailureGroup[];
}

/** Reasons that are told apart. Rows that fail for yet another are counted together. */
const REASONS_MAX = 100;
const OTHER_REASONS = 'Other reasons';

export async function effectsTask(
  formatter: LineFormatter,
  target: EffectsTarget,
  host: ResultsHost,
  context: TaskContext,
): Promise<FileEffects> {
  const stored = storedChunks(formatter, target.job, host);
  if (stored === undefined) return readEffects(formatter, target, host, context);
  const summary = new Summary(target, headersOf(target.job));
  for await (const { rowCount, results } of stored) summary.addChunk(rowCount, results);
  if (isListedFromStore(target)) return summary.result();
  // The file has what is not stored: rows that changed nothing, and warnings.
  const { rows } = await readEffects(formatter, target, host, context, { isPageOnly: true });
  return { ...summary.result(), rows };
}

/** Whether all that is said of the rows asked for is stored. */
function isListedFromStore({ job, only }: EffectsTarget): boolean {
  return only === 'failed' || (only !== null && job.found?.hasWarnings === false);
}

/** @param isPageOnly whether to stop once all rows of the page were found */
async function readEffects(
  formatter: LineFormatter,
  target: EffectsTarget,
  host: ResultsHost,
  context: TaskContext,
  { isPageOnly } = { isPageOnly: false },
): Promise<FileEffects> {
  const file = await openRowResults(formatter, target, host, context);
  const summary = new Summary(target, file?.header ?? []);
  if (file === undefined) return summary.result();
  try {
    for await (const result of file.results) {
      summary.add(result);
      if (isPageOnly && summary.hasPage) break;
    }
  } catch (error) {
    // The file is damaged here; the job's problem says so.
    if (!(error instanceof OnhandError) || target.job.state === 'done') throw error;
  } finally {
    await file.close();
  }
  return summary.result();
}

interface CountedGroup {
  readonly statusCode: number;
  readonly example: RowEffect;
  count: number;
}

class Summary {
  readonly #target: EffectsTarget;
  readonly #headers: ReadonlySet<string>;
  readonly #rows: RowEffect[] = [];
  readonly #groups = new Map<string, CountedGroup>();
  #rowCount = 0;
  #failed = 0;
  #changed = 0;
  #toZero = 0;

  constructor(target: EffectsTarget, header: readonly string[]) {
    this.#target = target;
    this.#headers = new Set(header.map((name) => JSON.stringify(name)));
  }

  /** Adds the rows of a chunk, of which only these have results that are stored; the others changed nothing. */
  addChunk(rowCount: number, results: readonly StoredResult[]): void {
    this.#rowCount += rowCount - results.length;
    for (const result of results) this.add(result);
  }

  /** Whether all rows of the page were found. */
  get hasPage(): boolean {
    return this.#rows.length === this.#target.limit;
  }

  add(result: StoredResult): void {
    const isFailed = result.statusCode !== APPLIED;
    const isChanged = !isFailed && wouldChange(result);
    const isToZero = isChanged && setsToZero(result);
    this.#rowCount += 1;
    if (isFailed) this.#failed += 1;
    if (isChanged) this.#changed += 1;
    if (isToZero) this.#toZero += 1;
    if (isFailed) this.#count(result);
    const isAsked = { failed: isFailed, changed: isChanged, to_zero: isToZero };
    const { only, start, limit } = this.#target;
    if (only !== null && !isAsked[only]) return;
    const place = this.#matched;
    if (place > start && place <= start + limit) this.#rows.push(effectOf(result));
  }

  /** How many rows the filter has let through. */
  get #matched(): number {
    const counts = { failed: this.#failed, changed: this.#changed, to_zero: this.#toZero };
    const { only } = this.#target;
    return only === null ? this.#rowCount : counts[only];
  }

  #count(result: StoredResult): void {
    const known = this.#groups.get(this.#keyOf(result));
    if (known !== undefined) {
      known.count += 1;
      return;
    }
    const { statusCode } = result;
    this.#groups.set(this.#keyOf(result), { statusCode, example: effectOf(result), count: 1 });
  }

  #keyOf(result: StoredResult): string {
    const reason = reasonOf(result, this.#headers);
    return this.#groups.has(reason) || this.#groups.size < REASONS_MAX ? reason : OTHER_REASONS;
  }

  result(): FileEffects {
    return {
      rows: this.#rows,
      matchedCount: this.#matched,
      totals: {
        rows: this.#rowCount,
        failed: this.#failed,
        changed: this.#changed,
        unchanged: this.#rowCount - this.#failed - this.#changed,
        toZero: this.#toZero,
      },
      failures: Array.from(this.#groups, ([reason, group]) => ({ reason, ...group })).toSorted(
        (a, b) => b.count - a.count,
      ),
    };
  }
}

function effectOf({ row, statusCode, message, skuId, stored }: StoredResult): RowEffect {
  const candidates = stored?.detail?.kind === 'ambiguous' ? stored.detail.skuIds : [];
  return { row, statusCode, message, skuId, candidates, wouldChange: stored?.wouldChange ?? null };
}

/** Whether a row of a dry run would change or create its SKU. The results of older versions have a message only. */
function wouldChange({ message }: StoredResult): boolean {
  return message.startsWith('Would ') && !message.startsWith(WOULD_CHANGE_NOTHING);
}

function setsToZero({ stored }: StoredResult): boolean {
  const { before, after } = stored?.wouldChange ?? {};
  return after?.quantityInStock === 0 && before?.quantityInStock !== 0;
}

const REASONS = {
  ambiguous: 'More than one SKU matches',
  misfit: 'The sku_id is known, but its SKU has other GTINs',
  older: 'The row is older than the inventory that is held',
  unexpected: 'The quantity in stock is not the one that the row expects',
  impossible: 'The quantity in stock cannot be changed by this much',
  left_out: 'Left out because another row was not applied',
} as const;
const NOT_FOUND = 404;
const REASON_CHARACTERS_MAX = 200;

/** Why a row failed, in words that are the same for all rows of that kind: without its values and its number. */
function reasonOf(
  { statusCode, message, stored }: StoredResult,
  headers: ReadonlySet<string>,
): string {
  if (stored?.detail) return REASONS[stored.detail.kind];
  if (statusCode === NOT_FOUND) return 'No SKU has these identifiers';
  return withoutValues(message.replace(/^(?:Row|Line|Element|Segment) [0-9]+[:,]? /, ''), headers)
    .replace(/; .*$/s, '')
    .replaceAll(/\b(row|line|element|segment) [0-9]+/g, '$1 …')
    .replace(/^./, (letter) => letter.toUpperCase())
    .slice(0, REASON_CHARACTERS_MAX)
    .toWellFormed();
}

/** A message without its quoted texts, except names of columns. */
function withoutValues(message: string, headers: ReadonlySet<string>): string {
  let told = '';
  for (let at = 0; ;) {
    const open = message.indexOf('"', at);
    if (open < 0) return told + message.slice(at);
    const end = endOfQuote(message, open);
    const quote = message.slice(open, end);
    told += message.slice(at, open) + (headers.has(quote) ? quote : '"…"');
    at = end;
  }
}

/** Where a quoted text ends that begins at `open`; inside, a backslash escapes the next character. */
function endOfQuote(message: string, open: number): number {
  for (let at = open + 1; at < message.length; at += 1) {
    if (message[at] === '\\') at += 1;
    else if (message[at] === '"') return at + 1;
  }
  return message.length;
}
