import { Command, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { jsonOption, wholeNumberParser } from '../options.ts';
import { formatTable, printList, type ListRecord } from '../output.ts';
import {
  connect,
  remoteOptions,
  RemoteRefusal,
  type Remote,
  type RemoteOptions,
} from './client.ts';
import { ResponseObject, responseList } from './response.ts';

export const BATCHES_PATH = '/timp/products/skus/inventory/batches/';
const LIMIT_DEFAULT = 25;
/** The server checks the limits itself; this keeps the number exact. */
const COUNT_MAX = 999_999_999_999_999;
const EXPIRED = 410;

interface BatchesOptions extends RemoteOptions {
  readonly limit: number;
  readonly start: number;
  readonly json?: true;
}

export function batchesCommand(context: CommandContext): Command {
  const command = new Command('batches')
    .summary('list the batches of a supplier, or show one')
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
  for (const option of remoteOptions(context)) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  onhand batches --token-file token.txt --limit 10')
    .action(async (uuid: string | undefined, options: BatchesOptions) => {
      const remote = await connect(context, options);
      await (uuid === undefined
        ? list(context, remote, options)
        : show(context, remote, uuid, options.json === true));
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
  remote: Remote,
  { start, limit, json }: BatchesOptions,
): Promise<void> {
  const page = await remote.ask('GET', `${BATCHES_PATH}?start=${start}&limit=${limit}`);
  if (json === true) {
    context.print(JSON.stringify(page, null, 2));
    return;
  }
  const response = new ResponseObject(page);
  printList(context, COLUMNS, response.objects('batches').map(listRecord), false);
  const next = response.object('pagination').scalar('next_start_index');
  if (next !== null) context.note(`There are more batches: use --start ${next}.`);
}

function listRecord(batch: ResponseObject): ListRecord {
  const lines = batch.number('line_count');
  return {
    uuid: batch.scalar('uuid'),
    applied: batch.scalar('applied'),
    source: batch.scalar('source'),
    username: batch.scalar('username'),
    lines,
    failed: lines - batch.object('status_counts').number('200'),
    changed: batch.number('changed_count'),
    reason: batch.scalar('reason'),
    reference: batch.scalar('reference'),
  };
}

async function show(
  context: CommandContext,
  remote: Remote,
  uuid: string,
  asJson: boolean,
): Promise<void> {
  const path = `${BATCHES_PATH}${encodeURIComponent(uuid)}/`;
  const batch = await remote.ask('GET', path);
  const results = await failingLines(remote, path);
  if (asJson) {
    context.print(JSON.stringify({ batch, results: results ?? null }, null, 2));
    return;
  }
  const response = new ResponseObject(batch);
  const members = response.names.map((member) => ({
    member,
    value: memberValue(response, member),
  }));
  context.print(formatTable(['member', 'value'], members));
  if (results === undefined) {
    context.note('The lines that failed are no longer stored.');
    return;
  }
  const failed = responseList(results).map((result) => ({
    index: result.scalar('index'),
    status: result.scalar('status_code'),
    message: result.scalar('message'),
  }));
  if (failed.length > 0) context.print(`\n${formatTable(['index', 'status', 'message'], failed)}`);
}

/** Undefined if they are no longer stored. */
async function failingLines(remote: Remote, path: string): Promise<unknown> {
  try {
    return await remote.ask('GET', `${path}results/`);
  } catch (error) {
    if (error instanceof RemoteRefusal && error.status === EXPIRED) return undefined;
    throw error;
  }
}

function memberValue(batch: ResponseObject, member: string): ListRecord[string] {
  if (member !== 'status_counts') return batch.scalar(member);
  const counts = batch.object(member);
  return counts.names.map((status) => `${status}: ${counts.number(status)}`);
}
