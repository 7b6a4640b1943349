import { Type } from 'typebox';
import { RESTRICTIONS } from '../../domain/inventory.ts';
import { QUANTITY_MAX, SKU_ID_CODE_POINTS_MAX } from '../../domain/limits.ts';
import { ORGANIZATION_TYPES } from '../../domain/parties.ts';
import { CONDITIONS } from '../../domain/sku.ts';
import { NOT_KEPT } from './sku-creation.ts';

/*
 * The shapes that travel. Those of the list's query and of the login validate; lines and new SKUs are
 * read by `parseLines` and `parseSkuCreation`, which know rules that no schema can say and answer line
 * by line: their schemas describe them.
 */

export const SKU_LIMIT_MAX = 500;
export const SKU_LIMIT_DEFAULT = 25;

export const uuid = (description: string) => Type.String({ format: 'uuid', description });
export const time = (description: string) => Type.String({ format: 'date-time', description });
export const textOrNull = (options: object) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], ...options });
export const integerOrNull = (description: string) =>
  Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    minimum: 0,
    maximum: QUANTITY_MAX,
    description,
  });

const ownIdentifier = (description: string) =>
  Type.Unsafe<string | number>({
    type: ['string', 'integer'],
    minLength: 1,
    maxLength: SKU_ID_CODE_POINTS_MAX,
    minimum: 0,
    description,
  });
const gtin = (description: string) =>
  Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['string', 'integer', 'null'],
      minimum: 0,
      description,
    }),
  );
const quantity = (description: string) =>
  Type.Optional(
    Type.Unsafe<string | number | null>({
      type: ['integer', 'string', 'null'],
      minimum: 0,
      maximum: QUANTITY_MAX,
      pattern: String.raw`^[\t\n\v\f\r ]*[0-9]+(\.0+)?[\t\n\v\f\r ]*$`,
      description: `${description}; null is unknown. The digits as a text are read too.`,
    }),
  );

const SKU_ID = ownIdentifier(
  "The supplier's own identifier, compared character by character. A number stands for its digits.",
);
const GTINS = {
  upca: gtin('UPC-A: up to 12 digits with a right check digit; lost leading zeros are restored.'),
  ean13: gtin('EAN-13 or EAN-8: up to 13 digits with a right check digit.'),
  gtin14: gtin('GTIN-14: up to 14 digits with a right check digit.'),
  isbn: gtin('ISBN-13, or ISBN-10 also without its leading zeros, with a right check digit.'),
};
const INVENTORY = {
  quantity_in_stock: quantity('Units in stock'),
  quantity_on_backorder: quantity('Units on backorder'),
  restrictions: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      enum: [...RESTRICTIONS, '', null],
      description: 'Why the SKU may not be sold; null and "" lift the restriction.',
    }),
  ),
  backorder_date: Type.Optional(
    textOrNull({ format: 'date', description: 'When the backorder is expected.' }),
  ),
};

const oneOf = (members: object) => ({
  anyOf: Object.keys(members).map((member) => ({ required: [member] })),
});

const CHANGE = {
  quantity_in_stock_change: Type.Optional(
    Type.Unsafe<string | number>({
      type: ['integer', 'string'],
      minimum: -QUANTITY_MAX,
      maximum: QUANTITY_MAX,
      pattern: String.raw`^[\t\n\v\f\r ]*[+-]?[0-9]+(\.0+)?[\t\n\v\f\r ]*$`,
      description:
        'Units to add, or to take away where it is negative, instead of `quantity_in_stock`. 422 where that is impossible.',
    }),
  ),
};
const CONDITIONS_OF_LINE = {
  expected_quantity_in_stock: quantity('Units that must be in stock before, else 412'),
  as_of: Type.Optional(
    time('Of when the report is; 412 where what is held is newer. Kept to the microsecond.'),
  ),
  group: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: SKU_ID_CODE_POINTS_MAX,
      description: 'Lines that follow one another with the same group stand or fall together.',
    }),
  ),
};

/** One line: what it names, and what it sets. */
export const LineSchema = Type.Object(
  { sku_id: Type.Optional(SKU_ID), ...GTINS, ...INVENTORY, ...CHANGE, ...CONDITIONS_OF_LINE },
  {
    title: 'Line',
    description:
      'Names one SKU by one or more identifiers, and sets at least one inventory field. Fields left out stay as they are.',
    additionalProperties: false,
    allOf: [oneOf({ sku_id: SKU_ID, ...GTINS }), oneOf({ ...INVENTORY, ...CHANGE })],
    examples: [{ sku_id: 'xkuOwSQ3utl', quantity_in_stock: 512 }],
  },
);

export const BulkSchema = Type.Array(LineSchema, {
  title: 'Lines',
  description: 'Lines succeed or fail each on its own, and take effect in the order sent.',
});

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Which kind of problem, for programs.' }),
    title: Type.String({ description: 'The kind in words.' }),
    status: Type.Integer({ description: 'The HTTP status of the reply.' }),
    detail: Type.String({ description: 'What was wrong this time, and what to do about it.' }),
    message: Type.String({ description: 'The same text as `detail`.' }),
    request_id: Type.String({
      description: 'The `Request-Id` of the reply; in a repeated reply that of the first.',
    }),
    confirmation_code: Type.Optional(
      Type.String({ description: 'Lets the body through that was held back.' }),
    ),
  },
  { title: 'Problem', description: 'A problem document (RFC 9457).', additionalProperties: false },
);

export const StatusSchema = Type.Object(
  { status: Type.Literal('ok') },
  { title: 'Status', additionalProperties: false },
);

export const LoginSchema = Type.Object(
  {
    username: Type.String({ minLength: 1, description: 'The name of the user.' }),
    password: Type.String({ minLength: 1, description: 'The password of the user.' }),
  },
  { title: 'Login', additionalProperties: false },
);

const uuidOrEmpty = (description: string) => Type.String({ description });

export const LoginReplySchema = Type.Object(
  {
    auth_token: Type.String({ description: 'For `Authorization: Token …`; expires.' }),
    org_uuid: uuid('The organization of the user.'),
    user_uuid: uuid('The user.'),
    retailer_uuid: uuidOrEmpty('The organization where it is a retailer, else empty.'),
    supplier_uuid: uuidOrEmpty('The organization where it is a supplier, else empty.'),
    org_type: Type.Enum(ORGANIZATION_TYPES.map((type) => type.toUpperCase())),
    permission_assignments: Type.Object({
      permissions: Type.Array(
        Type.Object({
          assigned: Type.Boolean({ description: 'Whether the user has it.' }),
          permission: Type.Object({
            uuid: uuid('The permission.'),
            name: Type.String(),
            display_name: Type.String(),
            description: Type.String(),
            visibility: Type.String(),
            grouping: Type.String(),
          }),
        }),
      ),
      org_user: Type.Object({ uuid: uuid('The user.') }),
    }),
  },
  { title: 'LoginReply', additionalProperties: false },
);

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
    created: time('When the SKU was created.'),
    last_updated: time('When anything of the SKU changed last.'),
  },
  { title: 'Sku', additionalProperties: false },
);

export const SkuPageSchema = Type.Object(
  {
    pagination: Type.Object(
      {
        total_count: Type.Integer({ description: 'How many SKUs there are in all.' }),
        start: Type.Unsafe<number | null>({
          type: ['integer', 'null'],
          description: 'How many SKUs lie before this page; null where `cursor` was asked.',
        }),
        limit: Type.Integer({ description: 'How many SKUs the page holds at most.' }),
        next_start_index: Type.Unsafe<number | null>({
          type: ['integer', 'null'],
          description: 'The `start` of the next page; null on the last.',
        }),
        next_cursor: Type.Optional(
          textOrNull({
            description: 'Where `cursor` was asked: the cursor of the next page; null on the last.',
          }),
        ),
        changes_cursor: Type.Optional(
          textOrNull({
            description:
              'On the first page by `cursor`: the cursor of the change feed from which nothing is missed that the walk does not show; null where it would be of too many suppliers.',
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
          'Walks the list from page to page at the same cost at any depth, instead of `start`: empty for the first page, then the `next_cursor` of the page before.',
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
        description: 'Only SKUs with at least so much in stock.',
      }),
    ),
    quantity_in_stock_max: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: QUANTITY_MAX,
        description: 'Only SKUs with at most so much in stock.',
      }),
    ),
    item_verbosity: Type.Optional(Type.String({ description: 'Accepted, and ignored.' })),
  },
  { title: 'SkuListQuery', additionalProperties: false },
);

const text = (description: string) =>
  Type.Optional(textOrNull({ maxLength: SKU_ID_CODE_POINTS_MAX, description }));
const PRODUCT_IDENTIFIERS = {
  ...GTINS,
  asin: text("Amazon's identifier."),
  mpn: text("The manufacturer's part number."),
};

export const SkuCreationSchema = Type.Object(
  {
    sku_id: SKU_ID,
    item: Type.Optional(
      Type.Unsafe<{ uuid?: string } | null>({
        type: ['object', 'null'],
        properties: { uuid: uuid('Taken as given.') },
        additionalProperties: false,
        description: 'The item that the SKU belongs to; without it one is made.',
      }),
    ),
    item_id: text("The supplier's own name of an item: its SKUs share one item."),
    title: text('What it is.'),
    condition: Type.Optional(textOrNull({ enum: [...CONDITIONS, null] })),
    number_of_units_bundled: quantity('How many units are sold as one'),
    ...INVENTORY,
    ...PRODUCT_IDENTIFIERS,
    product_identifiers: Type.Optional(
      Type.Unsafe<object | null>({
        type: ['object', 'null'],
        properties: PRODUCT_IDENTIFIERS,
        additionalProperties: false,
      }),
    ),
    ...Object.fromEntries(
      NOT_KEPT.map((member) => [
        member,
        Type.Optional(Type.Unknown({ description: 'Accepted, and not kept.' })),
      ]),
    ),
  },
  { title: 'SkuCreation', additionalProperties: false },
);
