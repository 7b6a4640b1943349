import { Command, InvalidArgumentError, Option } from 'commander';
import { jsonOption } from '../admin/accounts.ts';
import { ResponseObject, responseList } from './response.ts';
import { formatTable, printLine, printList, printNote, type ListRecord } from '../output.ts';
import { Remote, RemoteRefusal, remoteOptions, type RemoteOptions } from './client.ts';

export const BATCHES_PATH = '/timp/products/skus/inventory/batches/';
const LIMIT_DEFAULT = 25;
const EXPIRED = 410;

interface BatchesOptions extends RemoteOptions {
  readonly limit: number;
  readonly start: number;
  readonly json?: true;
}

export function batchesCommand(): Command {
  const command = new Command('batches')
    .summary('list the batches of a supplier, or look at one')
    .description(
      "Asks a server for a supplier's batches, the latest first; or for one of them, with its failing lines.",
    )
    .argument('[uuid]', 'the batch to look at: the Batch-Id of the reply to it')
    .addOption(
      new Option('--limit <number>', 'how many to list at most, 1 to 500')
        .default(LIMIT_DEFAULT)
        .argParser(parseCount),
    )
    .addOption(new Option('--start <number>', 'how many to skip').default(0).argParser(parseCount))
    .addOption(jsonOption());
  for (const option of remoteOptions()) command.addOption(option);
  return command
    .addHelpText('after', '\nExample:\n  onhand batches --token-file token.txt --limit 10')
    .action(async (uuid: string | undefined, options: BatchesOptions) => {
      const remote = new Remote(options);
      await (uuid === undefined
        ? list(remote, options)
        : show(remote, uuid, options.json === true));
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

async function list(remote: Remote, { start, limit, json }: BatchesOptions): Promise<void> {
  const page = await remote.ask('GET', `${BATCHES_PATH}?start=${start}&limit=${limit}`);
  if (json === true) {
    printLine(JSON.stringify(page, null, 2));
    return;
  }
  const answered = new ResponseObject(page);
  printList(COLUMNS, answered.objects('batches').map(listRecord), false);
  const next = answered.object('pagination').scalar('next_start_index');
  if (next !== null) printNote(`There are more: --start ${next}.`);
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

async function show(remote: Remote, uuid: string, asJson: boolean): Promise<void> {
  const path = `${BATCHES_PATH}${encodeURIComponent(uuid)}/`;
  const batch = await remote.ask('GET', path);
  const results = await failingLines(remote, path);
  if (asJson) {
    printLine(JSON.stringify({ batch, results: results ?? null }, null, 2));
    return;
  }
  const answered = new ResponseObject(batch);
  const members = answered.names.map((member) => ({
    member,
    value: memberValue(answered, member),
  }));
  printLine(formatTable(['member', 'value'], members));
  if (results === undefined) {
    printNote('Its failing lines are no longer kept.');
    return;
  }
  const failed = responseList(results).map((result) => ({
    index: result.scalar('index'),
    status: result.scalar('status_code'),
    message: result.scalar('message'),
  }));
  if (failed.length > 0) printLine(`\n${formatTable(['index', 'status', 'message'], failed)}`);
}

/** Undefined where they are no longer kept. */
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

function parseCount(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number is needed.');
}
