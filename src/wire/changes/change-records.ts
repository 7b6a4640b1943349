import { type Static, Type } from 'typebox';
import { InventorySchema, printInventory } from '../inventory/inventory-fields.ts';
import { isRetired } from '../../domain/inventory.ts';
import type { Change, ChangeRecord, HistoryEntry, NamedSupplier } from '../../domain/changes.ts';
import { SKU_LIMIT_MAX } from '../inventory/skus.ts';
import { printTime } from '../times.ts';

/* The records of the change feed. These schemas describe output and validate nothing. */

const uuid = () => Type.String({ format: 'uuid' });

const textOrNull = (options: object = {}) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options });

const SupplierSchema = Type.Object(
  { uuid: uuid(), name: Type.String() },
  { additionalProperties: false },
);

/** The members of a change, without its supplier and SKU. */
const CHANGED = {
  sequence: Type.Integer({
    minimum: 1,
    description: "Numbers the supplier's changes, without gaps.",
  }),
  time: Type.String({ format: 'date-time', description: 'When its batch was applied.' }),
  before: InventorySchema,
  after: InventorySchema,
  retired: Type.Optional(
    Type.Literal(true, {
      description:
        'The supplier has retired the SKU, which can no longer be found. A later change without this member brings it back.',
    }),
  ),
  batch: Type.Object({ uuid: uuid() }, { additionalProperties: false }),
  reason: textOrNull({ description: "The batch's reason, if it has one." }),
};

export const HistoryEntrySchema = Type.Object(
  {
    ...CHANGED,
    source: Type.String({ description: 'How the batch was sent, as of a batch.' }),
    username: textOrNull({
      description: 'Who sent the batch; null is the operator. Null for retailers.',
    }),
    reference: textOrNull({ description: 'Its `Batch-Reference`. Null for retailers.' }),
  },
  { title: 'HistoryEntry', additionalProperties: false },
);

export const ChangeSchema = Type.Object(
  {
    kind: Type.Literal('change'),
    supplier: SupplierSchema,
    sku: Type.Object(
      {
        uuid: uuid(),
        sku_id: Type.String(),
        product_identifiers: Type.Object(
          {
            upca: textOrNull(),
            ean13: textOrNull(),
            gtin14: textOrNull(),
            isbn: textOrNull(),
            asin: textOrNull(),
            mpn: textOrNull(),
          },
          { additionalProperties: false },
        ),
      },
      { additionalProperties: false },
    ),
    ...CHANGED,
  },
  { title: 'Change', additionalProperties: false },
);

export const SupplierEnteredSchema = Type.Object(
  {
    kind: Type.Literal('supplier_entered'),
    supplier: SupplierSchema,
    sequence: Type.Integer({
      minimum: 0,
      description: 'The changes after this one follow.',
    }),
    snapshot: Type.String({
      description: "The path of the supplier's current SKUs: read them after this record.",
    }),
  },
  { title: 'SupplierEntered', additionalProperties: false },
);

export const SupplierLeftSchema = Type.Object(
  {
    kind: Type.Literal('supplier_left'),
    supplier: SupplierSchema,
    sequence: Type.Integer({ minimum: 0, description: 'The last change that was delivered.' }),
  },
  { title: 'SupplierLeft', additionalProperties: false },
);

/** The JSON form of a record of the change feed. */
export type WireChangeRecord =
  | Static<typeof ChangeSchema>
  | Static<typeof SupplierEnteredSchema>
  | Static<typeof SupplierLeftSchema>;

export function printChangeRecord(record: ChangeRecord): WireChangeRecord {
  switch (record.kind) {
    case 'change':
      return printChange(record.change);
    case 'supplier_entered':
      return {
        kind: 'supplier_entered',
        supplier: printSupplier(record.supplier),
        sequence: record.sequence,
        snapshot: snapshotPath(record.supplier.uuid),
      };
    case 'supplier_left':
      return {
        kind: 'supplier_left',
        supplier: printSupplier(record.supplier),
        sequence: record.sequence,
      };
  }
}

function printChange({ supplier, sku, ...change }: Change): Static<typeof ChangeSchema> {
  const { upca, ean13, gtin14, isbn, asin, mpn } = sku.identifiers;
  return {
    kind: 'change',
    supplier: printSupplier(supplier),
    sku: {
      uuid: sku.uuid,
      sku_id: sku.skuId,
      product_identifiers: { upca, ean13, gtin14, isbn, asin, mpn },
    },
    ...printChanged(change),
  };
}

/**
 * Prints a change for the history of one SKU.
 *
 * @param isOwn whether its reader may know who works for the supplier
 */
export function printHistoryEntry(
  entry: HistoryEntry,
  isOwn: boolean,
): Static<typeof HistoryEntrySchema> {
  const { source, username, reference } = entry;
  return {
    ...printChanged(entry),
    source,
    username: isOwn ? username : null,
    reference: isOwn ? reference : null,
  };
}

function printChanged(change: Omit<Change, 'supplier' | 'sku'>) {
  return {
    sequence: change.sequence,
    time: printTime(change.changedAtMs),
    before: printInventory(change.before),
    after: printInventory(change.after),
    ...(isRetired(change.after) && { retired: true as const }),
    batch: { uuid: change.batchUuid },
    reason: change.reason,
  };
}

export function printSupplier({ uuid, name }: NamedSupplier): NamedSupplier {
  return { uuid, name };
}

/** The path of the first page of a supplier's SKUs, by cursor. */
function snapshotPath(supplierUuid: string): string {
  return `/timp/products/skus/?supplier_uuids=${supplierUuid}&limit=${SKU_LIMIT_MAX}&cursor=`;
}
