import type { Static } from 'typebox';
import { printDate, restrictionName, type Inventory } from '../../domain/inventory.ts';
import type { Sku } from '../../domain/sku.ts';
import type { SkuSchema } from './schemas.ts';
import { printTime } from '../times.ts';
import type { InventorySchema } from './write-schemas.ts';

/** A SKU as it travels. */
export type WireSku = Static<typeof SkuSchema>;

export function printSku({ product, inventory, ...sku }: Sku): WireSku {
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
    created: printTime(sku.createdAtMs),
    last_updated: printTime(sku.updatedAtMs),
  };
}

/** An inventory by itself, as it travels. */
export function printInventory(inventory: Inventory): Static<typeof InventorySchema> {
  return {
    quantity_in_stock: inventory.quantityInStock,
    quantity_on_backorder: inventory.quantityOnBackorder,
    restrictions: restrictionName(inventory.restrictions),
    backorder_date: inventory.backorderDate === null ? null : printDate(inventory.backorderDate),
  };
}
