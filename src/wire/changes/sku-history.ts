import { Type } from 'typebox';
import type { Change } from '../../domain/changes.ts';
import { HistoryEntrySchema, printHistoryEntry } from './change-records.ts';
import { integerOrNull, createValidator } from '../schema.ts';
import { readTimeMs } from '../query.ts';

const HISTORY_LIMIT_MAX = 500;

const HISTORY_LIMIT_DEFAULT = 100;

export const HistoryQuerySchema = Type.Object(
  {
    from: Type.Optional(
      Type.String({ description: 'Only changes made at this time (RFC 3339) or later.' }),
    ),
    to: Type.Optional(
      Type.String({ description: 'Only changes made before this time (RFC 3339).' }),
    ),
    before: Type.Optional(
      Type.Integer({
        minimum: 1,
        description: 'Only changes before this sequence: the `next_before` of the page before.',
      }),
    ),
    limit: Type.Integer({
      minimum: 1,
      maximum: HISTORY_LIMIT_MAX,
      default: HISTORY_LIMIT_DEFAULT,
      description: 'How many changes to answer with at most.',
    }),
  },
  { title: 'HistoryQuery', additionalProperties: false },
);

export const HistorySchema = Type.Object(
  {
    history: Type.Array(HistoryEntrySchema, { description: 'The latest first.' }),
    next_before: integerOrNull('The `before` of the next page; null on the last.'),
  },
  { title: 'History', additionalProperties: false },
);

export interface HistoryRequest {
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly beforeSequence: number | null;
  readonly limit: number;
}

const readShape = createValidator(HistoryQuerySchema, 'The query', 'parameter_invalid');

/** Reads the query of a SKU's history. Throws `parameter_invalid`. */
export function parseHistory(query: ReadonlyMap<string, readonly string[]>): HistoryRequest {
  const { from, to, before, limit } = readShape(
    Object.fromEntries(
      [['limit', [String(HISTORY_LIMIT_DEFAULT)]] as const, ...query].map(([name, values]) => {
        const text = values.join(',');
        const isNumber = (name === 'limit' || name === 'before') && /^[0-9]{1,15}$/.test(text);
        return [name, isNumber ? Number(text) : text];
      }),
    ),
  );
  return {
    fromMs: from === undefined ? null : readTimeMs('from', from),
    toMs: to === undefined ? null : readTimeMs('to', to),
    beforeSequence: before ?? null,
    limit,
  };
}

/** `changes` are one more than `limit` where there is more to read. */
export function printHistory(changes: readonly Change[], limit: number): string {
  const shown = changes.slice(0, limit);
  return JSON.stringify({
    history: shown.map(printHistoryEntry),
    next_before: changes.length > limit ? (shown.at(-1)?.sequence ?? null) : null,
  });
}
