import type { Change } from '../../domain/changes.ts';

/** A change as a query gives it, with all that it is told with. */
export interface ChangeRow {
  readonly sequence: number;
  readonly sku_uuid: string;
  readonly sku_id: string;
  readonly upca: string | null;
  readonly ean13: string | null;
  readonly gtin14: string | null;
  readonly isbn: string | null;
  readonly asin: string | null;
  readonly mpn: string | null;
  readonly supplier_uuid: string;
  readonly supplier_name: string;
  readonly batch_uuid: string;
  readonly applied_at_ms: number;
  readonly reason: string | null;
  readonly before_quantity_in_stock: number | null;
  readonly before_quantity_on_backorder: number | null;
  readonly before_backorder_date: number | null;
  readonly before_restrictions: number | null;
  readonly after_quantity_in_stock: number | null;
  readonly after_quantity_on_backorder: number | null;
  readonly after_backorder_date: number | null;
  readonly after_restrictions: number | null;
}

export function changeOf(row: ChangeRow): Change {
  const { upca, ean13, gtin14, isbn, asin, mpn } = row;
  return {
    supplier: { uuid: row.supplier_uuid, name: row.supplier_name },
    sku: {
      uuid: row.sku_uuid,
      skuId: row.sku_id,
      identifiers: { upca, ean13, gtin14, isbn, asin, mpn },
    },
    sequence: row.sequence,
    changedAtMs: row.applied_at_ms,
    before: {
      quantityInStock: row.before_quantity_in_stock,
      quantityOnBackorder: row.before_quantity_on_backorder,
      backorderDate: row.before_backorder_date,
      restrictions: row.before_restrictions,
    },
    after: {
      quantityInStock: row.after_quantity_in_stock,
      quantityOnBackorder: row.after_quantity_on_backorder,
      backorderDate: row.after_backorder_date,
      restrictions: row.after_restrictions,
    },
    batchUuid: row.batch_uuid,
    reason: row.reason,
  };
}
