import { REVERTED_NAMED_MAX, type RevertOutcome, type SkuRevert } from '../../domain/batches.ts';
import { type Static, Type } from 'typebox';
import { textOrNull, uuid } from '../schema.ts';

const skuIds = (description: string) => Type.Array(Type.String(), { description });

export const RevertQuerySchema = Type.Object(
  {
    force: Type.Optional(
      Type.Boolean({ description: 'Also revert SKUs that a later batch has confirmed.' }),
    ),
    dry_run: Type.Optional(
      Type.Boolean({ description: 'Report what would happen, and write nothing.' }),
    ),
  },
  { title: 'RevertQuery', additionalProperties: false },
);

export const RevertReplySchema = Type.Object(
  {
    uuid: textOrNull({
      format: 'uuid',
      description: 'The new batch; null for a dry run, and if nothing was reverted.',
    }),
    reverts_uuid: uuid('The batch that was reverted.'),
    reverted: Type.Integer({ description: 'How many SKUs were reverted.' }),
    moved_on: Type.Integer({ description: 'How many have changed since and were not reverted.' }),
    confirmed: Type.Integer({
      description: 'How many a later batch has confirmed and were not reverted.',
    }),
    sku_ids: Type.Object(
      {
        reverted: skuIds('SKUs that were reverted.'),
        moved_on: skuIds('SKUs that have changed since.'),
        confirmed: skuIds('SKUs that a later batch has confirmed.'),
      },
      {
        additionalProperties: false,
        description: `At most ${REVERTED_NAMED_MAX} of each.`,
      },
    ),
  },
  { title: 'RevertReply', additionalProperties: false },
);

export function printRevert(
  revertsUuid: string,
  { uuid: newUuid, counts, skus }: RevertOutcome,
): Static<typeof RevertReplySchema> {
  const named = (outcome: SkuRevert): string[] =>
    skus.filter((sku) => sku.outcome === outcome).map((sku) => sku.skuId);
  return {
    uuid: newUuid,
    reverts_uuid: revertsUuid,
    ...counts,
    sku_ids: {
      reverted: named('reverted'),
      moved_on: named('moved_on'),
      confirmed: named('confirmed'),
    },
  };
}

const COUNTS = {
  reverted: Type.Integer({ description: 'How many SKUs were reverted.' }),
  moved_on: Type.Integer({ description: 'How many have changed since and were not reverted.' }),
  confirmed: Type.Integer({
    description: 'How many a later batch has confirmed and were not reverted.',
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
          reverts_uuid: uuid('The batch of the file that it reverts.'),
          ...COUNTS,
        },
        { additionalProperties: false },
      ),
      { description: 'In the order in which they were reverted: the last first.' },
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
  const printed = batches.map(({ uuid: newUuid, revertsUuid, counts }) => ({
    uuid: newUuid,
    reverts_uuid: revertsUuid,
    ...counts,
  }));
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
