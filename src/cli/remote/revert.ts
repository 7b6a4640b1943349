import { Command, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { jsonOption } from '../options.ts';
import { BATCHES_PATH } from './batches.ts';
import { connect, remoteOptions, type RemoteOptions } from './client.ts';
import { ResponseObject } from './response.ts';

interface RevertOptions extends RemoteOptions {
  readonly force?: true;
  readonly dryRun?: true;
  readonly reason?: string;
  readonly reference?: string;
  readonly json?: true;
}

export function revertCommand(context: CommandContext): Command {
  const command = new Command('revert')
    .summary('undo a batch')
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
  for (const option of remoteOptions(context)) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  onhand revert 01a209dc-7aec-74f2-8a68-140000000002 --dry-run --token-file token.txt',
    )
    .action(async (uuid: string, options: RevertOptions) => {
      const { force = false, dryRun = false } = options;
      const remote = await connect(context, options);
      const response = await remote.ask(
        'POST',
        `${BATCHES_PATH}${encodeURIComponent(uuid)}/revert/?force=${force}&dry_run=${dryRun}`,
        noteHeaders(options),
      );
      context.print(
        options.json === true ? JSON.stringify(response, null, 2) : summaryText(response, dryRun),
      );
    });
}

/** The headers that carry a batch's reason and reference. */
export function noteHeaders({
  reason,
  reference,
}: {
  readonly reason?: string;
  readonly reference?: string;
}): Record<string, string> {
  return {
    ...(reason !== undefined && { 'batch-reason': asHeader(reason) }),
    ...(reference !== undefined && { 'batch-reference': asHeader(reference) }),
  };
}

/** HTTP headers are Latin-1 strings; this carries UTF-8 bytes in one. */
function asHeader(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const OUTCOMES = [
  ['reverted', 'restored'],
  ['moved_on', 'skipped, because they have changed since'],
  ['confirmed', 'skipped, because a later batch has confirmed them (--force restores them too)'],
] as const;

function summaryText(json: unknown, isDryRun: boolean): string {
  const response = new ResponseObject(json);
  const uuid = response.scalar('uuid');
  const outcomes = OUTCOMES.flatMap(([outcome, words]) => {
    const count = response.number(outcome);
    return count === 0 ? [] : [`${count} SKUs ${words}: ${skuIdsText(response, outcome, count)}`];
  });
  const head = isDryRun ? ['Dry run: nothing was changed. This would happen:'] : [];
  const tail = uuid === null ? [] : [`The undo is batch ${uuid}.`];
  const nothing = outcomes.length === 0 ? ['The batch changed nothing.'] : [];
  return [...head, ...nothing, ...outcomes, ...tail].join('\n');
}

const SKU_IDS_SHOWN_MAX = 20;

function skuIdsText(response: ResponseObject, outcome: string, count: number): string {
  const skuIds = response.object('sku_ids').texts(outcome).slice(0, SKU_IDS_SHOWN_MAX);
  return skuIds.join(', ') + (skuIds.length < count ? ', …' : '');
}
