import { Command, Option } from 'commander';
import { jsonOption } from '../admin/accounts.ts';
import { ResponseObject } from './response.ts';
import { BATCHES_PATH } from './batches.ts';
import { printLine } from '../output.ts';
import { Remote, remoteOptions, type RemoteOptions } from './client.ts';

interface RevertOptions extends RemoteOptions {
  readonly force?: true;
  readonly dryRun?: true;
  readonly reason?: string;
  readonly reference?: string;
  readonly json?: true;
}

export function revertCommand(): Command {
  const command = new Command('revert')
    .summary('undo a batch')
    .description(
      'Asks a server to put back every SKU that has not changed since a batch changed it. What has changed ' +
        'since is left alone, unless that was undone, and so is what a later batch has confirmed. An undo is itself a batch, and can be undone.',
    )
    .argument('<uuid>', 'the batch to undo, as "onhand batches" lists it')
    .addOption(new Option('--force', 'put back what a later batch has confirmed, too'))
    .addOption(new Option('--dry-run', 'say what would happen, and do nothing'))
    .addOption(new Option('--reason <text>', 'why; told with the new batch'))
    .addOption(new Option('--reference <text>', 'what you call it; told with the new batch'))
    .addOption(jsonOption());
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText(
      'after',
      '\nExample:\n  onhand revert 01a209dc-7aec-74f2-8a68-140000000002 --dry-run --token-file token.txt',
    )
    .action(async (uuid: string, options: RevertOptions) => {
      const { force = false, dryRun = false } = options;
      const answer = await new Remote(options).ask(
        'POST',
        `${BATCHES_PATH}${encodeURIComponent(uuid)}/revert/?force=${force}&dry_run=${dryRun}`,
        noteHeaders(options),
      );
      printLine(options.json === true ? JSON.stringify(answer, null, 2) : summary(answer, dryRun));
    });
}

/** What is told with a batch, as headers. */
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

/** Headers are bytes, each written as a character: those of UTF-8. */
function asHeader(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const OUTCOMES = [
  ['reverted', 'put back'],
  ['moved_on', 'left alone, since they have changed since'],
  ['confirmed', 'left alone, since a later batch has confirmed them (--force puts them back too)'],
] as const;

function summary(answer: unknown, isDryRun: boolean): string {
  const answered = new ResponseObject(answer);
  const uuid = answered.scalar('uuid');
  const outcomes = OUTCOMES.flatMap(([outcome, words]) => {
    const count = answered.number(outcome);
    return count === 0 ? [] : [`${count} SKUs ${words}: ${named(answered, outcome, count)}`];
  });
  const head = isDryRun ? ['Nothing was done; what would be:'] : [];
  const tail = uuid === null ? [] : [`This is the batch ${uuid}.`];
  const nothing = outcomes.length === 0 ? ['The batch has changed nothing.'] : [];
  return [...head, ...nothing, ...outcomes, ...tail].join('\n');
}

const NAMED_MAX = 20;

function named(answered: ResponseObject, outcome: string, count: number): string {
  const skuIds = answered.object('sku_ids').texts(outcome).slice(0, NAMED_MAX);
  return skuIds.join(', ') + (skuIds.length < count ? ', …' : '');
}
