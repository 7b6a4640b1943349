import { OnhandError } from '../../domain/errors.ts';
import { GTIN_FORMS, readGtin } from '../../domain/gtin.ts';
import { restrictionCode } from '../../domain/inventory.ts';
import type { Sku } from '../../domain/sku.ts';
import { echo } from '../lines/echo.ts';
import { SkuListQuerySchema } from './schemas.ts';
import { shapeReader } from '../shape.ts';
import { printSku } from './skus.ts';
import { readTimeUs } from '../times.ts';

/** Which SKUs a list is asked for. */
export interface SkuListRequest {
  /** Undefined asks for all suppliers that the asker may see. */
  readonly supplierUuids: readonly string[] | undefined;
  readonly filter: {
    readonly skuId?: string;
    readonly gtins?: readonly number[];
    readonly restrictions?: number | null;
    readonly updatedSinceMs?: number;
    readonly quantityInStockMin?: number;
    readonly quantityInStockMax?: number;
  };
  readonly from: { readonly start: number } | { readonly afterUuid: string | null };
  readonly limit: number;
}

/** The parameters of the list. */
export const SKU_LIST_PARAMETERS = Object.keys(SkuListQuerySchema.properties);

const readShape = shapeReader(SkuListQuerySchema, 'The query', 'parameter_invalid');
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Reads the query of a list, each parameter with its values. Throws `parameter_invalid`. */
export function parseSkuList(query: ReadonlyMap<string, readonly string[]>): SkuListRequest {
  const {
    limit,
    start,
    cursor,
    supplier_uuids,
    sku_id,
    restrictions,
    updated_since,
    quantity_in_stock_min: min,
    quantity_in_stock_max: max,
    ...rest
  } = readShape(
    Object.fromEntries(
      [['limit', ['25']] as const, ['start', ['0']] as const, ...query].map(([name, values]) => [
        name,
        asShaped(name, values),
      ]),
    ),
  );
  if (cursor !== undefined && query.has('start')) {
    throw invalid('cursor and start cannot be given together; a cursor knows where it stands');
  }
  const gtins = GTIN_FORMS.flatMap((form) => {
    const text = rest[form];
    if (text === undefined || text === '') return [];
    const reading = readGtin(form, text);
    if ('refusal' in reading) throw invalid(`${form} ${echo(text)} ${reading.refusal}`);
    return [reading.gtin];
  });
  return {
    supplierUuids: supplier_uuids,
    filter: {
      ...(sku_id !== undefined && { skuId: sku_id }),
      ...(gtins.length > 0 && { gtins }),
      ...(restrictions !== undefined && { restrictions: restrictionCode(restrictions) ?? null }),
      ...(updated_since !== undefined && {
        updatedSinceMs: readTimeMs('updated_since', updated_since),
      }),
      ...(min !== undefined && { quantityInStockMin: min }),
      ...(max !== undefined && { quantityInStockMax: max }),
    },
    from: cursor === undefined ? { start } : { afterUuid: readCursor(cursor) },
    limit,
  };
}

/** Parameters come as texts; each in the type that its schema asks for, where it can be. */
function asShaped(name: string, values: readonly string[]): unknown {
  if (name === 'supplier_uuids') return readUuids(values);
  if (values.length > 1) throw invalid(`${name} is given ${values.length} times`);
  const [text = ''] = values;
  return NUMBERS.includes(name) && /^[0-9]{1,15}$/.test(text) ? Number(text) : text;
}

const NUMBERS = ['limit', 'start', 'quantity_in_stock_min', 'quantity_in_stock_max'];

/** A time as a parameter gives it (RFC 3339), in milliseconds, rounded down. Throws `parameter_invalid`. */
export function readTimeMs(name: string, text: string): number {
  const timeUs = readTimeUs(text);
  if (timeUs === undefined) {
    throw invalid(`${name} ${echo(text)} is not a time such as 2026-01-31T12:00:00Z`);
  }
  return Math.floor(timeUs / 1000);
}

/** Uuids of a parameter: separated by commas, repeated, or both. Throws `parameter_invalid`. */
export function readUuids(values: readonly string[]): readonly string[] {
  const uuids = values.flatMap((value) => value.split(',')).map((uuid) => uuid.trim());
  const wrong = uuids.find((uuid) => !UUID.test(uuid));
  if (wrong !== undefined) throw invalid(`supplier_uuids: ${echo(wrong)} is not a uuid`);
  return uuids.map((uuid) => uuid.toLowerCase());
}

/** A cursor is the uuid of the last SKU of the page before. */
function readCursor(cursor: string): string | null {
  if (cursor === '') return null;
  const hex = /^[A-Za-z0-9_-]{22}$/.test(cursor)
    ? Buffer.from(cursor, 'base64url').toString('hex')
    : '';
  const groups = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex);
  if (groups === null) throw invalid(`the cursor ${echo(cursor)} is not one that this list gave`);
  return groups.slice(1).join('-');
}

function printCursor(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url');
}

function invalid(what: string): OnhandError {
  return new OnhandError('parameter_invalid', `The query cannot be read: ${what}.`);
}

/** What a list found. */
export interface SkuListPage {
  readonly totalCount: number;
  readonly skus: readonly Sku[];
  readonly hasMore: boolean;
}

/** @param changesCursor where `from` is the beginning of a walk: where the change feed goes on from it */
export function printSkuList(
  { from, limit }: SkuListRequest,
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
          next_cursor: hasMore && last !== undefined ? printCursor(last.uuid) : null,
          ...(changesCursor !== undefined && { changes_cursor: changesCursor }),
        };
  return JSON.stringify({
    pagination: { total_count: totalCount, ...place },
    skus: skus.map(printSku),
  });
}
