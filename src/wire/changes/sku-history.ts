import { createQueryReader, type Query } from '../query.ts';
import { Type } from 'typebox';
import type { HistoryEntry } from '../../domain/changes.ts';
import { HistoryEntrySchema, printHistoryEntry } from './change-records.ts';
import { integerOrNull } from '../schema.ts';
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

const readQuery = createQueryReader(HistoryQuerySchema);

/** Reads the query of a SKU's history. Throws `parameter_invalid`. */
export function parseHistory(query: Query): HistoryRequest {
  const { from, to, before, limit } = readQuery(query);
  return {
    fromMs: from === undefined ? null : readTimeMs('from', from),
    toMs: to === undefined ? null : readTimeMs('to', to),
    beforeSequence: before ?? null,
    limit,
  };
}

/**
 * @param changes has one more than `limit` if there is another page
 * @param isOwn whether the reader may know who works for the supplier: its own users and the operator's
 */
export function printHistory(
  changes: readonly HistoryEntry[],
  limit: number,
  isOwn: boolean,
): string {
  const shown = changes.slice(0, limit);
  return JSON.stringify({
    history: shown.map((change) => printHistoryEntry(change, isOwn)),
    next_before: changes.length > limit ? (shown.at(-1)?.sequence ?? null) : null,
  });
}
