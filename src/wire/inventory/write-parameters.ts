import { Type } from 'typebox';

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
