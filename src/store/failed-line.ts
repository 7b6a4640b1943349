import type { ConditionFailure } from '../domain/decide.ts';

/** Why a line does not apply, beyond its status. */
export type LineDetail =
  /** 422: these `sku_id`s match, in the order of their creation, at most `CANDIDATES_NAMED_MAX`. */
  | { readonly kind: 'ambiguous'; readonly skuIds: readonly string[] }
  /** 412 and 422. */
  | ConditionFailure
  /** 424: the line at this place does not apply. */
  | { readonly kind: 'left_out'; readonly because: number };

/** A line that failed, with all that its message says. */
export interface FailedLine {
  /** Its place in the request, from 0. */
  readonly index: number;
  readonly status: number;
  /** Of a line refused before it was applied. */
  readonly message: string | null;
  readonly detail: LineDetail | null;
  readonly skuId: string | null;
  /** As `Lines.asSent`. */
  readonly asSent: string | null;
}
