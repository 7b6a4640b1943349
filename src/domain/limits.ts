/** Limits that belong to what a line *is*. Limits of a server (bytes, lines, time) are settings. */

/** Largest quantity, inclusive: the largest 32-bit signed integer. */
export const QUANTITY_MAX = 2_147_483_647;

/** Longest `sku_id`, in Unicode code points. */
export const SKU_ID_CODE_POINTS_MAX = 256;

/** How many `sku_id`s an "ambiguous" verdict names at most. */
export const CANDIDATES_NAMED_MAX = 5;
