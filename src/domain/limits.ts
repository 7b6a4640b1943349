/** Limits of the data model. Limits of a server (bytes, lines, time) are settings in `config.ts`. */

/** Largest quantity, inclusive: the largest 32-bit signed integer. */
export const QUANTITY_MAX = 2_147_483_647;

/** Longest `sku_id`, in Unicode code points. */
export const SKU_ID_CODE_POINTS_MAX = 256;

/** Most `sku_id`s that the result of an ambiguous line names. */
export const CANDIDATES_NAMED_MAX = 5;
