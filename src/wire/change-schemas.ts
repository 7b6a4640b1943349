import { Type } from 'typebox';
import { RESTRICTIONS } from '../domain/inventory.ts';
import { QUANTITY_MAX } from '../domain/limits.ts';

/* The shapes of what readers of changes are told. They describe; nothing is validated by them. */

const uuid = () => Type.String({ format: 'uuid' });
const textOrNull = (options: object = {}) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options });
const quantityOrNull = () =>
  Type.Unsafe<number | null>({ type: ['integer', 'null'], minimum: 0, maximum: QUANTITY_MAX });

const SupplierSchema = Type.Object(
  { uuid: uuid(), name: Type.String() },
  { additionalProperties: false },
);

/** A SKU's inventory at one moment; a null that is not a restriction is not known. */
export const InventoryStateSchema = Type.Object(
  {
    quantity_in_stock: quantityOrNull(),
    quantity_on_backorder: quantityOrNull(),
    restrictions: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      enum: [...RESTRICTIONS, null],
    }),
    backorder_date: textOrNull({ format: 'date' }),
  },
  { title: 'InventoryState', additionalProperties: false },
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
    sequence: Type.Integer({
      minimum: 1,
      description: "Its place among the supplier's changes, without gaps.",
    }),
    time: Type.String({ format: 'date-time', description: 'When its batch was applied.' }),
    before: InventoryStateSchema,
    after: InventoryStateSchema,
    batch: Type.Object({ uuid: uuid() }, { additionalProperties: false }),
    reason: textOrNull({ description: 'Why, where the batch said so.' }),
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
      description: 'Where the SKUs are to be had as they are now: read them after this record.',
    }),
  },
  { title: 'SupplierEntered', additionalProperties: false },
);

export const SupplierLeftSchema = Type.Object(
  {
    kind: Type.Literal('supplier_left'),
    supplier: SupplierSchema,
    sequence: Type.Integer({ minimum: 0, description: 'The last change that was told.' }),
  },
  { title: 'SupplierLeft', additionalProperties: false },
);
