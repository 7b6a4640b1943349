import { Type, type Static } from 'typebox';
import { OnhandError } from '../../domain/errors.ts';
import { isJsonObject } from '../lines/json.ts';
import { textOrNull, uuid } from '../inventory/schemas.ts';

const COUNTS = {
  reverted: Type.Integer({ description: 'How many SKUs were put back.' }),
  moved_on: Type.Integer({ description: 'How many have changed since, and were left alone.' }),
  confirmed: Type.Integer({
    description: 'How many a later batch has named with what they have, and were left alone.',
  }),
};

export const FileRevertSchema = Type.Object(
  {
    uuid: uuid('The file.'),
    ...COUNTS,
    batches: Type.Array(
      Type.Object(
        {
          uuid: textOrNull({ format: 'uuid', description: 'The new batch, if there is one.' }),
          reverts_uuid: uuid('The batch of the file that it puts back.'),
          ...COUNTS,
        },
        { additionalProperties: false },
      ),
      { description: 'In the order in which they were put back: the last first.' },
    ),
  },
  { title: 'FileRevert', additionalProperties: false },
);

/** What became of one batch of a file that was put back. */
interface RevertedBatch {
  readonly uuid: string | null;
  readonly revertsUuid: string;
  readonly skus: readonly { readonly outcome: 'reverted' | 'moved_on' | 'confirmed' }[];
}

export function printFileRevert(
  fileUuid: string,
  batches: readonly RevertedBatch[],
): Static<typeof FileRevertSchema> {
  const printed = batches.map(({ uuid: newUuid, revertsUuid, skus }) => {
    const of = (outcome: string): number => skus.filter((sku) => sku.outcome === outcome).length;
    return {
      uuid: newUuid,
      reverts_uuid: revertsUuid,
      reverted: of('reverted'),
      moved_on: of('moved_on'),
      confirmed: of('confirmed'),
    };
  });
  const sum = (name: keyof typeof COUNTS): number =>
    printed.reduce((total, batch) => total + batch[name], 0);
  return {
    uuid: fileUuid,
    reverted: sum('reverted'),
    moved_on: sum('moved_on'),
    confirmed: sum('confirmed'),
    batches: printed,
  };
}

export const FileMappingSchema = Type.Object(
  {
    columns: Type.Record(Type.String(), Type.String(), {
      description: "The supplier's own names of columns, each with the column that it stands for.",
      examples: [{ Lagerbestand: 'quantity_in_stock' }],
    }),
  },
  { title: 'FileMapping', additionalProperties: false },
);

/** A name of a column, and what it stands for; `target` is checked by who knows the columns. */
export interface NamedColumn {
  readonly header: string;
  readonly target: string;
}

export const MAPPED_COLUMNS_MAX = 200;
const HEADER_CHARACTERS_MAX = 256;

/** Throws `member_invalid`. */
export function parseFileMapping(body: unknown): readonly NamedColumn[] {
  const columns = isJsonObject(body) ? body['columns'] : undefined;
  const members = isJsonObject(body) ? Object.keys(body) : [];
  if (!isJsonObject(columns) || members.length !== 1) {
    throw invalid('The body must be {"columns": {"<your name>": "<column>"}}.');
  }
  const names = Object.entries(columns);
  if (names.length > MAPPED_COLUMNS_MAX)
    throw invalid(`At most ${MAPPED_COLUMNS_MAX} names of columns are kept.`);
  return names.map(([header, target]) => {
    const name = header.trim();
    if (name === '' || name.length > HEADER_CHARACTERS_MAX || typeof target !== 'string') {
      throw invalid(
        `${JSON.stringify(header.slice(0, 64))}: a name has 1 to ${HEADER_CHARACTERS_MAX} characters and stands for a column, given as a text.`,
      );
    }
    return { header: name, target };
  });
}

function invalid(message: string): OnhandError {
  return new OnhandError('member_invalid', message);
}

export function printFileMapping(columns: readonly NamedColumn[]): string {
  return JSON.stringify({
    columns: Object.fromEntries(columns.map(({ header, target }) => [header, target])),
  });
}
