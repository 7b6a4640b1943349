import { Command, Option } from 'commander';
import type { BatchNote, RevertReply } from '../../../client/src/index.ts';
import type { CommandContext } from '../context.ts';
import { jsonOption } from '../options.ts';
import { withServer } from './client.ts';
import { remoteOptions, type RemoteOptions } from './options.ts';

interface RevertOptions extends RemoteOptions, BatchNote {
  readonly force?: true;
  readonly dryRun?: true;
  readonly json?: true;
}

export function revertCommand(context: CommandContext): Command {
  const command = new Command('revert')
    .description(
      'Undoes a batch: restores every SKU that has not changed since. Skips SKUs that a later batch has changed ' +
        '(unless that was undone too) or confirmed. The undo is itself a batch, and can be undone.',
    )
    .argument('<uuid>', 'the batch to undo, as "onhand batches" lists it')
    .addOption(new Option('--force', 'also restore SKUs that a later batch has confirmed'))
    .addOption(new Option('--dry-run', 'show what would happen and change nothing'))
    .addOption(new Option('--reason <text>', 'why; stored with the new batch'))
    .addOption(new Option('--reference <text>', 'your own reference; stored with the new batch'))
    .addOption(jsonOption());
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  onhand revert 01a209dc-7aec-74f2-8a68-140000000002 --dry-run --token-file token.txt',
    )
    .action(async (uuid: string, options: RevertOptions) => {
      const { force = false, dryRun = false, json } = options;
      const reply = await withServer(context, options, (onhand) =>
        onhand.batches.undo(uuid, { ...noteOf(options), force, dryRun }),
      );
      context.print(json === true ? JSON.stringify(reply, null, 2) : summaryText(reply, dryRun));
    });
}

/** The options of a command that are stored with a batch. */
export function noteOf({ reason, reference }: BatchNote): BatchNote {
  return {
    ...(reason !== undefined && { reason }),
    ...(reference !== undefined && { reference }),
  };
}

const OUTCOMES = [
  ['reverted', 'restored'],
  ['moved_on', 'skipped, because they have changed since'],
  ['confirmed', 'skipped, because a later batch has confirmed them (--force restores them too)'],
] as const;

function summaryText(reply: RevertReply, isDryRun: boolean): string {
  const outcomes = OUTCOMES.flatMap(([outcome, words]) => {
    const count = reply[outcome];
    return count === 0 ? [] : [`${count} SKUs ${words}: ${skuIdsText(reply, outcome)}`];
  });
  const head = isDryRun ? ['Dry run: nothing was changed. This would happen:'] : [];
  const tail = reply.uuid === null ? [] : [`The undo is batch ${reply.uuid}.`];
  const nothing = outcomes.length === 0 ? ['The batch changed nothing.'] : [];
  return [...head, ...nothing, ...outcomes, ...tail].join('\n');
}

const SKU_IDS_SHOWN_MAX = 20;

function skuIdsText(reply: RevertReply, outcome: (typeof OUTCOMES)[number][0]): string {
  const skuIds = reply.sku_ids[outcome].slice(0, SKU_IDS_SHOWN_MAX);
  return skuIds.join(', ') + (skuIds.length < reply[outcome] ? ', …' : '');
}
