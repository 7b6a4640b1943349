import { Command, Option } from 'commander';
import { type Batch, type Onhand, ResultsExpired } from '../../../client/src/index.ts';
import type { CommandContext } from '../context.ts';
import { jsonOption, wholeNumberParser } from '../options.ts';
import { formatTable, printList, type ListRecord } from '../output.ts';
import { withServer } from './client.ts';
import { remoteOptions, type RemoteOptions } from './options.ts';

const LIMIT_DEFAULT = 25;
/** The server checks the limits itself; this keeps the number exact. */
const COUNT_MAX = 999_999_999_999_999;

interface BatchesOptions extends RemoteOptions {
  readonly limit: number;
  readonly start: number;
  readonly json?: true;
}

export function batchesCommand(context: CommandContext): Command {
  const command = new Command('batches')
    .description(
      "Lists a supplier's batches from a server, newest first. With a UUID, shows that batch and the lines that failed.",
    )
    .argument('[uuid]', 'the batch to show: the Batch-Id header of its response')
    .addOption(
      new Option('--limit <number>', 'how many batches to list, 1 to 500')
        .default(LIMIT_DEFAULT)
        .argParser(wholeNumberParser(0, COUNT_MAX)),
    )
    .addOption(
      new Option('--start <number>', 'how many batches to skip')
        .default(0)
        .argParser(wholeNumberParser(0, COUNT_MAX)),
    )
    .addOption(jsonOption());
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  onhand batches --token-file token.txt --limit 10')
    .action(async (uuid: string | undefined, options: BatchesOptions) => {
      await withServer(context, options, (onhand) =>
        uuid === undefined
          ? list(context, onhand, options)
          : show(context, onhand, uuid, options.json === true),
      );
    });
}

const COLUMNS = [
  'uuid',
  'applied',
  'source',
  'username',
  'lines',
  'failed',
  'changed',
  'reason',
  'reference',
];

async function list(
  context: CommandContext,
  onhand: Onhand,
  { start, limit, json }: BatchesOptions,
): Promise<void> {
  const page = await onhand.batches.page({ start, limit });
  if (json === true) {
    context.print(JSON.stringify(page, null, 2));
    return;
  }
  printList(context, COLUMNS, page.batches.map(listRecord), false);
  const next = page.pagination.next_start_index;
  if (next !== null) context.note(`There are more batches: use --start ${next}.`);
}

function listRecord(batch: Batch): ListRecord {
  const { uuid, applied, source, username, reason, reference, line_count: lines } = batch;
  return {
    uuid,
    applied,
    source,
    username,
    reason,
    reference,
    lines,
    failed: lines - (batch.status_counts['200'] ?? 0),
    changed: batch.changed_count,
  };
}

async function show(
  context: CommandContext,
  onhand: Onhand,
  uuid: string,
  asJson: boolean,
): Promise<void> {
  const batch = await onhand.batches.get(uuid);
  const results = await onhand.batches.results(uuid).catch(undefinedIfExpired);
  if (asJson) {
    context.print(JSON.stringify({ batch, results: results ?? null }, null, 2));
    return;
  }
  const members = Object.entries(batch).map(([member, value]) => ({
    member,
    value: typeof value === 'object' && value !== null ? countTexts(value) : value,
  }));
  context.print(formatTable(['member', 'value'], members));
  if (results === undefined) {
    context.note('The lines that failed are no longer stored.');
    return;
  }
  const failed = results.map(({ index = null, status_code: status, message }) => ({
    index,
    status,
    message,
  }));
  if (failed.length > 0) context.print(`\n${formatTable(['index', 'status', 'message'], failed)}`);
}

function undefinedIfExpired(error: unknown): undefined {
  if (!(error instanceof ResultsExpired)) throw error;
}

function countTexts(counts: Batch['status_counts']): readonly string[] {
  return Object.entries(counts).map(([status, count]) => `${status}: ${count}`);
}
