import { createQueryReader, invalidQuery, type Query, readTimeMs } from '../query.ts';
import { integerOrNull, textOrNull, time, uuid } from '../schema.ts';
import { type Static, Type } from 'typebox';
import {
  printDate,
  restrictionCode,
  restrictionName,
  RESTRICTIONS,
  QUANTITY_MAX,
} from '../../domain/inventory.ts';
import {
  CONDITIONS,
  type Sku,
  SKU_SORT_KEYS,
  type SkuSortKey,
  sortValueOf,
} from '../../domain/sku.ts';
import { skuIdCanExist } from '../../domain/lines.ts';
import { printTime } from '../times.ts';
import { GTIN_FORMS, readGtin } from '../../domain/gtin.ts';
import { quoteValue } from '../validation-messages.ts';

export const SKU_LIMIT_MAX = 500;

export const SKU_LIMIT_DEFAULT = 25;

export const SkuSchema = Type.Object(
  {
    uuid: uuid("onhand's own name of the SKU."),
    sku_id: Type.String({ description: "The supplier's own identifier." }),
    item: Type.Object(
      { uuid: uuid('The item that the SKU belongs to.') },
      { additionalProperties: false },
    ),
    restrictions: textOrNull({
      enum: [...RESTRICTIONS, null],
      description: 'Why it may not be sold; null is unrestricted.',
    }),
    condition: textOrNull({ enum: [...CONDITIONS, null] }),
    quantity_in_stock: integerOrNull('Units in stock; null is unknown.'),
    quantity_on_backorder: integerOrNull('Units on backorder; null is unknown.'),
    backorder_date: textOrNull({ format: 'date', description: 'When the backorder is expected.' }),
    number_of_units_bundled: integerOrNull('How many units are sold as one.'),
    product_identifiers: Type.Object(
      {
        upca: textOrNull({}),
        ean13: textOrNull({}),
        gtin14: textOrNull({}),
        isbn: textOrNull({}),
        asin: textOrNull({}),
        mpn: textOrNull({}),
      },
      { additionalProperties: false },
    ),
    supplier: Type.Object(
      { uuid: uuid('The supplier.'), name: Type.String() },
      { additionalProperties: false },
    ),
    title: Type.Optional(textOrNull({ description: 'What it is; only with `include=title`.' })),
    created: time('When the SKU was created.'),
    last_updated: time('When anything of the SKU changed last.'),
  },
  { title: 'Sku', additionalProperties: false },
);

/** The JSON form of a SKU. */
export type WireSku = Static<typeof SkuSchema>;

/** @param include what is printed beyond the usual members */
export function printSku({ product, inventory, ...sku }: Sku, include?: SkuExtra): WireSku {
  return {
    uuid: sku.uuid,
    sku_id: sku.skuId,
    item: { uuid: sku.itemUuid },
    restrictions: restrictionName(inventory.restrictions),
    condition: product.condition,
    quantity_in_stock: inventory.quantityInStock,
    quantity_on_backorder: inventory.quantityOnBackorder,
    backorder_date: inventory.backorderDate === null ? null : printDate(inventory.backorderDate),
    number_of_units_bundled: product.unitsBundled,
    product_identifiers: {
      upca: product.upca,
      ean13: product.ean13,
      gtin14: product.gtin14,
      isbn: product.isbn,
      asin: product.asin,
      mpn: product.mpn,
    },
    supplier: { uuid: sku.supplier.uuid, name: sku.supplier.name },
    ...(include === 'title' && { title: product.title }),
    created: printTime(sku.createdAtMs),
    last_updated: printTime(sku.updatedAtMs),
  };
}

/** What replies with SKUs have beyond the usual members, if asked. */
export const SKU_EXTRAS = ['title'] as const;

export type SkuExtra = (typeof SKU_EXTRAS)[number];

export const INCLUDE_PARAMETER = {
  include: Type.Optional(
    Type.Enum([...SKU_EXTRAS], { description: 'Adds the title to each SKU of the reply.' }),
  ),
};

export const SkuPageSchema = Type.Object(
  {
    pagination: Type.Object(
      {
        total_count: Type.Integer({ description: 'How many SKUs there are in all.' }),
        start: Type.Unsafe<number | null>({
          type: ['integer', 'null'],
          description: 'How many SKUs come before this page; null for a request by `cursor`.',
        }),
        limit: Type.Integer({ description: 'How many SKUs the page holds at most.' }),
        next_start_index: Type.Unsafe<number | null>({
          type: ['integer', 'null'],
          description: 'The `start` of the next page; null on the last.',
        }),
        next_cursor: Type.Optional(
          textOrNull({
            description:
              'For a request by `cursor`: the cursor of the next page; null on the last.',
          }),
        ),
        changes_cursor: Type.Optional(
          textOrNull({
            description:
              'On the first page by `cursor`: the cursor from which to read the change feed so that no change after this list is missed; null if there are too many suppliers for one cursor.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    skus: Type.Array(SkuSchema),
  },
  { title: 'SkuPage', additionalProperties: false },
);

const filter = (form: string) =>
  Type.Optional(
    Type.String({ description: `Only SKUs with this ${form}, in any of its written forms.` }),
  );

export const SkuListQuerySchema = Type.Object(
  {
    limit: Type.Integer({
      minimum: 1,
      maximum: SKU_LIMIT_MAX,
      default: SKU_LIMIT_DEFAULT,
      description: 'How many SKUs to answer with at most.',
    }),
    start: Type.Integer({ minimum: 0, default: 0, description: 'How many SKUs to skip.' }),
    cursor: Type.Optional(
      Type.String({
        description:
          'Pages through the list at constant cost, instead of `start`: empty for the first page, then the `next_cursor` of the previous page.',
      }),
    ),
    supplier_uuids: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Only SKUs of these suppliers: one, separated by commas, or repeated.',
      }),
    ),
    sku_id: Type.Optional(Type.String({ description: 'Only the SKU with this sku_id.' })),
    upca: filter('UPC-A'),
    ean13: filter('EAN-13'),
    gtin14: filter('GTIN-14'),
    isbn: filter('ISBN'),
    restrictions: Type.Optional(
      Type.Enum([...RESTRICTIONS, ''], {
        description: 'Only SKUs with this restriction; empty for the unrestricted.',
      }),
    ),
    updated_since: Type.Optional(
      Type.String({
        description: 'Only SKUs of which anything changed since this time (RFC 3339).',
      }),
    ),
    quantity_in_stock_min: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: QUANTITY_MAX,
        description: 'Only SKUs with at least this quantity in stock.',
      }),
    ),
    quantity_in_stock_max: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: QUANTITY_MAX,
        description: 'Only SKUs with at most this quantity in stock.',
      }),
    ),
    title: Type.Optional(
      Type.String({
        description: 'Only SKUs whose title begins with this; the case of A to Z does not matter.',
      }),
    ),
    q: Type.Optional(
      Type.String({
        description:
          'Only SKUs whose `sku_id` or title begins with this, whatever the case of A to Z, or that have this GTIN in any of its written forms.',
      }),
    ),
    sort: Type.Optional(
      Type.Enum([...SKU_SORT_KEYS], {
        description:
          'What the list is sorted by; without it, by supplier, then by creation. Unknown quantities come last.',
      }),
    ),
    order: Type.Optional(
      Type.Enum(['asc', 'desc'], { description: 'The order of `sort`: ascending without it.' }),
    ),
    ...INCLUDE_PARAMETER,
    item_verbosity: Type.Optional(Type.String({ description: 'Accepted, and ignored.' })),
  },
  { title: 'SkuListQuery', additionalProperties: false },
);

/** A parsed request for a list of SKUs. */
export interface SkuListRequest {
  /** Undefined selects all suppliers that the client may see. */
  readonly supplierUuids: readonly string[] | undefined;
  readonly filter: {
    readonly skuId?: string;
    readonly titlePrefix?: string;
    readonly search?: { readonly text: string; readonly gtins: readonly number[] };
    readonly gtins?: readonly number[];
    readonly restrictions?: number | null;
    readonly updatedSinceMs?: number;
    readonly quantityInStockMin?: number;
    readonly quantityInStockMax?: number;
  };
  readonly sort: SkuOrder | undefined;
  readonly from: { readonly start: number } | SkuPosition;
  readonly limit: number;
  readonly include?: SkuExtra | undefined;
}

export interface SkuOrder {
  readonly by: SkuSortKey;
  readonly isDescending: boolean;
}

/** After which SKU a page begins (null: at the first), and what that SKU was sorted by. */
interface SkuPosition {
  readonly afterUuid: string | null;
  readonly afterValue?: string | number | null;
}

/** The parameters of the list. */
export const SKU_LIST_PARAMETERS = Object.keys(SkuListQuerySchema.properties);

const readQuery = createQueryReader(SkuListQuerySchema);

/** Reads the query of a SKU list. Throws `parameter_invalid`. */
export function parseSkuList(query: Query): SkuListRequest {
  const {
    limit,
    start,
    cursor,
    supplier_uuids,
    sku_id,
    title,
    q,
    include,
    restrictions,
    updated_since,
    sort,
    order,
    quantity_in_stock_min: min,
    quantity_in_stock_max: max,
    ...rest
  } = readQuery(query);
  if (cursor !== undefined && query.has('start')) {
    throw invalidQuery(
      'cursor and start cannot be given together; a cursor already holds its position',
    );
  }
  if (order !== undefined && sort === undefined) {
    throw invalidQuery(`order=${order} needs sort, one of ${SKU_SORT_KEYS.join(', ')}`);
  }
  const sorted = sort && { by: sort, isDescending: order === 'desc' };
  const gtins = GTIN_FORMS.flatMap((form) => {
    const text = rest[form];
    if (text === undefined || text === '') return [];
    const reading = readGtin(form, text);
    if ('refusal' in reading) throw invalidQuery(`${form} ${quoteValue(text)} ${reading.refusal}`);
    return [reading.gtin];
  });
  return {
    supplierUuids: supplier_uuids,
    filter: {
      ...(sku_id !== undefined && { skuId: sku_id }),
      ...(title !== undefined && title !== '' && { titlePrefix: title }),
      ...(q !== undefined && q !== '' && { search: { text: q, gtins: gtinsLike(q) } }),
      ...(gtins.length > 0 && { gtins }),
      ...(restrictions !== undefined && { restrictions: restrictionCode(restrictions) ?? null }),
      ...(updated_since !== undefined && {
        updatedSinceMs: readTimeMs('updated_since', updated_since),
      }),
      ...(min !== undefined && { quantityInStockMin: min }),
      ...(max !== undefined && { quantityInStockMax: max }),
    },
    sort: sorted,
    from: cursor === undefined ? { start } : readCursor(cursor, sorted),
    limit,
    include,
  };
}

/** The GTINs that a text may be, by any form. */
function gtinsLike(text: string): readonly number[] {
  const readings = GTIN_FORMS.map((form) => readGtin(form, text));
  return [...new Set(readings.flatMap((reading) => ('gtin' in reading ? [reading.gtin] : [])))];
}

/**
 * Reads a cursor. That of an unsorted list is the uuid of the last SKU of the previous page; that of a sorted list also
 * holds the order, and what that SKU was sorted by: it may have changed since.
 */
function readCursor(cursor: string, sort: SkuOrder | undefined): SkuPosition {
  if (cursor === '') return { afterUuid: null };
  const parts = cursor.split('.');
  const [uuidPart = '', key, direction, valuePart = ''] = parts;
  const afterUuid = readUuidPart(uuidPart);
  const wasSorted = parts.length > 1;
  const value = wasSorted ? readValuePart(valuePart) : null;
  if (afterUuid === undefined || value === undefined || (wasSorted && parts.length !== 4)) {
    throw invalidQuery(`the cursor ${quoteValue(cursor)} was not issued by this list`);
  }
  const isSame = sort === undefined ? !wasSorted : key === sort.by && direction === orderOf(sort);
  if (!isSame || (wasSorted && (sort?.by === 'sku_id') !== (typeof value === 'string'))) {
    throw invalidQuery(
      'the cursor belongs to a list in another order; keep sort and order as they were',
    );
  }
  return wasSorted ? { afterUuid, afterValue: value } : { afterUuid };
}

function orderOf({ isDescending }: SkuOrder): string {
  return isDescending ? 'desc' : 'asc';
}

function readUuidPart(text: string): string | undefined {
  if (!/^[A-Za-z0-9_-]{22}$/.test(text)) return undefined;
  const hex = Buffer.from(text, 'base64url').toString('hex');
  const groups = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex);
  return groups?.slice(1).join('-');
}

/** A text, a whole number, or null; undefined for anything else. */
function readValuePart(text: string): string | number | null | undefined {
  const json = Buffer.from(text, 'base64url').toString();
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (value === null) return null;
  if (typeof value === 'string') return skuIdCanExist(value) ? value : undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

function printCursor(sku: Sku, sort: SkuOrder | undefined): string {
  const uuidPart = Buffer.from(sku.uuid.replaceAll('-', ''), 'hex').toString('base64url');
  if (sort === undefined) return uuidPart;
  const value = JSON.stringify(sortValueOf(sku, sort.by));
  return [uuidPart, sort.by, orderOf(sort), Buffer.from(value).toString('base64url')].join('.');
}

/** One page of a list. */
export interface SkuListPage {
  readonly totalCount: number;
  readonly skus: readonly Sku[];
  readonly hasMore: boolean;
}

/** @param changesCursor for the first page by cursor: where to start reading the change feed */
export function printSkuList(
  { from, limit, sort, include }: SkuListRequest,
  page: SkuListPage,
  changesCursor?: string | null,
): string {
  const { totalCount, skus, hasMore } = page;
  const last = skus.at(-1);
  const place =
    'start' in from
      ? { start: from.start, limit, next_start_index: hasMore ? from.start + skus.length : null }
      : {
          start: null,
          limit,
          next_start_index: null,
          next_cursor: hasMore && last !== undefined ? printCursor(last, sort) : null,
          ...(changesCursor !== undefined && { changes_cursor: changesCursor }),
        };
  return JSON.stringify({
    pagination: { total_count: totalCount, ...place },
    skus: skus.map((sku) => printSku(sku, include)),
  });
}
