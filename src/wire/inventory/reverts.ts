import type { RevertOutcome } from '../../domain/batches.ts';
import { type Static, Type } from 'typebox';
import { textOrNull, uuid } from '../schema.ts';

/** How many `sku_id`s of each outcome an undo names at most. */
export const REVERTED_NAMED_MAX = 1000;

const skuIds = (description: string) => Type.Array(Type.String(), { description });

export const RevertQuerySchema = Type.Object(
  {
    force: Type.Optional(
      Type.Boolean({ description: 'Put back what a later batch has confirmed, too.' }),
    ),
    dry_run: Type.Optional(
      Type.Boolean({ description: 'Answer what would happen, and write nothing.' }),
    ),
  },
  { title: 'RevertQuery', additionalProperties: false },
);

export const RevertReplySchema = Type.Object(
  {
    uuid: textOrNull({
      format: 'uuid',
      description: 'The new batch; null for a dry run, and where there was nothing to put back.',
    }),
    reverts_uuid: uuid('The batch that was put back.'),
    reverted: Type.Integer({ description: 'How many SKUs were put back.' }),
    moved_on: Type.Integer({ description: 'How many have changed since, and were left alone.' }),
    confirmed: Type.Integer({
      description: 'How many a later batch has named with what they have, and were left alone.',
    }),
    sku_ids: Type.Object(
      {
        reverted: skuIds('Those put back.'),
        moved_on: skuIds('Those that have changed since.'),
        confirmed: skuIds('Those that a later batch has confirmed.'),
      },
      {
        additionalProperties: false,
        description: `At most ${REVERTED_NAMED_MAX} of each.`,
      },
    ),
  },
  { title: 'RevertReply', additionalProperties: false },
);

type RevertedSku = RevertOutcome['skus'][number];

export function printRevert(
  revertsUuid: string,
  { uuid: newUuid, skus }: { readonly uuid: string | null; readonly skus: readonly RevertedSku[] },
): Static<typeof RevertReplySchema> {
  const of = (outcome: RevertedSku['outcome']): string[] =>
    skus.filter((sku) => sku.outcome === outcome).map((sku) => sku.skuId);
  const [reverted, movedOn, confirmed] = [of('reverted'), of('moved_on'), of('confirmed')];
  return {
    uuid: newUuid,
    reverts_uuid: revertsUuid,
    reverted: reverted.length,
    moved_on: movedOn.length,
    confirmed: confirmed.length,
    sku_ids: {
      reverted: reverted.slice(0, REVERTED_NAMED_MAX),
      moved_on: movedOn.slice(0, REVERTED_NAMED_MAX),
      confirmed: confirmed.slice(0, REVERTED_NAMED_MAX),
    },
  };
}

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

/** The revert of one batch of a file. */
interface RevertedBatch extends RevertOutcome {
  readonly revertsUuid: string;
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
