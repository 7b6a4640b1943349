import { Type } from 'typebox';
import { InventorySchema } from '../inventory/write-schemas.ts';

/* The shapes of what readers of changes are told. They describe; nothing is validated by them. */

const uuid = () => Type.String({ format: 'uuid' });
const textOrNull = (options: object = {}) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options });

const SupplierSchema = Type.Object(
  { uuid: uuid(), name: Type.String() },
  { additionalProperties: false },
);

/** What a change says beside whose it is. */
const CHANGED = {
  sequence: Type.Integer({
    minimum: 1,
    description: "Its place among the supplier's changes, without gaps.",
  }),
  time: Type.String({ format: 'date-time', description: 'When its batch was applied.' }),
  before: InventorySchema,
  after: InventorySchema,
  batch: Type.Object({ uuid: uuid() }, { additionalProperties: false }),
  reason: textOrNull({ description: 'Why, where the batch said so.' }),
};

export const HistoryEntrySchema = Type.Object(CHANGED, {
  title: 'HistoryEntry',
  additionalProperties: false,
});

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
