import { Type } from 'typebox';

const flag = (description: string) => Type.Optional(Type.Boolean({ description }));

const DRY_RUN = flag('Report what would happen, and write nothing.');

export const BulkQuerySchema = Type.Object(
  {
    errors_only: flag('Return only the lines that failed, each with its `index`.'),
    dry_run: DRY_RUN,
    atomic: flag('Apply no line if any fails; the good ones are then answered 424.'),
    mode: Type.Optional(
      Type.Enum(['snapshot'], {
        description:
          'The lines are the complete inventory: SKUs that no line names are set to zero.',
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
  'Batch-Reason': header('The reason; shown with the batch.', { maxLength: 256 }),
  'Batch-Reference': header('Your own reference; shown with the batch.', { maxLength: 256 }),
};

export const WriteHeadersSchema = Type.Object(
  {
    'Idempotency-Key': header(
      'A new one for each new request: sent again with the same, a request is answered as before and applied once.',
      { minLength: 1, maxLength: 255, pattern: '^[!-~]*$' },
    ),
    'As-Of': header('The timestamp of the report, for lines without an `as_of`.', {
      format: 'date-time',
    }),
    Prefer: header(
      '`return=minimal` as `errors_only`; `return=representation` for the effect of each line.',
    ),
    'Stream-Start': header(
      'For a stream that is resumed: the index of the first line that is sent, the first of a chunk.',
      { pattern: '^[0-9]{1,15}$' },
    ),
    'Confirmation-Code': header('Allows a body that exceeded the safety limit.'),
    ...NOTE_HEADERS,
  },
  { title: 'WriteHeaders' },
);
