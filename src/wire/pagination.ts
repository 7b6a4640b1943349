/** Lists that are read by offset: `limit` and `start` in, `pagination` out. */
import { Type } from 'typebox';
import { integerOrNull } from './schema.ts';

export const PAGE_LIMIT_DEFAULT = 25;

/** The query parameters of a list of such things. */
export const pageParameters = (things: string, limitMax: number) => ({
  limit: Type.Integer({
    minimum: 1,
    maximum: limitMax,
    default: PAGE_LIMIT_DEFAULT,
    description: `How many ${things} to answer with at most.`,
  }),
  start: Type.Integer({ minimum: 0, default: 0, description: `How many ${things} to skip.` }),
});

/** The `pagination` of a page of such things. */
export const paginationSchema = (things: string) =>
  Type.Object(
    {
      total_count: Type.Integer({ description: `How many ${things} there are in all.` }),
      start: Type.Integer({ description: `How many ${things} come before this page.` }),
      limit: Type.Integer({ description: 'How many the page holds at most.' }),
      next_start_index: integerOrNull('The `start` of the next page; null on the last.'),
    },
    { additionalProperties: false },
  );

/** A page that was asked for. */
export interface PageRequest {
  readonly start: number;
  readonly limit: number;
}

/** The `pagination` of a page of a list of `totalCount`. */
export function printPagination({ start, limit }: PageRequest, totalCount: number) {
  const end = start + limit;
  return { total_count: totalCount, start, limit, next_start_index: end < totalCount ? end : null };
}
