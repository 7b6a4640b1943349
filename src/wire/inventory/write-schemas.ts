import { Type } from 'typebox';
import { RESTRICTIONS } from '../../domain/inventory.ts';
import { CANDIDATES_NAMED_MAX } from '../../domain/limits.ts';
import { integerOrNull, textOrNull, uuid } from './schemas.ts';

/* What goes with lines that are written, and what is answered. These describe; `http/` reads. */

const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

const DRY_RUN = flag('Answer what would happen, and write nothing.');

export const BulkQuerySchema = Type.Object(
  {
    errors_only: flag('Answer only the failing lines, each with its `index`.'),
    dry_run: DRY_RUN,
    atomic: flag('Apply no line if any fails; the good ones are then answered 424.'),
    mode: Type.Optional(
      Type.Enum(['snapshot'], {
        description: 'The lines are all that there is: SKUs that none names go to zero in stock.',
      }),
    ),
  },
  { title: 'BulkQuery', additionalProperties: false },
);

export const SingleQuerySchema = Type.Object(
  { dry_run: DRY_RUN },
  { title: 'SingleQuery', additionalProperties: false },
);

const header = (description: string, options: object = {}) =>
  Type.Optional(Type.String({ description, ...options }));

export const NOTE_HEADERS = {
  'Batch-Reason': header('Why it is sent; told with the batch.', { maxLength: 256 }),
  'Batch-Reference': header('What you call it; told with the batch.', { maxLength: 256 }),
};

export const WriteHeadersSchema = Type.Object(
  {
    'Idempotency-Key': header(
      'A new one for each new request: sent again with the same, a request is answered as before and applied once.',
      { minLength: 1, maxLength: 255, pattern: '^[!-~]*$' },
    ),
    'As-Of': header('Of when the report is, for lines without an `as_of`.', {
      format: 'date-time',
    }),
    Prefer: header(
      '`return=minimal` as `errors_only`; `return=representation` to be told what each line did.',
    ),
    'Confirmation-Code': header('Lets a body through that was held back.'),
    ...NOTE_HEADERS,
  },
  { title: 'WriteHeaders' },
);

/** An inventory by itself. */
export const InventorySchema = Type.Object(
  {
    quantity_in_stock: integerOrNull('Units in stock; null is unknown.'),
    quantity_on_backorder: integerOrNull('Units on backorder; null is unknown.'),
    restrictions: textOrNull({
      enum: [...RESTRICTIONS, null],
      description: 'Why it may not be sold; null is unrestricted.',
    }),
    backorder_date: textOrNull({ format: 'date', description: 'When the backorder is expected.' }),
  },
  { title: 'Inventory', additionalProperties: false },
);

const EFFECT = {
  sku_uuid: Type.Optional(uuid('The SKU that the line meant.')),
  before: Type.Optional(InventorySchema),
  after: Type.Optional(InventorySchema),
  sequence: Type.Optional(
    integerOrNull('Of the change that was made of the SKU; null where there was none.'),
  ),
};

export const LineResultSchema = Type.Object(
  {
    index: Type.Optional(
      Type.Integer({
        description:
          'The place of the line in the request, from 0; given with `errors_only` alone.',
      }),
    ),
    status_code: Type.Integer({
      description:
        '200 applied; 400 the line cannot be read; 404 no SKU matches; 412 what it demands does not hold; 422 more than one SKU matches, or the change is impossible; 424 left out because of another line.',
      examples: [200],
    }),
    message: Type.String({
      description: `"success", or what is wrong; for 422 the sku_ids that match, at most ${CANDIDATES_NAMED_MAX}.`,
      examples: ['success'],
    }),
    ...EFFECT,
  },
  { title: 'LineResult', additionalProperties: false },
);

export const BulkResultsSchema = Type.Array(LineResultSchema, {
  title: 'Results',
  description: 'Element i answers line i. What is answered 200 is durable.',
});

export const SuccessSchema = Type.Object(
  { message: Type.Literal('success'), ...EFFECT },
  { title: 'Success', additionalProperties: false },
);
